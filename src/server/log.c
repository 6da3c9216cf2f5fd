// SPDX-License-Identifier: Apache-2.0
// Sinks, levels, and the one way a line takes.
#include "server/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "io/clock.h"

enum { LOG_MAGIC = 0x4c4f4731, ONCE_PERIOD_S = 600, PROBE_MAX = 8 };

// Addresses that may speak from one place in the source in a period: a storm of them is cut off.
enum { ONCE_ADDRESSES_MAX = 100 };

struct sink {
    char path[LOG_PATH_SIZE]; // "": the console
    int fd;
    uint64_t dropped; // lines since the last one that went out
    _Atomic uint8_t level[LOG_CONTEXT_COUNT];
};

// A pair of address and place that spoke lately.
struct once {
    uint64_t key;    // 0: free
    int64_t spoke_s; // when its period began
    uint32_t spoken;
    uint64_t held_back;
};

struct log {
    uint32_t magic;
    bool json;
    bool local_time;
    bool milliseconds;
    uint32_t sink_count;
    struct sink sinks[LOG_SINKS];
    _Atomic uint8_t level[LOG_CONTEXT_COUNT]; // the most talkative of all sinks
    pthread_mutex_t lock;                     // guards writing, descriptors and `once`
    struct once once[LOG_ONCE_SLOTS];
};

// --- names -------------------------------------------------------------------------------------

static const char *const context_names[] = {
#define X(name, text) [LOG_CONTEXT_##name] = text,
    LOG_CONTEXTS(X)
#undef X
};

static const char *const level_names[] = {"critical", "warning", "info", "debug", "detail"};
static const char *const level_capitals[] = {"CRITICAL", "WARNING", "INFO", "DEBUG", "DETAIL"};

const char *log_context_name(enum log_context context)
{
    return (uint32_t)context < LOG_CONTEXT_COUNT ? context_names[context] : NULL;
}

enum log_context log_context_find(const char *name)
{
    uint32_t i = 0;
    while (i < LOG_CONTEXT_COUNT && strcmp(context_names[i], name) != 0) {
        i++;
    }
    return (enum log_context)i;
}

const char *log_level_name(enum log_level level)
{
    return (uint32_t)level < LOG_LEVEL_COUNT ? level_names[level] : NULL;
}

enum log_level log_level_find(const char *name)
{
    uint32_t i = 0;
    while (i < LOG_LEVEL_COUNT && strcasecmp(level_names[i], name) != 0) {
        i++;
    }
    return (enum log_level)i;
}

// --- sinks -------------------------------------------------------------------------------------

static void levels_sum(struct log *log)
{
    for (uint32_t context = 0; context < LOG_CONTEXT_COUNT; context++) {
        uint8_t most = 0;
        for (uint32_t i = 0; i < log->sink_count; i++) {
            uint8_t level = log->sinks[i].level[context];
            most = level > most ? level : most;
        }
        log->level[context] = most;
    }
}

static int sink_open(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
}

static struct sink *console_find(struct log *log, int console_fd)
{
    for (uint32_t i = 0; i < log->sink_count; i++) {
        if (log->sinks[i].path[0] == '\0') {
            return &log->sinks[i];
        }
    }
    struct sink *sink = &log->sinks[log->sink_count++];
    sink->fd = console_fd;
    return sink;
}

// Gives the console at least the levels of a sink that could not be opened.
static void console_take_over(struct log *log, const struct config_log_sink *from, int console_fd)
{
    struct sink *console = console_find(log, console_fd);
    for (uint32_t context = 0; context < LOG_CONTEXT_COUNT; context++) {
        if (from->level[context] > console->level[context]) {
            console->level[context] = from->level[context];
        }
    }
}

