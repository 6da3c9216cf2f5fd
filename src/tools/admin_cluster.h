// SPDX-License-Identifier: Apache-2.0
// The nodes of a cluster as the administrator's tool sees them, and questions to all of them at
// once. Nodes are found through seeds and the peers that nodes list; nothing is asked of a node but
// info, so that a node that does not serve yet, or stands outside of its cluster, is seen as well.
//
// Model: a look (admin_cluster_look) rebuilds the list. A node that another one lists as its peer
// and that does not answer stays in the list with its trouble. Nodes stand in the order of their
// names.
//
// Memory: the cluster owns its nodes; replies own their texts and point to nodes, so they must not
// outlive the next look. One thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "ballast/ballast.h"
#include "base/bytes.h"
#include "base/limits.h"
#include "base/result.h"

enum {
    ADMIN_HOST_SIZE = 256,
    ADMIN_ADDRESS_SIZE = 272, // host:port, an IPv6 host in brackets
    ADMIN_WAVES_MAX = 16,     // of questions in one look
    ADMIN_CANDIDATES_MAX = 2 * LIMIT_CLIENT_NODES,
};

// What the tool needs of the world; tests bring their own.
struct admin_world {
    // As ballast_info_hosts.
    void (*ask)(struct ballast_info_target *targets, size_t count, const char *request,
                uint32_t timeout_ms, void *arg);
    // Writes the name of each IP address, or "" when it has none that is known in time.
    void (*name)(const char *const *ips, size_t count, char (*names)[ADMIN_HOST_SIZE], void *arg);
    // Whether the IP address is one of this machine.
    bool (*is_here)(const char *ip, void *arg);
    time_t (*now)(void *arg);
    void *arg;
};

// The world as it is.
void admin_world_real(struct admin_world *out);

struct admin_seed {
    char host[ADMIN_HOST_SIZE];
    uint16_t port;
    const char *trouble; // why it did not answer the last look: static text; NULL: it did
};

struct admin_node {
    char id[LIMIT_NODE_ID_SIZE + 1];
    char host[ADMIN_HOST_SIZE]; // where it is reached
    uint16_t port;
    char ip[ADMIN_HOST_SIZE];         // what it calls itself, without port
    char address[ADMIN_ADDRESS_SIZE]; // that with its port
    char name[ADMIN_ADDRESS_SIZE];    // as tables show it: name:port, or the address
    bool answers;
    const char *trouble; // why it does not: static text
    bool here;           // it runs on this machine
    bool sees_all;       // it lists all others that answer as its peers
};

struct admin_cluster {
    struct admin_world world;
    struct admin_seed seeds[LIMIT_CLIENT_SEEDS];
    size_t seed_count;
    uint32_t timeout_ms;
    bool seeds_only;          // do not follow peers
    bool alternate_addresses; // follow the second list of addresses
    bool alumni;              // follow nodes that were peers once, too

    struct admin_node *nodes;
    size_t node_count;
    char principal[LIMIT_NODE_ID_SIZE + 1]; // the one that most nodes name
    const char *trouble;                    // of the last seed that did not answer
};

// Why a host did not answer, for people: static text.
const char *admin_trouble_text(const struct ballast_error *error);

// Reads "host[:port][,host[:port]...]"; `port` is that of hosts that name none. A name for TLS
// between host and port, as in "host:name:3000", is refused. RESULT_PARAMETER with *at set to the
// part that is wrong.
BASE_MUST_USE enum base_result admin_seeds_parse(struct admin_cluster *cluster, const char *text,
                                                 uint16_t port, const char **at);

void admin_cluster_fini(struct admin_cluster *cluster);

// Finds the nodes. RESULT_NOT_CONNECTED when nobody answers; the list is empty then.
BASE_MUST_USE enum base_result admin_cluster_look(struct admin_cluster *cluster);

// The nodes that the patterns name: all when there are none or one is "all". A pattern is a node
// id, an address or a name, or the beginning of one, with or without a '*' behind it. `selected`
// has room for node_count. Returns the first pattern that names no node, or NULL.
const char *admin_cluster_select(const struct admin_cluster *cluster, const char *const *patterns,
                                 size_t pattern_count, bool *selected);

bool admin_node_is_principal(const struct admin_cluster *cluster, const struct admin_node *node);

// ---- questions ----------------------------------------------------------------------------------

struct admin_reply {
    const struct admin_node *node;
    char *text; // whole answer; NULL: it did not answer
    const char *trouble;
};

struct admin_replies {
    struct admin_reply *items;
    size_t count;
};

// Asks the selected nodes (NULL: all) the commands, one a line. Nodes that did not answer the last
// look are not asked again. RESULT_NO_MEMORY leaves no replies.
BASE_MUST_USE enum base_result admin_cluster_ask(const struct admin_cluster *cluster,
                                                 const bool *selected, const char *request,
                                                 struct admin_replies *out);
void admin_replies_fini(struct admin_replies *replies);

// The answer to one command; false when there is none. Errors count as answers.
bool admin_reply_answer(const struct admin_reply *reply, const char *command,
                        struct base_slice *value);

// The same without errors: false for an answer that reports one.
bool admin_reply_value(const struct admin_reply *reply, const char *command,
                       struct base_slice *value);
