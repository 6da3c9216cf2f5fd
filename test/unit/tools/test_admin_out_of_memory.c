// SPDX-License-Identifier: Apache-2.0
// Memory refused at the n-th asking, for each n: every command ends, well or with an error, and
// nothing leaks.
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>

#include "fake_admin.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

// So many askings from now, 0 being the next.
enum { NEVER = -1, ASKINGS_MAX = 20000 };
static int refuse_in = NEVER;
static bool refused;

#ifndef SANITIZED
// The program's own heap functions stand before the library's, count, and refuse.
static int64_t blocks_live;

static bool refuses(void)
{
    if (refuse_in == NEVER || refuse_in-- != 0) {
        return false;
    }
    refuse_in = NEVER;
    refused = true;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    static void *(*next)(size_t);
    if (next == NULL) {
        next = (void *(*)(size_t))(uintptr_t)dlsym(RTLD_NEXT, "malloc");
    }
    void *block = refuses() ? NULL : next(size);
    blocks_live += block != NULL;
    return block;
}

void *calloc(size_t count, size_t size)
{
    static void *(*next)(size_t, size_t);
    if (next == NULL) {
        next = (void *(*)(size_t, size_t))(uintptr_t)dlsym(RTLD_NEXT, "calloc");
    }
    void *block = refuses() ? NULL : next(count, size);
    blocks_live += block != NULL;
    return block;
}

void *realloc(void *old, size_t size)
{
    static void *(*next)(void *, size_t);
    if (next == NULL) {
        next = (void *(*)(void *, size_t))(uintptr_t)dlsym(RTLD_NEXT, "realloc");
    }
    void *block = refuses() ? NULL : next(old, size);
    blocks_live += old == NULL && block != NULL;
    return block;
}

void free(void *block)
{
    static void (*next)(void *);
    if (next == NULL) {
        next = (void (*)(void *))(uintptr_t)dlsym(RTLD_NEXT, "free");
    }
    blocks_live -= block != NULL;
    next(block);
}

static int64_t live(void)
{
    return blocks_live;
}
#else
static int64_t live(void)
{
    return 0;
}
#endif

static const struct fake_info infos[] = {
    {"node", "A1"},
    {"build", "8.1.2.0"},
    {"version", "Aerospike Community Edition build 8.1.2.0"},
    {"service-clear-std", "10.0.0.5:3000"},
    {"peers-clear-std", "1,3000,[[B2,,[10.0.0.6]]]"},
    {"statistics", "cluster_size=2;cluster_key=7;paxos_principal=A1;uptime=10"},
    {"namespaces", "test"},
    {"namespace/test",
     "objects=12;stop_writes=false;storage-engine=memory;data_used_bytes=10;"
     "data_total_bytes=100"},
    {"sets", "ns=test:set=demo:objects=7;ns=test:set=other:objects=90;"},
    {"sindex-list:", "ns=test:indexname=i:set=demo:bin=b:type=string:state=RW"},
    {"sindex-stat:namespace=test;indexname=i", "entries=10"},
    {"get-config:context=service", "proto-fd-max=15000"},
    {"get-config:context=network", "service.port=3000"},
    {"get-config:context=namespace;namespace=test", "rack-id=0"},
    {"latencies:", "{test}-read:msec,1.0,0.5,0.25;batch-index:"},
    {"partition-info", "namespace:partition:state:replica:working_master;test:0:S:0:A1"},
    {"roster:", "ns=test:roster=null:pending_roster=null:observed_nodes=A1"},
    {"racks:", "ns=test:rack_1=A1"},
    {"best-practices", "failed_best_practices=none"},
    {"udf-list", "filename=a.lua,hash=1,type=LUA"},
    {"user-agents", "user-agent=MSxjLTcuNS4wLGFwcA==:count=3"},
    {"recluster:", "ok"},
    {NULL, NULL},
};

static const struct fake_node nodes[] = {
    {.host = "10.0.0.5", .port = 3000, .name = "a", .infos = infos},
    {.host = "10.0.0.6", .port = 3000, .silent = true},
};

// Runs a line once for each asking for memory that it makes.
static void refuse_each(const char *line, bool json)
{
    for (int n = 0; n < ASKINGS_MAX; n++) {
        struct fake fake;
        int64_t before = live();
        fake_init(&fake, nodes, 2);
        fake.session.privileged = true;
        fake.session.json = json;
        refused = false;
        refuse_in = n;
        admin_session_run(&fake.session, line, false, true);
        refuse_in = NEVER;
        fake_fini(&fake);
        if (n > 0) { // the first round leaves what the C library keeps for itself
            assert_int_equal(live(), before);
        }
        if (!refused) {
            return;
        }
    }
    fail_msg("%s asks for memory without end", line);
}

static void commands_end_whenever_memory_runs_out(void **state)
{
    (void)state;
    // No patterns: the C library's regular expressions do lose a block when memory runs out.
    static const char *const lines[] = {
        "info",
        "info set",
        "info sindex",
        "show stat",
        "show config --flip diff",
        "show latencies",
        "show pmap",
        "show roster",
        "show racks",
        "show best-practices",
        "show sindex",
        "show udfs",
        "show user-agents",
        "show mapping",
        "summary",
        "features",
        "asinfo -v statistics -l",
        "manage recluster",
        "manage config service param a to b",
        "watch 0 2 info network",
        "help",
    };
#ifdef SANITIZED
    skip(); // the sanitizers bring their own heap
#endif
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        refuse_each(lines[i], false);
    }
    refuse_each("info", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_end_whenever_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
