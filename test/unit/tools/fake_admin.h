// SPDX-License-Identifier: Apache-2.0
// A cluster for tests of the administrator's tool: nodes are tables of info commands and answers,
// and what a session prints is kept. Header only, because each test is one program.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/admin_session.h"
#include "tools/text.h"

struct fake_info {
    const char *command;
    const char *answer;
};

struct fake_node {
    const char *host;
    uint16_t port;
    const char *name;               // of its address; NULL: none
    const struct fake_info *infos;  // end with a NULL command
    const struct fake_info *others; // looked at when `infos` has no answer; NULL: none
    bool silent;                    // does not answer
    bool here;                      // on this machine
};

struct fake {
    const struct fake_node *nodes;
    size_t node_count;
    time_t now;
    struct tools_text asked; // each question: "host:port command|command "
    size_t asks;
    struct admin_session session;
    char *out, *err;
    size_t out_size, err_size;
};

static inline const char *fake_answer(const struct fake_node *node, const char *command)
{
    const struct fake_info *tables[] = {node->infos, node->others};
    for (size_t t = 0; t < 2; t++) {
        for (const struct fake_info *info = tables[t]; info != NULL && info->command != NULL;
             info++) {
            if (strcmp(info->command, command) == 0) {
                return info->answer;
            }
        }
    }
    return "ERROR:4:unrecognized command";
}

static inline void fake_text(const struct fake_node *node, const char *request, char **out)
{
    struct tools_text text = {0};
    while (*request != '\0') {
        char command[512];
        size_t size = strcspn(request, "\n");
        snprintf(command, sizeof command, "%.*s", (int)size, request);
        tools_text_format_append(&text, "%s\t%s\n", command, fake_answer(node, command));
        request += size + (request[size] == '\n');
    }
    *out = strdup(tools_text_string(&text));
    tools_text_fini(&text);
}

static inline void fake_ask(struct ballast_info_target *targets, size_t count, const char *request,
                            uint32_t timeout_ms, void *arg)
{
    struct fake *fake = arg;
    (void)timeout_ms;
    fake->asks++;
    for (size_t i = 0; i < count; i++) {
        targets[i].answer = NULL;
        targets[i].error = (struct ballast_error){.code = BALLAST_IO, .text = "nobody listens"};
        for (size_t n = 0; n < fake->node_count; n++) {
            const struct fake_node *node = &fake->nodes[n];
            if (node->port != targets[i].port ||
                (strcmp(node->host, targets[i].host) != 0 &&
                 (node->name == NULL || strcmp(node->name, targets[i].host) != 0))) {
                continue;
            }
            if (node->silent) {
                targets[i].error =
                    (struct ballast_error){.code = BALLAST_CLIENT_TIMEOUT, .text = "timeout"};
            } else {
                tools_text_format_append(&fake->asked, "%s:%u %s", node->host, node->port, request);
                fake_text(node, request, &targets[i].answer);
                targets[i].error = (struct ballast_error){.code = BALLAST_OK, .text = ""};
            }
        }
    }
}

static inline void fake_name(const char *const *ips, size_t count, char (*names)[ADMIN_HOST_SIZE],
                             void *arg)
{
    const struct fake *fake = arg;
    for (size_t i = 0; i < count; i++) {
        for (size_t n = 0; n < fake->node_count; n++) {
            if (strcmp(fake->nodes[n].host, ips[i]) == 0 && fake->nodes[n].name != NULL) {
                snprintf(names[i], ADMIN_HOST_SIZE, "%s", fake->nodes[n].name);
            }
        }
    }
}

static inline bool fake_is_here(const char *ip, void *arg)
{
    const struct fake *fake = arg;
    for (size_t n = 0; n < fake->node_count; n++) {
        if (strcmp(fake->nodes[n].host, ip) == 0) {
            return fake->nodes[n].here;
        }
    }
    return false;
}

static inline time_t fake_now(void *arg)
{
    return ((struct fake *)arg)->now;
}

static inline void fake_pause(double seconds, void *arg)
{
    (void)seconds;
    ((struct fake *)arg)->now += 2;
}

// Seconds of a UTC time "2026-11-22 16:00:08".
static inline time_t fake_time(const char *text)
{
    struct tm utc = {0};
    assert_non_null(strptime(text, "%Y-%m-%d %H:%M:%S", &utc));
    return timegm(&utc);
}

static inline void fake_init(struct fake *fake, const struct fake_node *nodes, size_t count)
{
    *fake = (struct fake){.nodes = nodes, .node_count = count};
    fake->now = fake_time("2026-01-02 03:04:05");
    struct admin_session *session = &fake->session;
    session->out = open_memstream(&fake->out, &fake->out_size);
    session->err = open_memstream(&fake->err, &fake->err_size);
    session->pause = fake_pause;
    session->pause_arg = fake;
    session->cluster.timeout_ms = 1000;
    session->cluster.world = (struct admin_world){
        .ask = fake_ask, .name = fake_name, .is_here = fake_is_here, .now = fake_now, .arg = fake};
    char seed[300];
    const char *at;
    snprintf(seed, sizeof seed, "%s:%u", nodes[0].host, nodes[0].port);
    assert_int_equal(admin_seeds_parse(&session->cluster, seed, 3000, &at), RESULT_OK);
}

static inline void fake_fini(struct fake *fake)
{
    fclose(fake->session.out);
    fclose(fake->session.err);
    free(fake->out);
    free(fake->err);
    tools_text_fini(&fake->asked);
    admin_cluster_fini(&fake->session.cluster);
}

// Runs a line; afterwards fake->out and fake->err hold what it printed, and fake->asked what was
// asked. Returns whether it was done without failing.
static inline bool fake_run(struct fake *fake, const char *line)
{
    rewind(fake->session.out);
    rewind(fake->session.err);
    tools_text_clear(&fake->asked);
    admin_session_run(&fake->session, line, false, true);
    fputc('\0', fake->session.out);
    fputc('\0', fake->session.err);
    fflush(fake->session.out);
    fflush(fake->session.err);
    return !fake->session.failed;
}

static inline void fake_expect(struct fake *fake, const char *line, const char *out)
{
    assert_true(fake_run(fake, line));
    assert_string_equal(fake->out, out);
    assert_string_equal(fake->err, "");
}
