// SPDX-License-Identifier: Apache-2.0
// What a cluster shares: the later version wins in whatever order versions come.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cluster/metadata.h"

static struct base_slice text(const char *s)
{
    return (struct base_slice){(const uint8_t *)s, strlen(s)};
}

static struct metadata_item module(const char *name, const char *content, uint64_t stamp_ms,
                                   uint64_t origin)
{
    return (struct metadata_item){.kind = METADATA_MODULE,
                                  .stamp_ms = stamp_ms,
                                  .origin = origin,
                                  .name = text(name),
                                  .value = text(content)};
}

static bool merge(struct metadata *m, struct metadata_item item)
{
    bool changed;
    assert_int_equal(metadata_merge(m, &item, &changed), RESULT_OK);
    return changed;
}

static void assert_content(struct metadata *m, const char *name, const char *content)
{
    struct metadata_item item;
    assert_true(metadata_find(m, METADATA_MODULE, text(name), &item));
    assert_int_equal(item.value.size, strlen(content));
    assert_memory_equal(item.value.data, content, item.value.size);
}

static void the_later_version_wins(void **state)
{
    (void)state;
    struct metadata *m;
    assert_int_equal(metadata_new(&m), RESULT_OK);
    assert_true(merge(m, module("a.lua", "one", 10, 1)));
    assert_false(merge(m, module("a.lua", "old", 9, 9)));
    assert_false(merge(m, module("a.lua", "one", 10, 1)));
    assert_content(m, "a.lua", "one");
    assert_true(merge(m, module("a.lua", "two", 10, 2)));
    assert_content(m, "a.lua", "two");
    struct metadata_item removed = module("a.lua", "", 11, 1);
    removed.removed = true;
    assert_true(merge(m, removed));
    assert_false(merge(m, module("a.lua", "two", 10, 2)));
    struct metadata_item item;
    assert_true(metadata_find(m, METADATA_MODULE, text("a.lua"), &item));
    assert_true(item.removed);
    metadata_free(&m);
}

static void two_tables_that_told_each_other_all_are_equal(void **state)
{
    (void)state;
    struct metadata *m[2];
    uint32_t random = 1;
    assert_int_equal(metadata_new(&m[0]), RESULT_OK);
    assert_int_equal(metadata_new(&m[1]), RESULT_OK);
    for (uint32_t i = 0; i < 500; i++) {
        char name[16];
        random = random * 1103515245 + 12345;
        snprintf(name, sizeof name, "name%u", random >> 16 & 63);
        merge(m[random >> 30 & 1], module(name, name, random >> 8 & 255, random & 3));
    }
    uint8_t bytes[64 * 1024];
    for (uint32_t from = 0; from < 2; from++) {
        size_t size = 0;
        for (uint32_t i = 0; i < metadata_count(m[from]); i++) {
            struct metadata_item item;
            metadata_at(m[from], i, &item);
            metadata_item_encode(&item, bytes + size);
            size += metadata_item_size(&item);
        }
        struct base_slice rest = {bytes, size};
        struct metadata_item item;
        enum base_result result;
        while ((result = metadata_item_decode(&rest, &item)) == RESULT_OK) {
            merge(m[!from], item);
        }
        assert_int_equal(result, RESULT_QUERY_END);
    }
    assert_int_equal(metadata_count(m[0]), metadata_count(m[1]));
    for (uint32_t i = 0; i < metadata_count(m[0]); i++) {
        struct metadata_item a, b;
        metadata_at(m[0], i, &a);
        metadata_at(m[1], i, &b);
        assert_true(base_slice_equal(a.name, b.name));
        assert_int_equal(a.stamp_ms, b.stamp_ms);
        assert_int_equal(a.origin, b.origin);
    }
    metadata_free(&m[0]);
    metadata_free(&m[1]);
}

static void every_cut_of_an_item_is_malformed(void **state)
{
    (void)state;
    struct metadata_item item = module("name", "content", 7, 8), out;
    uint8_t bytes[128];
    size_t size = metadata_item_size(&item);
    metadata_item_encode(&item, bytes);
    for (size_t cut = 1; cut < size; cut++) {
        struct base_slice rest = {bytes, cut};
        assert_int_equal(metadata_item_decode(&rest, &out), RESULT_MALFORMED);
    }
    bytes[4] = 0; // no such kind
    struct base_slice rest = {bytes, size};
    assert_int_equal(metadata_item_decode(&rest, &out), RESULT_MALFORMED);
}

static void what_is_too_much_is_refused(void **state)
{
    (void)state;
    static uint8_t large[METADATA_VALUE_SIZE_MAX + 1];
    struct metadata *m;
    bool changed;
    assert_int_equal(metadata_new(&m), RESULT_OK);
    struct metadata_item item = module("name", "", 1, 1);
    item.value = (struct base_slice){large, sizeof large};
    assert_int_equal(metadata_merge(m, &item, &changed), RESULT_PARAMETER);
    item = module("", "", 1, 1);
    assert_int_equal(metadata_merge(m, &item, &changed), RESULT_PARAMETER);
    for (uint32_t i = 0; i < METADATA_ITEMS_MAX; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%u", i);
        assert_true(merge(m, module(name, "", 1, 1)));
    }
    item = module("one more", "", 1, 1);
    assert_int_equal(metadata_merge(m, &item, &changed), RESULT_LIMIT);
    assert_true(merge(m, module("n7", "later", 2, 1)));
    metadata_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_later_version_wins),
        cmocka_unit_test(two_tables_that_told_each_other_all_are_equal),
        cmocka_unit_test(every_cut_of_an_item_is_malformed),
        cmocka_unit_test(what_is_too_much_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
