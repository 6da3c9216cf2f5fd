// SPDX-License-Identifier: Apache-2.0
// libballast: the client of the Ballast key-value database, and of every server that speaks the
// Aerospike wire protocol.
//
// Model: a `struct ballast_cluster` is one connection to a whole cluster. It learns the nodes from
// a few seeds, keeps a map of which node holds which part of the key space, refreshes both each
// second in a thread of its own, and sends each request straight to the node that holds the record.
//
// Threads: any number of threads may share one cluster. A loop, batch, scan or record belongs to
// one thread at a time.
//
// Memory: what a function hands out through a `**` parameter belongs to the caller, who gives it
// back with the matching *_free, which also sets the caller's pointer to NULL. Bytes passed in are
// read during the call alone, unless the function says otherwise.
//
// Errors: each call returns BALLAST_OK or the code of what went wrong, and fills `error`, which may
// be NULL. A policy of NULL means the defaults.
#ifndef BALLAST_H
#define BALLAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define BALLAST_API __attribute__((visibility("default")))
#else
#define BALLAST_API
#endif

// ---- results ------------------------------------------------------------------------------------

// Numbers below 256 are what a node answered; numbers from 256 up were found out by the library.
// A newer server may answer numbers that are not listed here.
enum ballast_code {
    BALLAST_OK = 0,
    BALLAST_SERVER = 1,
    BALLAST_RECORD_NOT_FOUND = 2,
    BALLAST_GENERATION = 3, // the record's generation was not the expected one
    BALLAST_PARAMETER = 4,
    BALLAST_RECORD_EXISTS = 5,
    BALLAST_BIN_EXISTS = 6,
    BALLAST_CLUSTER_KEY_MISMATCH = 7,
    BALLAST_SERVER_FULL = 8, // out of memory or storage
    BALLAST_TIMEOUT = 9,     // the node gave up in time; see BALLAST_CLIENT_TIMEOUT
    BALLAST_ALWAYS_FORBIDDEN = 10,
    BALLAST_PARTITION_UNAVAILABLE = 11,
    BALLAST_INCOMPATIBLE_TYPE = 12, // the operation does not fit the bin's type
    BALLAST_RECORD_TOO_BIG = 13,
    BALLAST_KEY_BUSY = 14, // too many operations on one record at once
    BALLAST_SCAN_ABORTED = 15,
    BALLAST_UNSUPPORTED = 16,
    BALLAST_BIN_NOT_FOUND = 17,
    BALLAST_DEVICE_OVERLOAD = 18,
    BALLAST_KEY_MISMATCH = 19, // the record stores a different key under this digest
    BALLAST_NAMESPACE_NOT_FOUND = 20,
    BALLAST_BIN_NAME = 21, // longer than 15 bytes, or too many bins
    BALLAST_FORBIDDEN = 22,
    BALLAST_ELEMENT_NOT_FOUND = 23,
    BALLAST_ELEMENT_EXISTS = 24,
    BALLAST_OP_NOT_APPLICABLE = 26,
    BALLAST_FILTERED_OUT = 27,
    BALLAST_NOT_AUTHENTICATED = 80,
    BALLAST_MALFORMED = 257, // an answer that makes no sense
    BALLAST_NO_MEMORY = 258,
    BALLAST_IO = 259,     // the operating system refused; connections that are refused end here
    BALLAST_CLOSED = 260, // the node closed the connection before it answered
    BALLAST_NOT_CONNECTED = 262, // no node could be reached
    BALLAST_NO_NODE = 263,       // no known node holds this part of the key space
    BALLAST_CLIENT_TIMEOUT = 264,
    BALLAST_LIMIT = 265, // connections_per_node_max, or a name or value past its limit
    BALLAST_CANCELLED = 267
};

// What went wrong.
struct ballast_error {
    int code; // enum ballast_code, or a newer server's number

    // True when the write may or may not have happened: it was sent whole and no answer came, or
    // the node itself ran out of time. False means: this call has not changed the record. Never
    // true for reads.
    bool in_doubt;

    const char *text; // static, in English
};

// Static text of a code.
BALLAST_API const char *ballast_code_text(int code);

// Version of the library, such as "0.1.0".
BALLAST_API const char *ballast_version(void);

