// SPDX-License-Identifier: Apache-2.0
// The file is text of three lines, written beside itself and renamed, so that it is whole or not
// there. A lock on the directory keeps two processes from being one node.
#include "server/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "io/clock.h"
#include "server/config.h"
#include "server/log.h"

static const char file_name[] = "ballast-node";
static const char file_name_new[] = "ballast-node.new";

enum { FILE_SIZE = 256, ID_BITS = 52, INCARNATION_BITS = 63 };

uint64_t identity_random(uint32_t bits)
{
    uint64_t value;
    if (getrandom(&value, sizeof value, 0) != (ssize_t)sizeof value) {
        value = io_clock_monotonic_ns() * 0x9E3779B97F4A7C15ull;
    }
    return (value & ((1ull << (bits - 1)) - 1)) | 1ull << (bits - 1);
}

static void id_set(struct identity *identity, uint64_t id)
{
    identity->id = id;
    snprintf(identity->id_text, sizeof identity->id_text, "%" PRIX64, id);
}

void identity_init(struct identity *identity, const struct config *config)
{
    memset(identity, 0, sizeof *identity);
    identity->directory_fd = -1;
    identity->incarnation = identity_random(INCARNATION_BITS);
    if (config->service.node_id[0] != '\0') {
        id_set(identity, strtoull(config->service.node_id, NULL, 16));
    } else {
        id_set(identity, UINT64_C(0xBA) << ID_BITS | identity_random(ID_BITS));
    }
}

// --- the file --------------------------------------------------------------------------------

static enum base_result file_write(const struct identity *identity)
{
    char text[FILE_SIZE];
    int size = snprintf(text, sizeof text, "ballast node 1\nid %" PRIX64 "\nregime %" PRIu64 "\n",
                        identity->id, identity->regime);
    int fd = openat(identity->directory_fd, file_name_new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
                    0644);
    if (fd < 0) {
        return RESULT_IO;
    }
    bool written = write(fd, text, (size_t)size) == size && fsync(fd) == 0;
    written = close(fd) == 0 && written;
    if (!written ||
        renameat(identity->directory_fd, file_name_new, identity->directory_fd, file_name) != 0) {
        int kept = errno;
        unlinkat(identity->directory_fd, file_name_new, 0);
        errno = kept;
        return RESULT_IO;
    }
    return RESULT_OK;
}

// RESULT_RECORD_NOT_FOUND: there is none. RESULT_IO: it cannot be read. RESULT_MALFORMED.
static enum base_result file_read(int directory_fd, uint64_t *id, uint64_t *regime)
{
    int fd = openat(directory_fd, file_name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? RESULT_RECORD_NOT_FOUND : RESULT_IO;
    }
    char text[FILE_SIZE];
    ssize_t size = read(fd, text, sizeof text - 1);
    int kept = errno;
    close(fd);
    errno = kept;
    if (size < 0) {
        return RESULT_IO;
    }
    text[size] = '\0';
    int end = 0;
    if (strlen(text) != (size_t)size ||
        sscanf(text, "ballast node 1\nid %16" SCNx64 "\nregime %20" SCNu64 "\n%n", id, regime,
               &end) != 2 ||
        end != size || *id == 0) {
        return RESULT_MALFORMED;
    }
    return RESULT_OK;
}

// Opens the work directory and locks it. False: the node does without one, the log says why.
static bool directory_open(struct identity *identity, const char *path, struct log *log)
{
    identity->directory_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (identity->directory_fd < 0) {
        if (errno != ENOENT) {
            log_warning(log, config, "work-directory %s cannot be used: %s", path, strerror(errno));
        }
        return false;
    }
    if (flock(identity->directory_fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        log_warning(log, config,
                    "work-directory %s belongs to another running ballastd; give each node a "
                    "work-directory of its own",
                    path);
        close(identity->directory_fd);
        identity->directory_fd = -1;
        return false;
    }
    identity->kept = faccessat(identity->directory_fd, ".", W_OK, AT_EACCESS) == 0;
    return true;
}

// --- at start --------------------------------------------------------------------------------

static enum base_result damaged_tell(struct log *log, const char *path, enum base_result result)
{
    log_critical(log, config,
                 "%s/%s %s; restore the file, give node-id, or remove the file to start as a new "
                 "node",
                 path, file_name,
                 result == RESULT_IO ? strerror(errno) : "does not hold a node's id");
    return RESULT_CONFIG;
}

static void first_start(struct identity *identity, const char *path, struct log *log)
{
    if (identity->kept && file_write(identity) == RESULT_OK && fsync(identity->directory_fd) == 0) {
        log_info(log, config, "node id %s made, kept in %s/%s", identity->id_text, path, file_name);
        return;
    }
    identity->kept = false;
    log_info(log, config,
             "node id %s is random and holds for this run: work-directory %s cannot be written",
             identity->id_text, path);
}

enum base_result identity_establish(struct identity *identity, const struct config *config,
                                    struct log *log)
{
    const char *path = config->service.work_directory;
    bool configured = config->service.node_id[0] != '\0';
    if (path[0] == '\0' || !directory_open(identity, path, log)) {
        log_info(log, config, "node id %s %s", identity->id_text,
                 configured ? "given by node-id"
                            : "is random and holds for this run; it would be kept in a "
                              "work-directory that exists");
        return RESULT_OK;
    }
    uint64_t id = 0;
    uint64_t regime = 0;
    enum base_result result = file_read(identity->directory_fd, &id, &regime);
    if (!configured && (result == RESULT_IO || result == RESULT_MALFORMED)) {
        return damaged_tell(log, path, result);
    }
    if (result == RESULT_OK) {
        identity->regime = regime;
    }
    if (configured) {
        log_info(log, config, "node id %s given by node-id", identity->id_text);
    } else if (result == RESULT_OK) {
        id_set(identity, id);
        log_info(log, config, "node id %s taken from %s/%s", identity->id_text, path, file_name);
    } else {
        first_start(identity, path, log);
    }
    return RESULT_OK;
}

void identity_fini(struct identity *identity)
{
    if (identity->directory_fd >= 0) {
        close(identity->directory_fd);
        identity->directory_fd = -1;
    }
}

void identity_regime_keep(struct identity *identity, uint64_t regime, struct log *log)
{
    if (regime <= identity->regime) {
        return;
    }
    identity->regime = regime;
    if (identity->kept && file_write(identity) != RESULT_OK) {
        identity->kept = false;
        log_warning(log, config, "%s cannot be written: %s", file_name, strerror(errno));
    }
}
