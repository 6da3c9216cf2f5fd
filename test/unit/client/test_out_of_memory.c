// SPDX-License-Identifier: Apache-2.0
// Memory refused at the n-th asking, for each n: every call ends with an error or well, nothing
// leaks, and the next call works.
#include <dlfcn.h>
#include <errno.h>

#include "fake_cluster.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

// Only the thread that sets it is refused memory: so many askings from now, 0 being the next.
enum { NEVER = -1 };
static _Thread_local int refuse_in = NEVER;
static _Thread_local bool refused;

#ifndef SANITIZED
// The program's own heap functions stand before the library's, count, and refuse.
static _Atomic int64_t blocks_live;

static bool refuses(void)
{
    if (refuse_in == NEVER) {
        return false;
    }
    if (refuse_in-- == 0) {
        refused = true;
        errno = ENOMEM;
        return true;
    }
    return false;
}

static void *real(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

void *malloc(size_t size)
{
    static void *(*next)(size_t);
    if (next == NULL) {
        next = (void *(*)(size_t))(uintptr_t)real("malloc");
    }
    void *block = refuses() ? NULL : next(size);
    atomic_fetch_add(&blocks_live, block != NULL);
    return block;
}

void *calloc(size_t count, size_t size)
{
    static void *(*next)(size_t, size_t);
    if (next == NULL) {
        next = (void *(*)(size_t, size_t))(uintptr_t)real("calloc");
    }
    void *block = refuses() ? NULL : next(count, size);
    atomic_fetch_add(&blocks_live, block != NULL);
    return block;
}

void *realloc(void *old, size_t size)
{
    static void *(*next)(void *, size_t);
    if (next == NULL) {
        next = (void *(*)(void *, size_t))(uintptr_t)real("realloc");
    }
    void *block = refuses() ? NULL : next(old, size);
    atomic_fetch_add(&blocks_live, old == NULL && block != NULL);
    return block;
}

void free(void *block)
{
    static void (*next)(void *);
    if (next == NULL) {
        next = (void (*)(void *))(uintptr_t)real("free");
    }
    atomic_fetch_sub(&blocks_live, block != NULL);
    next(block);
}

static int64_t live(void)
{
    return atomic_load(&blocks_live);
}
#else
static int64_t live(void)
{
    return 0;
}
#endif

static enum fake_verdict on_bin(struct fake_node *node, const uint8_t *body, size_t size,
                                uint8_t *out, size_t *out_size)
{
    (void)node;
    struct wire_message message;
    size_t message_size;
    if (wire_message_parse(body, size, &message, &message_size) != RESULT_OK) {
        return FAKE_CLOSE;
    }
    // A batch or a scan gets an empty answer, a single request one large bin.
    bool stream = !wire_fields_has(&message.fields, WIRE_FIELD_DIGEST);
    struct wire_message_header header = {.info3 = stream ? WIRE_INFO3_LAST : 0,
                                         .op_count = !stream};
    uint8_t *at = fake_message_store(out, &header);
    if (!stream) {
        at = wire_op_store(at, WIRE_OP_READ, WIRE_PARTICLE_BLOB, "b", 1, 5000) + 5000;
    }
    *out_size = (size_t)(at - out);
    wire_frame_header_store(out, WIRE_FRAME_MESSAGE, *out_size - WIRE_FRAME_HEADER_SIZE);
    return FAKE_ANSWER;
}

struct fixture {
    struct fake_node *node;
    struct ballast_cluster *cluster;
    struct ballast_key key;
};

static void try_get(struct fixture *f)
{
    struct ballast_record *record;
    struct ballast_error error;
    int code = ballast_get(f->cluster, NULL, &f->key, &record, &error);
    assert_int_equal(code, refused ? BALLAST_NO_MEMORY : BALLAST_OK);
    assert_true((record != NULL) == (code == BALLAST_OK));
    ballast_record_free(&record);
}

static void try_compressed_put(struct fixture *f)
{
    static char text[1000];
    memset(text, 'x', sizeof text - 1);
    struct ballast_bin bin = {"b", ballast_string(text)};
    struct ballast_policy policy;
    struct ballast_error error;
    ballast_policy_init(&policy);
    policy.compress = true;
    int code = ballast_put(f->cluster, &policy, &f->key, &bin, 1, &error);
    // zlib without memory leaves the request as it is.
    assert_true(code == BALLAST_OK || (refused && code == BALLAST_NO_MEMORY));
}

static void try_batch(struct fixture *f)
{
    struct ballast_batch *batch;
    int code = ballast_batch_new(&batch);
    const char *names[] = {"a", "b"};
    struct ballast_op op = {BALLAST_OP_APPEND, "c", ballast_string("text")};
    for (int i = 0; i < 40 && code == BALLAST_OK; i++) {
        f->key.integer = i;
        code = ballast_batch_read(batch, NULL, &f->key, names, 2);
        if (code == BALLAST_OK) {
            code = ballast_batch_write(batch, NULL, &f->key, &op, 1);
        }
    }
    if (code == BALLAST_OK) {
        // The node answers no row; without memory it is not even asked.
        struct ballast_error error;
        code = ballast_batch_run(f->cluster, NULL, batch, &error);
        assert_int_equal(code, refused ? BALLAST_NO_MEMORY : BALLAST_MALFORMED);
    }
    assert_int_equal(code, refused ? BALLAST_NO_MEMORY : BALLAST_MALFORMED);
    ballast_batch_free(&batch);
}

static bool on_record(const struct ballast_record *record, void *arg)
{
    (void)record;
    (void)arg;
    return true;
}

static void try_scan(struct fixture *f)
{
    struct ballast_scan_options options;
    ballast_scan_options_init(&options);
    const char *names[] = {"a"};
    options.names = names;
    options.name_count = 1;
    struct ballast_scan *scan;
    int code = ballast_scan_new(&options, &scan);
    if (code == BALLAST_OK) {
        code = ballast_scan_run(f->cluster, NULL, scan, on_record, NULL, NULL);
    }
    assert_int_equal(code, refused ? BALLAST_NO_MEMORY : BALLAST_OK);
    ballast_scan_free(&scan);
}

static void try_info(struct fixture *f)
{
    char *answer;
    int code = ballast_info(f->cluster, NULL, "build", 1000, &answer, NULL);
    assert_int_equal(code, refused ? BALLAST_NO_MEMORY : BALLAST_OK);
    ballast_text_free(&answer);
}

static void on_done(const struct ballast_error *error, struct ballast_record *record, void *arg)
{
    *(int *)arg = error->code;
    ballast_record_free(&record);
}

static void try_loop(struct fixture *f)
{
    struct ballast_loop *loop;
    int code = ballast_loop_new(f->cluster, &loop, NULL);
    if (code == BALLAST_OK) {
        int told = -1;
        code = ballast_async_get(loop, NULL, &f->key, on_done, &told);
        while (ballast_loop_pending(loop) > 0) {
            ballast_loop_run_once(loop, -1);
        }
        code = code == BALLAST_OK ? told : code;
    }
    assert_int_equal(code, refused ? BALLAST_NO_MEMORY : BALLAST_OK);
    ballast_loop_free(&loop);
}

static void try_connect(struct fixture *f)
{
    char hosts[64];
    struct ballast_config config = fake_config(f->node, hosts);
    struct ballast_cluster *cluster;
    int code = ballast_connect(&config, &cluster, NULL);
    // Where it is the map that finds no memory, the next round fetches it.
    assert_true(code == BALLAST_OK ||
                (refused && (code == BALLAST_NO_MEMORY || code == BALLAST_NOT_CONNECTED)));
    ballast_close(&cluster);
}

static void every_call_survives_refused_memory(void **state)
{
    (void)state;
    static void (*const tries[])(struct fixture * f) = {
        try_get, try_compressed_put, try_batch, try_scan, try_info, try_loop, try_connect,
    };
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        struct fixture f = {.node = fake_node_new("A1"),
                            .key = ballast_key_integer("test", "demo", 1)};
        f.node->on_message = on_bin;
        fake_node_start(f.node);
        f.cluster = fake_connect(f.node);
        tries[i](&f); // what is made only once is made now
        int asked = 0;
        do {
            refuse_in = asked++;
            refused = false;
            tries[i](&f);
            refuse_in = NEVER;
            assert_true(asked < 1000);
        } while (refused);
        tries[i](&f);
        ballast_close(&f.cluster);
        fake_node_free(f.node);
    }
}

static void nothing_leaks(void **state)
{
    int64_t before = live();
    every_call_survives_refused_memory(state);
    assert_int_equal(live(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_survives_refused_memory),
        cmocka_unit_test(nothing_leaks), // second: the program's own firsts are behind it
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