// ---- values, bins and keys ----------------------------------------------------------------------

enum ballast_type {
    BALLAST_NIL = 0,
    BALLAST_INTEGER = 1,
    BALLAST_DOUBLE = 2,
    BALLAST_STRING = 3,
    BALLAST_BLOB = 4,
    BALLAST_BOOL = 17,
    BALLAST_HLL = 18,
    BALLAST_MAP = 19,
    BALLAST_LIST = 20,
    BALLAST_GEOJSON = 23
};

// One value. Lists, maps, HLL and GeoJSON values are the bytes that the wire protocol carries
// (lists and maps: MessagePack). Bytes and strings in a value read from a record live as long as
// the record and are followed by a NUL that `size` does not count.
struct ballast_value {
    enum ballast_type type;
    int64_t integer;   // BALLAST_INTEGER; BALLAST_BOOL: 0 or 1
    double number;     // BALLAST_DOUBLE
    const void *bytes; // all other types but BALLAST_NIL
    size_t size;       // of bytes
};

BALLAST_API struct ballast_value ballast_nil(void);
BALLAST_API struct ballast_value ballast_integer(int64_t integer);
BALLAST_API struct ballast_value ballast_double(double number);
BALLAST_API struct ballast_value ballast_bool(bool boolean);
BALLAST_API struct ballast_value ballast_string(const char *text); // up to its NUL
BALLAST_API struct ballast_value ballast_blob(const void *bytes, size_t size);
// Any type that is carried as bytes.
BALLAST_API struct ballast_value ballast_bytes(enum ballast_type type, const void *bytes,
                                               size_t size);

// A named value in a record. Names have 1 to 15 bytes.
struct ballast_bin {
    const char *name;
    struct ballast_value value;
};

enum ballast_key_type {
    BALLAST_KEY_INTEGER = 1,
    BALLAST_KEY_STRING = 3,
    BALLAST_KEY_BLOB = 4,
    BALLAST_KEY_DIGEST = 100 // the 20-byte digest itself, when the key is not known
};

enum { BALLAST_DIGEST_SIZE = 20, BALLAST_PARTITIONS = 4096 };

// Names a record. The struct borrows all it points to.
struct ballast_key {
    const char *ns;  // 1 to 31 bytes
    const char *set; // up to 63 bytes; NULL or "": no set
    enum ballast_key_type type;
    int64_t integer;
    const void *bytes; // string, blob, digest
    size_t size;
};

BALLAST_API struct ballast_key ballast_key_integer(const char *ns, const char *set,
                                                   int64_t integer);
BALLAST_API struct ballast_key ballast_key_string(const char *ns, const char *set,
                                                  const char *text);
BALLAST_API struct ballast_key ballast_key_blob(const char *ns, const char *set, const void *bytes,
                                                size_t size);
BALLAST_API struct ballast_key ballast_key_digest(const char *ns, const char *set,
                                                  const uint8_t *digest);

// The record's identity, RIPEMD-160 over set, key type and key. BALLAST_PARAMETER for an impossible
// key.
BALLAST_API int ballast_digest(const struct ballast_key *key, uint8_t out[BALLAST_DIGEST_SIZE]);

// ---- records ------------------------------------------------------------------------------------

struct ballast_record;

// Takes back a record; `*record` may be NULL.
BALLAST_API void ballast_record_free(struct ballast_record **record);

BALLAST_API uint32_t ballast_record_generation(const struct ballast_record *record);

// Seconds until the record expires, at least 1; -1: never.
BALLAST_API int64_t ballast_record_ttl_s(const struct ballast_record *record);

// The bins in the order of the answer; returns how many. For operate: the results, and one name may
// come several times.
BALLAST_API size_t ballast_record_bins(const struct ballast_record *record,
                                       const struct ballast_bin **bins);

// The first value under that name, or NULL.
BALLAST_API const struct ballast_value *ballast_record_get(const struct ballast_record *record,
                                                           const char *name);

// Records that a scan found know who they are. Set: "" when none. Digest: NULL for records that
// were asked for by key. Key: a value of type BALLAST_NIL when the record was written without
// `send_key`.
BALLAST_API const char *ballast_record_set(const struct ballast_record *record);
BALLAST_API const uint8_t *ballast_record_digest(const struct ballast_record *record);
BALLAST_API struct ballast_value ballast_record_key(const struct ballast_record *record);

