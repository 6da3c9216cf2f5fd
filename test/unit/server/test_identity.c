// SPDX-License-Identifier: Apache-2.0
// Who a node is: where its id comes from, that it stays, and what a damaged file says.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/config.h"
#include "server/identity.h"
#include "server/log.h"

struct fixture {
    char folder[64];
    char file[96];
    struct config *config;
    struct log *log;
    FILE *lines;
};

static int start(void **state)
{
    static struct fixture f;
    f = (struct fixture){.folder = "/tmp/ballast-identity-XXXXXX"};
    assert_non_null(mkdtemp(f.folder));
    snprintf(f.file, sizeof f.file, "%s/ballast-node", f.folder);
    assert_int_equal(config_new(&f.config), RESULT_OK);
    strcpy(f.config->service.work_directory, f.folder);
    f.config->log.sink_count = 1;
    memset(f.config->log.sinks[0].level, LOG_INFO, sizeof f.config->log.sinks[0].level);
    f.lines = tmpfile();
    assert_int_equal(log_new(&f.config->log, fileno(f.lines), &f.log), RESULT_OK);
    *state = &f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;
    log_free(&f->log);
    fclose(f->lines);
    config_free(&f->config);
    unlink(f->file);
    rmdir(f->folder);
    return 0;
}

static bool logged(struct fixture *f, const char *text)
{
    static char lines[8192];
    rewind(f->lines);
    lines[fread(lines, 1, sizeof lines - 1, f->lines)] = '\0';
    return strstr(lines, text) != NULL;
}

static void write_file(const struct fixture *f, const char *text)
{
    FILE *file = fopen(f->file, "w");
    fputs(text, file);
    fclose(file);
}

static void id_made_at_first_start_is_there_at_the_next(void **state)
{
    struct fixture *f = *state;
    struct identity first;
    struct identity second;
    identity_init(&first, f->config);
    assert_int_equal(identity_establish(&first, f->config, f->log), RESULT_OK);
    assert_true(logged(f, "made, kept in /tmp/"));
    identity_regime_keep(&first, 41, f->log);
    identity_regime_keep(&first, 40, f->log);
    identity_fini(&first);
    identity_init(&second, f->config);
    assert_int_not_equal(second.id, first.id);
    assert_int_equal(identity_establish(&second, f->config, f->log), RESULT_OK);
    assert_true(logged(f, "taken from /tmp/"));
    assert_int_equal(second.id, first.id);
    assert_string_equal(second.id_text, first.id_text);
    assert_int_equal(second.regime, 41);
    assert_int_not_equal(second.incarnation, first.incarnation);
    identity_fini(&second);
}

static void configured_id_wins_over_the_kept_one(void **state)
{
    struct fixture *f = *state;
    write_file(f, "ballast node 1\nid AB\nregime 7\n");
    strcpy(f->config->service.node_id, "C0FFEE");
    struct identity identity;
    identity_init(&identity, f->config);
    assert_int_equal(identity_establish(&identity, f->config, f->log), RESULT_OK);
    assert_int_equal(identity.id, 0xC0FFEE);
    assert_int_equal(identity.regime, 7);
    assert_true(logged(f, "node id C0FFEE given by node-id"));
    identity_fini(&identity);
}

static void damaged_file_is_named_with_the_way_out(void **state)
{
    struct fixture *f = *state;
    static const char *const texts[] = {
        "",
        "ballast node 1\nid 0\nregime 7\n",
        "ballast node 1\nid AB\nregime 7\nmore\n",
        "ballast node 2\nid AB\nregime 7\n",
        "ballast node 1\nid AB\n",
        "ballast node 1\nid 11112222333344445\nregime 7\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        write_file(f, texts[i]);
        struct identity identity;
        identity_init(&identity, f->config);
        assert_int_equal(identity_establish(&identity, f->config, f->log), RESULT_CONFIG);
        identity_fini(&identity);
    }
    assert_true(logged(f,
                       "/ballast-node does not hold a node's id; restore the file, give "
                       "node-id, or remove the file to start as a new node"));
}

static void directory_of_another_process_is_done_without(void **state)
{
    struct fixture *f = *state;
    struct identity first;
    struct identity second;
    identity_init(&first, f->config);
    identity_init(&second, f->config);
    assert_int_equal(identity_establish(&first, f->config, f->log), RESULT_OK);
    assert_int_equal(identity_establish(&second, f->config, f->log), RESULT_OK);
    assert_int_not_equal(first.id, second.id);
    assert_true(logged(f, "belongs to another running ballastd"));
    assert_true(logged(f, "is random and holds for this run"));
    identity_fini(&first);
    identity_fini(&second);
}

static void without_a_directory_the_id_holds_for_this_run(void **state)
{
    struct fixture *f = *state;
    strcat(f->config->service.work_directory, "/none");
    struct identity identity;
    identity_init(&identity, f->config);
    assert_int_equal(identity_establish(&identity, f->config, f->log), RESULT_OK);
    assert_true(logged(f, "is random and holds for this run"));
    assert_int_equal(identity.id >> 52, 0xBA);
    assert_int_equal(strlen(identity.id_text), 15);
    identity_fini(&identity);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(id_made_at_first_start_is_there_at_the_next, start, end),
        cmocka_unit_test_setup_teardown(configured_id_wins_over_the_kept_one, start, end),
        cmocka_unit_test_setup_teardown(damaged_file_is_named_with_the_way_out, start, end),
        cmocka_unit_test_setup_teardown(directory_of_another_process_is_done_without, start, end),
        cmocka_unit_test_setup_teardown(without_a_directory_the_id_holds_for_this_run, start, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
