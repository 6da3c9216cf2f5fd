// SPDX-License-Identifier: Apache-2.0
// The bill of materials of a node: configuration, log, node, jobs, links to other nodes, expiry,
// its part in the cluster, service threads. They end in the exact reverse.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "server/clustering.h"
#include "server/config.h"
#include "server/expiry.h"
#include "server/fabric.h"
#include "server/jobs.h"
#include "server/log.h"
#include "server/migrations.h"
#include "server/node.h"
#include "server/process.h"
#include "server/service.h"
#include "server/ticker.h"

extern char **environ;

// Read by jemalloc: freed pages go back to the system within a tenth of a second, from a thread of
// its own, so that resident memory follows the data.
extern const char *malloc_conf;
const char *malloc_conf = "background_thread:true,dirty_decay_ms:100,muzzy_decay_ms:0";

struct daemon {
    struct log *log;
    struct node *node;
    struct expiry *expiry;
    bool claimed;
};

static enum base_result setup(struct daemon *d, struct config *config)
{
    enum base_result result = log_new(&config->log, STDOUT_FILENO, &d->log);
    if (result != RESULT_OK) {
        fprintf(stderr, "ballastd: %s\n", base_result_text(result));
        config_free(&config);
        return result;
    }
    result = node_new(config, &d->node);
    if (result != RESULT_OK) {
        config_free(&config);
        return result;
    }
    d->node->log = d->log;
    result = identity_establish(&d->node->identity, config, d->log);
    if (result == RESULT_OK) {
        result = jobs_new(d->node, &d->node->jobs);
    }
    if (result == RESULT_OK) {
        result = fabric_start(d->node, &d->node->fabric);
    }
    if (result == RESULT_OK) {
        result = migrations_start(d->node, &d->node->migrations);
    }
    if (result == RESULT_OK) {
        result = expiry_start(d->node, &d->expiry);
    }
    if (result == RESULT_OK) {
        result = clustering_start(d->node, &d->node->clustering);
    }
    if (result == RESULT_OK) {
        result = ticker_start(d->node, &d->node->ticker);
    }
    if (result == RESULT_OK) {
        result = service_start(d->node, &d->node->service);
    }
    if (result == RESULT_OK) {
        result = clustering_run(d->node->clustering);
    }
    if (result == RESULT_OK) {
        result = process_claim(d->node);
        d->claimed = result == RESULT_OK;
    }
    return result;
}

static void teardown(struct daemon *d)
{
    if (d->node != NULL) {
        atomic_store(&d->node->stopping, true);
        if (d->claimed) {
            process_release(d->node);
        }
        if (d->node->jobs != NULL) {
            jobs_stop(d->node->jobs);
        }
        clustering_halt(d->node->clustering);
        service_stop(&d->node->service);
        ticker_stop(&d->node->ticker);
        clustering_stop(&d->node->clustering);
        expiry_stop(&d->expiry);
        migrations_stop(&d->node->migrations);
        fabric_stop(&d->node->fabric);
        jobs_free(&d->node->jobs);
    }
    node_free(&d->node);
    log_free(&d->log);
}

// Signals are taken by sigwait alone, so that no thread is ever interrupted. As PID 1 of a
// container the node reaps what it inherits.
static void signals_block(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGCHLD);
    pthread_sigmask(SIG_BLOCK, set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static int signals_wait(struct daemon *d, const sigset_t *set)
{
    for (;;) {
        int number = 0;
        sigwait(set, &number);
        if (number == SIGTERM || number == SIGINT) {
            return number;
        }
        if (number == SIGHUP) {
            log_reopen(d->log);
        }
    }
}

// Whether a second signal came: the operator does not want to wait.
static bool is_hurried(void *arg)
{
    struct daemon *d = arg;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    bool hurried = sigtimedwait(&set, NULL, &(struct timespec){0}) > 0;
    if (hurried) {
        log_info(d->log, as, "a second signal: ending at once");
    }
    return hurried;
}

// Answers --help and its like. True when the program has nothing more to do.
static bool answer_and_leave(const struct config_command *command, const struct config *config)
{
    if (command->help) {
        config_help_print(stdout);
    } else if (command->version) {
        printf("Ballast %s (speaks the protocol of build %s)\n", BALLAST_VERSION,
               NODE_PROTOCOL_BUILD);
    } else if (command->help_config) {
        config_directives_print(stdout);
    } else if (command->print) {
        config_print(config, stdout);
    } else if (command->check) {
        printf("the configuration is good\n");
    } else {
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    static struct config_diag diag; // large, and filled before anything else runs
    struct config *config;
    struct config_command command = {0};
    sigset_t signals;
    enum base_result result = config_load(argc, argv, environ, &config, &command, &diag);
    config_diag_print(&diag, stderr);
    if (result != RESULT_OK) {
        return EXIT_FAILURE;
    }
    if (answer_and_leave(&command, config)) {
        config_free(&config);
        return EXIT_SUCCESS;
    }
    signals_block(&signals);
    struct daemon daemon = {0};
    result = setup(&daemon, config);
    if (result == RESULT_OK) {
        struct node *node = daemon.node;
        log_info(node->log, as, "node %s serves clients on port %u: soon there will be cake!",
                 node->id, node->config->network.service_port);
        int number = signals_wait(&daemon, &signals);
        log_info(node->log, as, "stopping on %s", number == SIGTERM ? "SIGTERM" : "SIGINT");
        clustering_leave(node->clustering, node->config->service.leave_timeout_ms, is_hurried,
                         &daemon);
    }
    teardown(&daemon);
    return result == RESULT_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