// ---- policies -----------------------------------------------------------------------------------

enum ballast_exists {
    BALLAST_EXISTS_UPDATE = 0,  // create the record or merge into it
    BALLAST_EXISTS_CREATE_ONLY, // BALLAST_RECORD_EXISTS when it is there
    BALLAST_EXISTS_UPDATE_ONLY, // BALLAST_RECORD_NOT_FOUND when it is not
    BALLAST_EXISTS_REPLACE,     // create the record or drop its other bins
    BALLAST_EXISTS_REPLACE_ONLY // drop its other bins; BALLAST_RECORD_NOT_FOUND
};

enum ballast_generation_rule {
    BALLAST_GENERATION_IGNORE = 0,
    BALLAST_GENERATION_EQUAL,  // write only when the record still has policy.generation
    BALLAST_GENERATION_GREATER // write only when policy.generation is above the record's
};

enum ballast_replica {
    BALLAST_REPLICA_SEQUENCE = 0, // the master; for reads, the other replicas when it fails
    BALLAST_REPLICA_MASTER
};

// Times to live with a meaning of their own.
#define BALLAST_TTL_DEFAULT 0u          // what namespace and set are configured with
#define BALLAST_TTL_NEVER   0xFFFFFFFFu // the record never expires
#define BALLAST_TTL_KEEP    0xFFFFFFFEu // the record keeps the time it has

struct ballast_policy {
    uint32_t total_timeout_ms;  // for the call with all its retries; 0: no limit. Default 1000
    uint32_t socket_timeout_ms; // without any progress on one try; 0: total. Default 0
    uint32_t retries_max;       // after the first try. Default 5
    uint32_t retry_sleep_ms;    // before each retry; 0: 0 to 250, growing. Default 0

    // A write that was sent and not answered is repeated only when this is set, because it may then
    // happen twice. Default false: the call fails with error.in_doubt.
    bool retry_in_doubt;

    enum ballast_replica replica;
    enum ballast_exists exists;
    enum ballast_generation_rule generation_rule;
    uint32_t generation;         // for generation_rule
    uint32_t ttl_s;              // of what is written; see BALLAST_TTL_*. Default 0
    uint32_t read_touch_ttl_pct; // reads renew the time to live in its last part: 1 to 100; 0:
                                 // as the namespace says; UINT32_MAX: never
    bool send_key;               // store the key itself with the record
    bool durable_delete;         // leave a tombstone
    bool commit_master;          // answer before the replicas have it
    bool compress;               // compress requests and answers of more than 128 bytes
    bool respond_all_ops;        // operate: a result for each operation, nil where it has none
};

// Fills in the defaults above. Start from it rather than from zeros.
BALLAST_API void ballast_policy_init(struct ballast_policy *policy);

// ---- the cluster --------------------------------------------------------------------------------

struct ballast_config {
    const char *hosts;           // "host[:port][,host[:port]...]", IPv6 in brackets. "127.0.0.1"
    uint16_t port;               // where a host names none. 3000
    const char *cluster_name;    // refuse nodes of another cluster; NULL: do not ask
    uint32_t connect_timeout_ms; // for one connection. 1000
    uint32_t tend_interval_ms;   // between looks at the nodes. 1000
    uint32_t connections_per_node_max; // of all threads and loops together. 256
    uint32_t idle_max_ms;              // a pooled connection is closed after it. 50000
    bool alternate_addresses;          // use the nodes' alternate-access-address
};

// Fills in the defaults above.
BALLAST_API void ballast_config_init(struct ballast_config *config);

struct ballast_cluster;

// Connects to the first seed that answers, learns nodes and map, and starts the thread that keeps
// them fresh. Errors: BALLAST_PARAMETER for a bad configuration, BALLAST_NOT_CONNECTED when no seed
// answers; error->text then says why the last one did not.
BALLAST_API int ballast_connect(const struct ballast_config *config, struct ballast_cluster **out,
                                struct ballast_error *error);

// Closes all. No other call on this cluster may be under way, and its loops must be freed.
BALLAST_API void ballast_close(struct ballast_cluster **cluster);