// Opens one sink; false when its file cannot be opened.
static bool sink_add(struct log *log, const struct config_log_sink *from, int console_fd)
{
    int fd = -1;
    if (from->path[0] != '\0') {
        fd = sink_open(from->path);
        if (fd < 0) {
            return false;
        }
    }
    struct sink *sink =
        from->path[0] == '\0' ? console_find(log, console_fd) : &log->sinks[log->sink_count++];
    memcpy(sink->path, from->path, sizeof sink->path);
    sink->fd = fd < 0 ? console_fd : fd;
    for (uint32_t context = 0; context < LOG_CONTEXT_COUNT; context++) {
        sink->level[context] = from->level[context];
    }
    return true;
}

enum base_result log_new(const struct config_log *config, int console_fd, struct log **out)
{
    *out = NULL;
    struct log *log = calloc(1, sizeof *log);
    if (log == NULL) {
        return RESULT_NO_MEMORY;
    }
    log->magic = LOG_MAGIC;
    log->json = config->json;
    log->local_time = config->local_time;
    log->milliseconds = config->milliseconds;
    pthread_mutex_init(&log->lock, NULL);
    int errors[LOG_SINKS] = {0};
    for (uint32_t i = 0; i < config->sink_count; i++) {
        if (!sink_add(log, &config->sinks[i], console_fd)) {
            errors[i] = errno;
        }
    }
    for (uint32_t i = 0; i < config->sink_count; i++) {
        if (errors[i] != 0) {
            console_take_over(log, &config->sinks[i], console_fd);
        }
    }
    levels_sum(log);
    for (uint32_t i = 0; i < config->sink_count; i++) {
        if (errors[i] != 0) {
            log_warning(log, config, "log file %s cannot be opened, its lines come here: %s",
                        config->sinks[i].path, strerror(errors[i]));
        }
    }
    *out = log;
    return RESULT_OK;
}

void log_free(struct log **log)
{
    struct log *gone = *log;
    *log = NULL;
    if (gone == NULL) {
        return;
    }
    base_magic_check(gone, LOG_MAGIC);
    for (uint32_t i = 0; i < gone->sink_count; i++) {
        if (gone->sinks[i].path[0] != '\0') {
            close(gone->sinks[i].fd);
        }
    }
    pthread_mutex_destroy(&gone->lock);
    gone->magic = 0;
    free(gone);
}

void log_reopen(struct log *log)
{
    base_magic_check(log, LOG_MAGIC);
    pthread_mutex_lock(&log->lock);
    for (uint32_t i = 0; i < log->sink_count; i++) {
        struct sink *sink = &log->sinks[i];
        if (sink->path[0] == '\0') {
            continue;
        }
        int fd = sink_open(sink->path);
        if (fd >= 0) {
            close(sink->fd);
            sink->fd = fd;
        }
    }
    pthread_mutex_unlock(&log->lock);
}

uint32_t log_sink_count(const struct log *log)
{
    return log->sink_count;
}

const char *log_sink_path(const struct log *log, uint32_t sink)
{
    base_assert(sink < log->sink_count);
    return log->sinks[sink].path[0] == '\0' ? "stderr" : log->sinks[sink].path;
}

enum log_level log_sink_level(const struct log *log, uint32_t sink, enum log_context context)
{
    base_assert(sink < log->sink_count && (uint32_t)context < LOG_CONTEXT_COUNT);
    return (enum log_level)log->sinks[sink].level[context];
}

void log_sink_level_set(struct log *log, uint32_t sink, enum log_context context,
                        enum log_level level)
{
    base_assert(sink < log->sink_count && (uint32_t)context < LOG_CONTEXT_COUNT);
    pthread_mutex_lock(&log->lock);
    log->sinks[sink].level[context] = (uint8_t)level;
    levels_sum(log);
    pthread_mutex_unlock(&log->lock);
}

bool log_wants(const struct log *log, enum log_level level, enum log_context context)
{
    return log != NULL &&
           (uint8_t)level <= atomic_load_explicit(&log->level[context], memory_order_relaxed);
}

// --- writing -----------------------------------------------------------------------------------

// The source file's place in the tree, without what stands before.
static const char *short_file(const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash == NULL ? file : slash + 1;
}

