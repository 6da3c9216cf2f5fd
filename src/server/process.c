// SPDX-License-Identifier: Apache-2.0
// The file is written before the change of user, who may not write there.
#include "server/process.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io/system.h"
#include "server/log.h"

// Nobody in a container reads it, so that a node does without rather than not serve.
static void pidfile_write(const struct node *node, const char *path)
{
    FILE *file = fopen(path, "we");
    bool written = file != NULL && fprintf(file, "%ld\n", (long)getpid()) > 0;
    int error = errno;
    if (file != NULL && fclose(file) != 0 && written) {
        written = false;
        error = errno;
    }
    if (!written) {
        log_warning(node->log, config, "pidfile %s cannot be written: %s", path, strerror(error));
    }
}

enum base_result process_claim(const struct node *node)
{
    const struct config_service *service = &node->config->service;
    if (service->pidfile[0] != '\0') {
        pidfile_write(node, service->pidfile);
    }
    enum base_result result = io_system_identity_change(service->user, service->group);
    if (result != RESULT_OK) {
        log_critical(node->log, config, "cannot become user '%s', group '%s': %s", service->user,
                     service->group,
                     result == RESULT_CONFIG ? "no such name" : "only root may change");
        process_release(node);
    }
    return result;
}

void process_release(const struct node *node)
{
    const char *path = node->config->service.pidfile;
    if (path[0] != '\0' && unlink(path) != 0 && errno != ENOENT) {
        log_warning(node->log, config, "pidfile %s cannot be removed: %s", path, strerror(errno));
    }
}
