// SPDX-License-Identifier: Apache-2.0
// `show latencies`: how many operations a second, and how many of them in a hundred took longer
// than each of a row of times. A node tells its histograms as
// `{test}-read:msec,1012.1,0.39,...;batch-index:;...` (info-and-tools section 2.11).
#include <stdlib.h>
#include <string.h>

#include "tools/admin_session.h"
#include "tools/admin_show.h"
#include "wire/info.h"

enum { BUCKETS_MAX = 17, NAME_SIZE = 160 };

// One histogram of one node.
struct latency {
    const struct admin_node *node;
    char ns[LIMIT_NAMESPACE_NAME_SIZE + 1]; // "": of the whole node
    char name[NAME_SIZE];
    bool microseconds;
    size_t number_count;
    double numbers[1 + BUCKETS_MAX]; // operations a second, then percentages
};

struct latencies {
    struct latency *all;
    size_t count, capacity;
    bool failed;
};

// What was asked for.
struct wish {
    uint32_t increment, buckets;
    struct admin_filter namespaces, histograms;
};

// Reads `unit,number,number,...`; false for a histogram without data.
static bool numbers_read(struct latency *latency, struct base_slice text)
{
    struct base_slice piece;
    if (!wire_info_piece_next(&text, ',', &piece)) {
        return false;
    }
    latency->microseconds = wire_info_equal(piece, "usec");
    while (latency->number_count < 1 + BUCKETS_MAX && wire_info_piece_next(&text, ',', &piece) &&
           admin_slice_number(piece, &latency->numbers[latency->number_count])) {
        latency->number_count++;
    }
    return latency->number_count > 0;
}

// Takes "{namespace}-histogram" apart; other names are of the whole node.
static void name_split(struct latency *latency, struct base_slice name)
{
    const uint8_t *close = name.size == 0 ? NULL : memchr(name.data, '}', name.size);
    size_t ns_size = close == NULL ? 0 : (size_t)(close - name.data) - 1;
    if (name.size > 0 && name.data[0] == '{' && close != NULL &&
        ns_size <= LIMIT_NAMESPACE_NAME_SIZE) {
        memcpy(latency->ns, name.data + 1, ns_size);
        size_t skip = ns_size + 2 + (ns_size + 2 < name.size && close[1] == '-');
        name = (struct base_slice){.data = name.data + skip, .size = name.size - skip};
    }
    snprintf(latency->name, sizeof latency->name, "%.*s", (int)name.size,
             name.size == 0 ? "" : (const char *)name.data);
}

static bool is_known(const struct latencies *latencies, const struct latency *latency)
{
    for (size_t i = latencies->count; i > 0; i--) {
        const struct latency *other = &latencies->all[i - 1];
        if (other->node != latency->node) {
            return false; // nodes come one after the other
        }
        if (strcmp(other->ns, latency->ns) == 0 && strcmp(other->name, latency->name) == 0) {
            return true;
        }
    }
    return false;
}

static void latency_add(struct latencies *latencies, const struct latency *latency)
{
    if (latencies->count == latencies->capacity) {
        size_t capacity = latencies->capacity == 0 ? 64 : 2 * latencies->capacity;
        struct latency *all = realloc(latencies->all, capacity * sizeof *all);
        if (all == NULL) {
            latencies->failed = true;
            return;
        }
        latencies->all = all;
        latencies->capacity = capacity;
    }
    latencies->all[latencies->count++] = *latency;
}

static void answer_read(struct latencies *latencies, const struct admin_node *node,
                        struct base_slice list, const struct wish *wish)
{
    struct base_slice item;
    while (wire_info_piece_next(&list, ';', &item) && !latencies->failed) {
        struct latency latency = {.node = node};
        struct base_slice name;
        if (!wire_info_piece_next(&item, ':', &name) || !numbers_read(&latency, item)) {
            continue;
        }
        name_split(&latency, name);
        bool wanted = admin_filter_passes(&wish->histograms, tools_slice_of(latency.name)) &&
                      (wish->namespaces.count == 0 ||
                       (latency.ns[0] != '\0' &&
                        admin_filter_passes(&wish->namespaces, tools_slice_of(latency.ns))));
        if (wanted && !is_known(latencies, &latency)) {
            latency_add(latencies, &latency);
        }
    }
}

// ---- the table ----------------------------------------------------------------------------------

static const struct admin_column first_columns[] = {
    {.title = "Namespace", .grouped = true},
    {.title = "Histogram", .grouped = true},
    {.title = "Node", .ordered = true},
    {.title = "ops/sec",
     .type = ADMIN_TYPE_REAL,
     .total = ADMIN_TOTAL_SUM,
     .total_form = ADMIN_ROUNDED},
};

enum { FIRST_COLUMNS = sizeof first_columns / sizeof first_columns[0] };

static void unit_columns_add(struct admin_grid *grid, const struct wish *wish, const char *unit)
{
    for (uint32_t i = 0; i < wish->buckets && i * wish->increment < BUCKETS_MAX; i++) {
        char title[32];
        snprintf(title, sizeof title, ">%u%s", 1U << (i * wish->increment), unit);
        struct admin_column *column = admin_grid_column_add(grid, tools_slice_of(title));
        if (column != NULL) {
            column->type = ADMIN_TYPE_REAL;
            column->total = ADMIN_TOTAL_WEIGHTED;
            column->total_form = ADMIN_ROUNDED;
            column->weight = "ops/sec";
        }
    }
}

