// SPDX-License-Identifier: Apache-2.0
// What comes from other nodes takes effect here, whatever came before; bad bytes do nothing.
#include "cluster/metadata.h"
#include "query_fixture.h"
#include "server/info_call.h"
#include "server/modules.h"
#include "server/shared.h"

static int setup(void **state)
{
    static struct config_diag diag;
    struct query_fixture *f = calloc(1, sizeof *f);
    struct config *config;
    assert_int_equal(config_new(&config), RESULT_OK);
    assert_int_equal(config_finish(config, 0, &diag), RESULT_OK);
    assert_int_equal(node_new(config, &f->node), RESULT_OK);
    f->ns = &f->node->namespaces[0];
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct query_fixture *f = *state;
    node_free(&f->node);
    free(f);
    return 0;
}

static struct base_slice text(const char *s)
{
    return (struct base_slice){(const uint8_t *)s, strlen(s)};
}

static void deliver(struct query_fixture *f, struct metadata_item item)
{
    uint8_t bytes[1024];
    item.origin = 77;
    metadata_item_encode(&item, bytes);
    shared_deliver(f->node->shared, (struct base_slice){bytes, metadata_item_size(&item)});
}

static bool has_module(struct query_fixture *f, const char *name)
{
    uint8_t *content;
    size_t size;
    enum base_result result = modules_get(f->node->info->modules, text(name), &content, &size);
    free(content);
    return result == RESULT_OK;
}

static void a_module_of_another_node_is_listed_until_it_is_removed(void **state)
{
    struct query_fixture *f = *state;
    struct metadata_item item = {
        .kind = METADATA_MODULE, .stamp_ms = 100, .name = text("a.lua"), .value = text("return 1")};
    deliver(f, item);
    assert_true(has_module(f, "a.lua"));
    item.removed = true;
    item.stamp_ms = 101;
    deliver(f, item);
    assert_false(has_module(f, "a.lua"));
    item.removed = false;
    item.stamp_ms = 100;
    deliver(f, item);
    assert_false(has_module(f, "a.lua"));
}

static void what_is_set_here_wins_against_what_was_set_before_anywhere(void **state)
{
    struct query_fixture *f = *state;
    // A clock that is far ahead.
    deliver(f, (struct metadata_item){.kind = METADATA_MODULE,
                                      .stamp_ms = UINT64_C(1) << 47,
                                      .name = text("a.lua"),
                                      .value = text("theirs")});
    shared_module_remove(f->node->shared, text("a.lua"));
    assert_false(has_module(f, "a.lua"));
    assert_int_equal(shared_module_put(f->node->shared, text("a.lua"), text("ours")), RESULT_OK);
    assert_true(has_module(f, "a.lua"));
}

static void a_truncation_of_another_node_holds_for_a_set_not_seen_yet(void **state)
{
    struct query_fixture *f = *state;
    deliver(f, (struct metadata_item){
                   .kind = METADATA_TRUNCATION, .stamp_ms = 5000, .name = text("test|later")});
    const struct store_set *set = store_set_find(f->ns->store, text("later"));
    assert_non_null(set);
    assert_int_equal(store_truncate_floor_ms(f->ns->store, set), 5000);
    assert_int_equal(store_truncate_floor_ms(f->ns->store, NULL), 0);
    deliver(f, (struct metadata_item){
                   .kind = METADATA_TRUNCATION, .stamp_ms = 6000, .name = text("test")});
    assert_int_equal(store_truncate_floor_ms(f->ns->store, NULL), 6000);
    deliver(f, (struct metadata_item){
                   .kind = METADATA_TRUNCATION, .stamp_ms = 7000, .name = text("elsewhere")});
}

static void eviction_of_another_node_is_followed(void **state)
{
    struct query_fixture *f = *state;
    uint8_t value[8];
    base_le64_store(value, 1234);
    deliver(f, (struct metadata_item){.kind = METADATA_EVICTION,
                                      .stamp_ms = 1,
                                      .name = text("test"),
                                      .value = {value, sizeof value}});
    assert_true(atomic_load(&f->ns->evict_wanted));
    assert_int_equal(atomic_load(&f->ns->evict_void_time_s), 1234);
}

static void bad_bytes_do_nothing(void **state)
{
    struct query_fixture *f = *state;
    uint8_t bytes[64];
    for (uint32_t fill = 0; fill < 256; fill++) {
        memset(bytes, (int)fill, sizeof bytes);
        for (size_t size = 0; size <= sizeof bytes; size++) {
            shared_deliver(f->node->shared, (struct base_slice){bytes, size});
        }
    }
    assert_int_equal(store_truncate_floor_ms(f->ns->store, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_module_of_another_node_is_listed_until_it_is_removed,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_set_here_wins_against_what_was_set_before_anywhere,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_truncation_of_another_node_holds_for_a_set_not_seen_yet,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(eviction_of_another_node_is_followed, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_bytes_do_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
