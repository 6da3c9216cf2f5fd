// SPDX-License-Identifier: Apache-2.0
// The inside of the mesh, shared by its three files: links (mesh_link.c: bytes and frames), targets
// (mesh_targets.c: addresses to dial) and who may be linked (mesh.c).
#pragma once

#include <inttypes.h>
#include <stdatomic.h>

#include "server/mesh.h"
#include "server/mesh_message.h"
#include "server/mesh_seeds.h"

enum {
    MESH_LISTENERS_MAX = 16,
    MESH_TARGETS_MAX = 1024,
    MESH_STRANGERS_MAX = 64,        // accepted links that have not said HELLO
    MESH_OUT_SIZE_MAX = 128 * 1024, // unsent on one link
    MESH_GREETING_MS = 2000,        // time to say HELLO
    MESH_GONE_MS = 100,             // a closed link without a new one: the node is gone
    MESH_SETTLE_MS = 3000,          // the longest wait for seeds
};

enum mesh_link_state {
    MESH_CONNECTING, // dialled, not there yet
    MESH_GREETING,   // waits for HELLO
    MESH_WAITING,    // said HELLO with an id that is linked; waits for news of that link
    MESH_UP,
    MESH_CLOSED, // to be freed when the batch of events is over
};

struct mesh_link {
    struct io_watch watch; // first
    uint32_t magic;
    enum mesh_link_state state;
    struct mesh *mesh;
    struct mesh_link *previous;
    struct mesh_link *next;
    bool dialled;             // by us
    uint8_t peer;             // when up
    bool heard_member;        // a message of membership came over it
    uint64_t attempt;         // of the side that dialled
    uint64_t since_ms;        // in this state
    uint64_t heard_ms;        // bytes came
    struct io_address remote; // dialled: the address dialled
    char remote_text[IO_ADDRESS_TEXT_SIZE];
    char remote_host[IO_ADDRESS_TEXT_SIZE]; // without port
    struct mesh_hello *hello;               // of the other side, once greeted
    uint8_t *in;                            // the start of a frame
    uint32_t in_size;
    uint32_t in_room;
    uint8_t *out; // not sent yet
    uint32_t out_size;
    uint32_t out_room;
};

#define MESH_ID_TEXT "%" PRIX64

enum { MESH_LINK_MAGIC = 0x4d4c4e4b };

// Where a node may be reached.
struct mesh_target {
    struct io_address address;
    bool seed;   // a seed or tip stands for it
    bool told;   // a linked node told of it, or was linked there
    bool self;   // it is us
    bool tried;  // dialled at least once, and it is known how that ended
    bool force;  // dialled even while its node is linked
    uint64_t id; // of the node that was found there; 0: not known
    uint64_t next_ms;
    uint32_t failures;
    struct mesh_link *link; // being dialled
};

// How a node's link was lost, until it is linked again or is said to be gone.
enum mesh_loss { MESH_NOT_LOST, MESH_LOST_CLOSED, MESH_LOST_SILENT };

// What is remembered of each peer number.
struct mesh_peer {
    struct mesh_link *link; // up; NULL: none
    enum mesh_loss loss;
    uint64_t lost_ms;
};

struct mesh {
    uint32_t magic;
    struct node *node;
    struct io_loop *loop;
    struct mesh_hooks hooks;
    struct mesh_seeds *seeds;
    uint64_t seeds_version;
    uint64_t now_ms;
    uint64_t start_ms;
    uint64_t refresh_ms;  // when names are looked up again
    uint64_t tell_ms;     // when addresses are told again
    uint64_t announce_ms; // when our own addresses are looked at again
    uint64_t attempts;    // links dialled so far
    bool settled;
    bool tell;                                      // addresses are to be told soon
    char cluster_name[LIMIT_CLUSTER_NAME_SIZE + 1]; // of the links that are there
    struct mesh_hello hello;                        // ours
    uint32_t listener_count;
    struct mesh_listener {
        struct io_watch watch; // first
        struct mesh *mesh;
        uint64_t again_ms; // paused until then; 0: it is not
    } listeners[MESH_LISTENERS_MAX];
    struct mesh_link *links;
    struct mesh_link *graveyard;
    struct mesh_peer peer[LIMIT_CLUSTER_NODES];
    uint32_t target_count;
    struct mesh_target target[MESH_TARGETS_MAX];
    uint8_t scratch[64 * 1024];