// Copies text into a line so that it cannot break out of it. Returns the bytes written.
static size_t text_escape(const char *text, bool json, char *out, size_t size)
{
    size_t used = 0;
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0' && used + 7 < size;
         at++) {
        if (json && (*at == '"' || *at == '\\')) {
            out[used++] = '\\';
            out[used++] = (char)*at;
        } else if (*at < 0x20 || *at == 0x7f) {
            used += (size_t)snprintf(out + used, size - used, json ? "\\u%04x" : "\\x%02x", *at);
        } else {
            out[used++] = (char)*at;
        }
    }
    out[used] = '\0';
    return used;
}

struct moment {
    uint32_t milliseconds;
    struct tm parts;
};

static void moment_read(const struct log *log, struct moment *out)
{
    uint64_t now_ms = io_clock_epoch_ms();
    time_t now_s = (time_t)(now_ms / 1000) + IO_CLOCK_EPOCH_UNIX_S;
    out->milliseconds = (uint32_t)(now_ms % 1000);
    if (log->local_time) {
        localtime_r(&now_s, &out->parts);
    } else {
        gmtime_r(&now_s, &out->parts);
    }
}

static size_t text_head(const struct log *log, const struct moment *moment, enum log_level level,
                        enum log_context context, const char *file, int line, char *out)
{
    size_t used = strftime(out, 64, "%b %d %Y %H:%M:%S", &moment->parts);
    if (log->milliseconds) {
        used += (size_t)snprintf(out + used, 16, ".%03u", moment->milliseconds);
    }
    if (log->local_time) {
        used += strftime(out + used, 32, " GMT%z", &moment->parts);
    } else {
        used += (size_t)snprintf(out + used, 8, " GMT");
    }
    used += (size_t)snprintf(out + used, 256, ": %s (%s): (%s:%d) ", level_capitals[level],
                             context_names[context], short_file(file), line);
    return used;
}

static size_t json_head(const struct log *log, const struct moment *moment, enum log_level level,
                        enum log_context context, const char *file, int line, char *out)
{
    char zone[16] = "Z";
    char time[64];
    strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%S", &moment->parts);
    if (log->local_time) {
        strftime(zone, sizeof zone, "%z", &moment->parts);
    }
    return (size_t)snprintf(out, 512,
                            "{\"time\":\"%s.%03u%s\",\"level\":\"%s\",\"context\":\"%s\","
                            "\"file\":\"%s\",\"line\":%d,\"text\":\"",
                            time, moment->milliseconds, zone, level_names[level],
                            context_names[context], short_file(file), line);
}

static size_t line_build(const struct log *log, enum log_level level, enum log_context context,
                         const char *file, int line, const char *text, char *out)
{
    struct moment moment;
    moment_read(log, &moment);
    size_t used = log->json ? json_head(log, &moment, level, context, file, line, out)
                            : text_head(log, &moment, level, context, file, line, out);
    used += text_escape(text, log->json, out + used, LOG_LINE_SIZE - used - 4);
    if (log->json) {
        out[used++] = '"';
        out[used++] = '}';
    }
    out[used++] = '\n';
    return used;
}

// True when a line fits without waiting: a pipe reports room only for a whole PIPE_BUF, which no
// line exceeds.
static bool sink_has_room(const struct sink *sink)
{
    struct pollfd poller = {.fd = sink->fd, .events = POLLOUT};
    return poll(&poller, 1, 0) == 1 && (poller.revents & POLLOUT) != 0;
}

static void sink_write(const struct log *log, struct sink *sink, const char *line, size_t size)
{
    if (!sink_has_room(sink)) {
        sink->dropped++;
        return;
    }
    if (sink->dropped > 0) {
        char text[96];
        char told[LOG_LINE_SIZE];
        snprintf(text, sizeof text, "%llu lines dropped, the reader of the log was too slow",
                 (unsigned long long)sink->dropped);
        size_t told_size =
            line_build(log, LOG_WARNING, LOG_CONTEXT_misc, __FILE__, __LINE__, text, told);
        sink->dropped = 0;
        ssize_t ignored = write(sink->fd, told, told_size);
        (void)ignored;
        if (!sink_has_room(sink)) {
            sink->dropped++;
            return;
        }
    }
    // A full disk or a closed console must not stop the node, and there is nowhere to tell it.
    ssize_t ignored = write(sink->fd, line, size);
    (void)ignored;
}