struct ballast_node_info {
    char name[24];    // upper-case hexadecimal
    char address[64]; // "10.0.0.1:3000" or "[fd00::1]:3000"
    uint32_t connections_open;
    bool responding; // it answered the last look
};

// Copies what is known of up to `max` nodes; returns how many nodes there are.
BALLAST_API size_t ballast_nodes(struct ballast_cluster *cluster, struct ballast_node_info *out,
                                 size_t max);

// ---- single records -----------------------------------------------------------------------------

// Reads all bins.
BALLAST_API int ballast_get(struct ballast_cluster *cluster, const struct ballast_policy *policy,
                            const struct ballast_key *key, struct ballast_record **out,
                            struct ballast_error *error);

// Reads the named bins; those the record lacks are left out.
BALLAST_API int ballast_get_bins(struct ballast_cluster *cluster,
                                 const struct ballast_policy *policy, const struct ballast_key *key,
                                 const char *const *names, size_t name_count,
                                 struct ballast_record **out, struct ballast_error *error);

// Reads generation and time to live; the record has no bins. `out` may be NULL.
// BALLAST_RECORD_NOT_FOUND when the record is absent.
BALLAST_API int ballast_exists(struct ballast_cluster *cluster, const struct ballast_policy *policy,
                               const struct ballast_key *key, struct ballast_record **out,
                               struct ballast_error *error);

// Writes bins. A bin of type BALLAST_NIL is removed.
BALLAST_API int ballast_put(struct ballast_cluster *cluster, const struct ballast_policy *policy,
                            const struct ballast_key *key, const struct ballast_bin *bins,
                            size_t bin_count, struct ballast_error *error);

// BALLAST_RECORD_NOT_FOUND when there was nothing to remove.
BALLAST_API int ballast_remove(struct ballast_cluster *cluster, const struct ballast_policy *policy,
                               const struct ballast_key *key, struct ballast_error *error);

// Gives the record policy->ttl_s anew and a new generation.
BALLAST_API int ballast_touch(struct ballast_cluster *cluster, const struct ballast_policy *policy,
                              const struct ballast_key *key, struct ballast_error *error);

enum ballast_op_type {
    BALLAST_OP_READ = 1, // `bin` "" or NULL: all bins
    BALLAST_OP_WRITE = 2,
    BALLAST_OP_INCR = 5, // integer or double
    BALLAST_OP_APPEND = 9,
    BALLAST_OP_PREPEND = 10,
    BALLAST_OP_TOUCH = 11, // no bin, no value
    BALLAST_OP_DELETE = 14 // the whole record; no bin, no value
};

struct ballast_op {
    enum ballast_op_type type;
    const char *bin;
    struct ballast_value value; // of WRITE, INCR, APPEND, PREPEND
};

// Does all operations in order as one atomic step on one record. *out holds the results of those
// that have one; `out` may be NULL.
BALLAST_API int ballast_operate(struct ballast_cluster *cluster,
                                const struct ballast_policy *policy, const struct ballast_key *key,
                                const struct ballast_op *ops, size_t op_count,
                                struct ballast_record **out, struct ballast_error *error);

// ---- batches ------------------------------------------------------------------------------------

// Many records in one request per node. Rows keep the order in which they were added. Keys, names
// and values are copied when a row is added.
struct ballast_batch;

BALLAST_API int ballast_batch_new(struct ballast_batch **out);
BALLAST_API void ballast_batch_free(struct ballast_batch **batch);

// Each adds a row: BALLAST_OK, BALLAST_PARAMETER, BALLAST_LIMIT or BALLAST_NO_MEMORY. `policy` may
// be NULL; its exists, generation, ttl, send_key, durable_delete and commit_master count.
// name_count 0 reads all bins.
BALLAST_API int ballast_batch_read(struct ballast_batch *batch, const struct ballast_policy *policy,
                                   const struct ballast_key *key, const char *const *names,
                                   size_t name_count);
BALLAST_API int ballast_batch_exists(struct ballast_batch *batch,
                                     const struct ballast_policy *policy,
                                     const struct ballast_key *key);