    _Atomic bool has_met;
    _Atomic bool reset; // alumni are to be forgotten
    _Atomic bool clear; // targets of nodes that are not linked are to be forgotten
    _Atomic uint64_t opened;
    _Atomic uint64_t closed;
    _Atomic uint64_t received_self;
    _Atomic uint64_t received_foreign;
    _Atomic uint64_t duplicate_id;
};

enum { MESH_MAGIC = 0x4d455348 };

// --- mesh_link.c ---------------------------------------------------------------------------------

// Takes over an accepted descriptor, or dials. NULL when there is no memory or no descriptor; for a
// dialled one *refused tells whether the other side said no.
struct mesh_link *mesh__link_accept(struct mesh *mesh, int fd, const struct io_address *remote);
struct mesh_link *mesh__link_dial(struct mesh *mesh, const struct io_address *remote,
                                  bool *refused);

// Queues a frame and sends what can be sent. What does not fit is lost.
void mesh__link_send(struct mesh_link *link, const uint8_t *frame, uint32_t size);
void mesh__link_send_message(struct mesh_link *link, const uint8_t *body, uint32_t size);

// Closes; the memory stays until mesh__links_bury.
void mesh__link_close(struct mesh_link *link);
void mesh__links_bury(struct mesh *mesh);

// Events come between ticks: brings now_ms up to date.
void mesh__now_read(struct mesh *mesh);

// --- mesh_greeting.c -----------------------------------------------------------------------------

// What this node says of itself, as things stand; enters it as peer 0; sends it.
void mesh__hello_make(const struct mesh *mesh, struct mesh_hello *out);
void mesh__self_enter(struct mesh *mesh);
void mesh__hello_send(struct mesh_link *link);

// The other side has greeted. A link that waits for news of another one.
void mesh__greeted(struct mesh_link *link, const struct mesh_hello *hello);
void mesh__waiting_decide(struct mesh_link *link);
void mesh__on_refused_frame(struct mesh_link *link, const struct mesh_refused *refused);

// Enters what a linked node says of itself.
void mesh__peer_enter(struct mesh *mesh, const struct mesh_link *link);

// Closes a link that is not up, dialling again after `again_ms` (0: as failures go); and one that
// is, remembering how it was lost.
void mesh__link_give_up(struct mesh_link *link, uint32_t again_ms);
void mesh__link_lose(struct mesh *mesh, struct mesh_link *link, enum mesh_loss loss);

uint32_t mesh__silence_ms(const struct mesh *mesh); // the heartbeat timeout

// --- mesh.c --------------------------------------------------------------------------------------

// A dialled link is connected, or it is known that it will not be.
void mesh__on_connected(struct mesh_link *link);
void mesh__on_dial_failed(struct mesh_link *link, bool refused);

// A whole frame came. The other side closed the link (`by_peer`), or it failed.
void mesh__on_frame(struct mesh_link *link, const struct mesh_header *header, const uint8_t *body);
void mesh__on_broken(struct mesh_link *link, bool by_peer);

// A node's address refused a link.
void mesh__on_refused(struct mesh *mesh, uint64_t id);

// What came is not of this protocol.
void mesh__on_garbage(struct mesh_link *link, const char *why);

// --- mesh_targets.c ------------------------------------------------------------------------------

// Enters an address; NULL when the table is full.
struct mesh_target *mesh__target_ensure(struct mesh *mesh, const struct io_address *address);
struct mesh_target *mesh__target_of(struct mesh *mesh, const struct mesh_link *link);

// How the dialling of a target ended. `id` 0: no node was found.
void mesh__target_failed(struct mesh *mesh, struct mesh_target *target);
void mesh__target_found(struct mesh *mesh, struct mesh_target *target, uint64_t id);

// Has a node's addresses dialled at once.
void mesh__targets_hurry(struct mesh *mesh, uint64_t id);

// A node came back at `address`: whoever may be at its other addresses, it is not there.
void mesh__targets_moved(struct mesh *mesh, uint64_t id, const struct io_address *address);

// Forgets the addresses that are no seeds and whose nodes are not linked.
void mesh__targets_forget(struct mesh *mesh);

// Takes over changed seeds, dials what is due.
void mesh__targets_tick(struct mesh *mesh);
bool mesh__targets_settled(struct mesh *mesh);

// How long nothing is to be dialled.
uint32_t mesh__targets_wait_ms(const struct mesh *mesh, uint32_t most_ms);