static void text_write(struct log *log, enum log_level level, enum log_context context,
                       const char *file, int line, const char *text)
{
    char out[LOG_LINE_SIZE];
    size_t size = line_build(log, level, context, file, line, text, out);
    for (uint32_t i = 0; i < log->sink_count; i++) {
        if ((uint8_t)level <= log->sinks[i].level[context]) {
            sink_write(log, &log->sinks[i], out, size);
        }
    }
}

void log_write(struct log *log, enum log_level level, enum log_context context, const char *file,
               int line, const char *format, ...)
{
    if (!log_wants(log, level, context)) {
        return;
    }
    base_magic_check(log, LOG_MAGIC);
    char text[LOG_LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    pthread_mutex_lock(&log->lock);
    text_write(log, level, context, file, line, text);
    pthread_mutex_unlock(&log->lock);
}

// --- once per address --------------------------------------------------------------------------

static uint64_t once_key(const char *address, const char *file, int line)
{
    uint64_t key = 14695981039346656037u ^ (uint64_t)line;
    for (const char *at = file; *at != '\0'; at++) {
        key = (key ^ (unsigned char)*at) * 1099511628211u;
    }
    for (const char *at = address; *at != '\0'; at++) {
        key = (key ^ (unsigned char)*at) * 1099511628211u;
    }
    return key == 0 ? 1 : key;
}

// Finds the key's slot, or takes a free one or the one that spoke longest ago. True when the key
// may speak, which it may `spoken_max` times a period; *held_back is what it kept silent about.
static bool once_may_speak(struct log *log, uint64_t key, uint32_t spoken_max, int64_t now_s,
                           uint64_t *held_back)
{
    struct once *oldest = NULL;
    *held_back = 0;
    for (uint32_t i = 0; i < PROBE_MAX; i++) {
        struct once *slot = &log->once[(key + i) % LOG_ONCE_SLOTS];
        if (slot->key == key) {
            if (now_s - slot->spoke_s < ONCE_PERIOD_S) {
                bool may = slot->spoken < spoken_max;
                slot->spoken += may;
                slot->held_back += !may;
                return may;
            }
            *held_back = slot->held_back;
            oldest = slot;
            break;
        }
        if (oldest == NULL || slot->key == 0 ||
            (oldest->key != 0 && slot->spoke_s < oldest->spoke_s)) {
            oldest = slot;
        }
    }
    *oldest = (struct once){.key = key, .spoke_s = now_s, .spoken = 1};
    return true;
}

void log_write_once(struct log *log, enum log_level level, enum log_context context,
                    const char *file, int line, const char *address, const char *format, ...)
{
    if (!log_wants(log, level, context)) {
        return;
    }
    base_magic_check(log, LOG_MAGIC);
    int64_t now_s = (int64_t)(io_clock_monotonic_ns() / 1000000000u);
    uint64_t held_back, storm_held_back;
    pthread_mutex_lock(&log->lock);
    if (once_may_speak(log, once_key(address, file, line), 1, now_s, &held_back) &&
        once_may_speak(log, once_key("", file, line), ONCE_ADDRESSES_MAX, now_s,
                       &storm_held_back)) {
        held_back += storm_held_back;
        char text[LOG_LINE_SIZE];
        int used = snprintf(text, sizeof text, "%.100s: ", address);
        va_list arguments;
        va_start(arguments, format);
        used += vsnprintf(text + used, sizeof text - (size_t)used, format, arguments);
        va_end(arguments);
        if (held_back > 0 && used < LOG_LINE_SIZE - 64) {
            snprintf(text + used, sizeof text - (size_t)used,
                     " (and %llu more since the last line)", (unsigned long long)held_back);
        }
        text_write(log, level, context, file, line, text);
    }
    pthread_mutex_unlock(&log->lock);
}