BALLAST_API int ballast_batch_write(struct ballast_batch *batch,
                                    const struct ballast_policy *policy,
                                    const struct ballast_key *key, const struct ballast_op *ops,
                                    size_t op_count);
BALLAST_API int ballast_batch_remove(struct ballast_batch *batch,
                                     const struct ballast_policy *policy,
                                     const struct ballast_key *key);

BALLAST_API size_t ballast_batch_size(const struct ballast_batch *batch);

// Runs all rows that have no result yet. BALLAST_OK when each row has its node's answer, whatever
// that says; otherwise the code of the first row without one. Timeouts, retries and compress of
// `policy` count.
BALLAST_API int ballast_batch_run(struct ballast_cluster *cluster,
                                  const struct ballast_policy *policy, struct ballast_batch *batch,
                                  struct ballast_error *error);

// What came of a row, counted from 0: its code, in_doubt through `error` (may be NULL), its record
// through `record` (may be NULL; *record belongs to the batch and is NULL for rows without one).
BALLAST_API int ballast_batch_result(const struct ballast_batch *batch, size_t row,
                                     const struct ballast_record **record,
                                     struct ballast_error *error);

// ---- scans --------------------------------------------------------------------------------------

struct ballast_scan;

struct ballast_scan_options {
    const char *ns;
    const char *set;          // NULL or "": the whole namespace
    const char *const *names; // bins to read; name_count 0: all
    size_t name_count;
    bool no_bins;                // keys, generations and times to live only
    uint64_t max_records;        // for each run; 0: no limit
    uint32_t records_per_second; // on each node; 0: no limit
    uint16_t partition_first;    // 0 to 4095
    uint16_t partition_count;    // 0: all from partition_first on
    const uint8_t *after_digest; // scan only this digest's partition, behind it; NULL: from the
                                 // start
};

BALLAST_API void ballast_scan_options_init(struct ballast_scan_options *options);

// Called for each record, in the thread of ballast_scan_run. The record lives during the call.
// Return false to stop.
typedef bool (*ballast_scan_fn)(const struct ballast_record *record, void *arg);

// A scan remembers which records it has delivered, so that a later run goes on behind them.
BALLAST_API int ballast_scan_new(const struct ballast_scan_options *options,
                                 struct ballast_scan **out);
BALLAST_API void ballast_scan_free(struct ballast_scan **scan);

// Delivers records until all are delivered, max_records is reached or `fn` returns false; all three
// end with BALLAST_OK. Defaults for policy NULL: no total timeout, 30 seconds without progress,
// 5 retries. Each record is delivered once, unless it is written while the scan passes.
BALLAST_API int ballast_scan_run(struct ballast_cluster *cluster,
                                 const struct ballast_policy *policy, struct ballast_scan *scan,
                                 ballast_scan_fn fn, void *arg, struct ballast_error *error);

// True when nothing is left to deliver.
BALLAST_API bool ballast_scan_done(const struct ballast_scan *scan);

// ---- info ---------------------------------------------------------------------------------------

// Sends one info command, such as "namespaces" or "truncate:namespace=test", to the node of that
// name, or to any node when `node` is NULL. *answer is the value, which may be the text of an
// error ("ERROR:4:..."); give it back with ballast_text_free.
BALLAST_API int ballast_info(struct ballast_cluster *cluster, const char *node, const char *command,
                             uint32_t timeout_ms, char **answer, struct ballast_error *error);

// The same to all nodes at once. `fn` is called for each in the caller's thread: `answer` is NULL
// when error->code is not BALLAST_OK, and lives during the call. BALLAST_OK when all answered.
typedef void (*ballast_info_fn)(const struct ballast_node_info *node, const char *answer,
                                const struct ballast_error *error, void *arg);
BALLAST_API int ballast_info_all(struct ballast_cluster *cluster, const char *command,
                                 uint32_t timeout_ms, ballast_info_fn fn, void *arg,
                                 struct ballast_error *error);

// Talks to one host without any cluster. `command` may hold several commands, one a line, or be ""
// for the node's default set; *answer is the whole text: a line `command TAB value` for each.
BALLAST_API int ballast_info_host(const char *host, uint16_t port, const char *command,
                                  uint32_t timeout_ms, char **answer, struct ballast_error *error);