static void line_add(struct admin_grid *grid, const struct latency *latency,
                     const struct wish *wish, size_t first_bucket)
{
    size_t line = admin_grid_line_add(grid);
    if (grid->failed) {
        return;
    }
    if (latency->ns[0] != '\0') {
        admin_grid_text_set(grid, line, 0, tools_slice_of(latency->ns));
    }
    admin_grid_text_set(grid, line, 1, tools_slice_of(latency->name));
    admin_grid_text_set(grid, line, 2, tools_slice_of(latency->node->name));
    admin_grid_real_set(grid, line, 3, latency->numbers[0]);
    for (uint32_t i = 0; i < wish->buckets && i * wish->increment < BUCKETS_MAX; i++) {
        if (1 + i * wish->increment < latency->number_count) {
            admin_grid_real_set(grid, line, first_bucket + i,
                                latency->numbers[1 + i * wish->increment]);
        }
    }
    if (!grid->failed) {
        admin_grid_cell(grid, line, 2)->alert = ADMIN_ALERT_BOLD;
    }
}

static void latencies_show(struct admin_call *call, const struct latencies *latencies,
                           const struct wish *wish)
{
    bool any[2] = {false};
    for (size_t i = 0; i < latencies->count; i++) {
        any[latencies->all[i].microseconds] = true;
    }
    char title[ADMIN_TITLE_SIZE];
    admin_title(call->session, "Latency ", title);
    struct admin_grid grid;
    admin_grid_init(&grid, title);
    admin_grid_columns_add(&grid, first_columns, FIRST_COLUMNS);
    size_t first_bucket[2] = {FIRST_COLUMNS, FIRST_COLUMNS};
    if (any[0]) {
        unit_columns_add(&grid, wish, "ms");
    }
    first_bucket[1] = grid.column_count;
    if (any[1]) {
        unit_columns_add(&grid, wish, "us");
    }
    for (size_t i = 0; i < latencies->count && !grid.failed; i++) {
        line_add(&grid, &latencies->all[i], wish, first_bucket[latencies->all[i].microseconds]);
    }
    admin_show(call->session, &grid, ADMIN_STYLE_LINES);
    admin_grid_fini(&grid);
}

// ---- asking -------------------------------------------------------------------------------------

// Histograms that are told only to who asks for them.
static void verbose_request(const struct admin_namespaces *namespaces, struct tools_text *out)
{
    static const char *const names[] = {
        "proxy",
        "re-repl",
        "benchmarks-read",
        "benchmarks-write",
        "benchmarks-udf",
        "benchmarks-udf-sub",
        "benchmarks-ops-sub",
        "benchmarks-batch-sub",
    };
    tools_text_string_append(out, "latencies:hist=info\nlatencies:hist=benchmarks-fabric\n");
    for (size_t i = 0; i < namespaces->count; i++) {
        for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
            tools_text_format_append(out, "latencies:hist={%s}-%s\n", namespaces->names[i],
                                     names[n]);
        }
    }
}

static void wish_run(struct admin_call *call, const struct wish *wish)
{
    struct admin_namespaces namespaces;
    struct tools_text request = {0};
    tools_text_string_append(&request, "latencies:\n");
    if (admin_call_have(call, "-v")) {
        if (!admin_call_namespaces(call, &wish->namespaces, &namespaces)) {
            tools_text_fini(&request);
            return;
        }
        verbose_request(&namespaces, &request);
    }
    struct admin_replies replies;
    struct latencies latencies = {0};
    if (admin_call_ask(call, tools_text_string(&request), &replies)) {
        for (size_t i = 0; i < replies.count; i++) {
            struct base_slice all = tools_text_slice(&request), command, value;
            while (wire_info_piece_next(&all, '\n', &command)) {
                char name[NAME_SIZE + 40];
                snprintf(name, sizeof name, "%.*s", (int)command.size, command.data);
                if (admin_reply_value(&replies.items[i], name, &value)) {
                    answer_read(&latencies, replies.items[i].node, value, wish);
                }
            }
        }
        if (latencies.failed) {
            admin_memory_tell(call->session);
        } else {
            latencies_show(call, &latencies, wish);
        }
        admin_replies_fini(&replies);
    }
    free(latencies.all);
    tools_text_fini(&request);
}

void admin_show_latencies_run(struct admin_call *call)
{
    struct wish wish;
    if (!admin_call_number(call, "-e", 1, BUCKETS_MAX - 1, 3, &wish.increment) ||
        !admin_call_number(call, "-b", 1, BUCKETS_MAX, 3, &wish.buckets) ||
        !admin_filter_make(call, "for", &wish.namespaces)) {
        return;
    }
    if (admin_filter_make(call, "like", &wish.histograms)) {
        wish_run(call, &wish);
        admin_filter_fini(&wish.histograms);
    }
    admin_filter_fini(&wish.namespaces);
}