// One of the hosts that ballast_info_hosts asks, and what it answered: the whole text, to be given
// back with ballast_text_free, or NULL when error.code is not BALLAST_OK.
struct ballast_info_target {
    const char *host;
    uint16_t port;
    char *answer;
    struct ballast_error error;
};

// Sends the same commands to up to 256 hosts at once and waits for all of them, each at most
// timeout_ms (0: no limit); looking up names takes its own time. BALLAST_OK when all answered,
// otherwise the code of the first that did not.
BALLAST_API int ballast_info_hosts(struct ballast_info_target *targets, size_t count,
                                   const char *command, uint32_t timeout_ms);

BALLAST_API void ballast_text_free(char **text);

// ---- the event loop -----------------------------------------------------------------------------

// Runs many requests from one thread, each on its own connection. The program drives it: call
// ballast_loop_run_once in a loop, or poll ballast_loop_fd for reading beside other descriptors and
// call it when that is ready. All calls on one loop come from one thread at a time.
struct ballast_loop;

BALLAST_API int ballast_loop_new(struct ballast_cluster *cluster, struct ballast_loop **out,
                                 struct ballast_error *error);

// Ends all requests that are under way with BALLAST_CANCELLED, calling back each.
BALLAST_API void ballast_loop_free(struct ballast_loop **loop);

BALLAST_API int ballast_loop_fd(const struct ballast_loop *loop);

// Waits up to timeout_ms (-1: without end, 0: not at all) for something to do, does it, and returns
// how many requests ended.
BALLAST_API size_t ballast_loop_run_once(struct ballast_loop *loop, int timeout_ms);

// Requests under way.
BALLAST_API size_t ballast_loop_pending(const struct ballast_loop *loop);

// Called once for each request that was accepted, from ballast_loop_run_once or ballast_loop_free.
// `error` lives during the call. `record` now belongs to the callee; it is NULL when there is none.
// New requests may be started from within.
typedef void (*ballast_done_fn)(const struct ballast_error *error, struct ballast_record *record,
                                void *arg);

// As their synchronous namesakes. BALLAST_OK: accepted, `fn` will be called. Otherwise `fn` will
// not be called. Nothing passed in need live beyond the call but `arg`.
BALLAST_API int ballast_async_get(struct ballast_loop *loop, const struct ballast_policy *policy,
                                  const struct ballast_key *key, ballast_done_fn fn, void *arg);
BALLAST_API int ballast_async_get_bins(struct ballast_loop *loop,
                                       const struct ballast_policy *policy,
                                       const struct ballast_key *key, const char *const *names,
                                       size_t name_count, ballast_done_fn fn, void *arg);
BALLAST_API int ballast_async_exists(struct ballast_loop *loop, const struct ballast_policy *policy,
                                     const struct ballast_key *key, ballast_done_fn fn, void *arg);
BALLAST_API int ballast_async_put(struct ballast_loop *loop, const struct ballast_policy *policy,
                                  const struct ballast_key *key, const struct ballast_bin *bins,
                                  size_t bin_count, ballast_done_fn fn, void *arg);
BALLAST_API int ballast_async_remove(struct ballast_loop *loop, const struct ballast_policy *policy,
                                     const struct ballast_key *key, ballast_done_fn fn, void *arg);
BALLAST_API int ballast_async_touch(struct ballast_loop *loop, const struct ballast_policy *policy,
                                    const struct ballast_key *key, ballast_done_fn fn, void *arg);
BALLAST_API int ballast_async_operate(struct ballast_loop *loop,
                                      const struct ballast_policy *policy,
                                      const struct ballast_key *key, const struct ballast_op *ops,
                                      size_t op_count, ballast_done_fn fn, void *arg);

// Called with the batch that was started; results are asked from it with ballast_batch_result.
typedef void (*ballast_batch_done_fn)(const struct ballast_error *error,
                                      struct ballast_batch *batch, void *arg);

// The batch must live until `fn` is called, and belongs to the loop until then.
BALLAST_API int ballast_async_batch(struct ballast_loop *loop, const struct ballast_policy *policy,
                                    struct ballast_batch *batch, ballast_batch_done_fn fn,
                                    void *arg);

#ifdef __cplusplus
}
#endif

#endif
