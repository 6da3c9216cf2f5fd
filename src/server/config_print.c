// SPDX-License-Identifier: Apache-2.0
// What a person reads of the configuration: the effective values as a file that can be loaded
// again, the help, and the page of all directives.
#include <stdlib.h>
#include <string.h>

#include "server/config_table.h"

enum { VALUE_COLUMN = 44 };

// --- effective values --------------------------------------------------------------------------

struct printer {
    FILE *to;
    const struct config *config;
    char *value;
    uint32_t depth;
    char open[CONFIG_TEXT_SIZE]; // the dotted section that is open below the context; "" none
};

static void indent(const struct printer *printer)
{
    for (uint32_t i = 0; i < printer->depth; i++) {
        fputs("    ", printer->to);
    }
}

static void origin_text(const struct printer *printer, const struct config_slot *slot, char *out,
                        size_t size)
{
    switch (slot->origin) {
    case CONFIG_FROM_FILE:
        snprintf(out, size, "%s:%u", printer->config->file_path, slot->line);
        break;
    case CONFIG_FROM_ENVIRONMENT:
        snprintf(out, size, "environment %s", slot->source);
        break;
    case CONFIG_FROM_COMMAND_LINE:
        snprintf(out, size, "command line %s", slot->source);
        break;
    case CONFIG_FROM_SET_CONFIG:
        snprintf(out, size, "set-config");
        break;
    default:
        snprintf(out, size, "built-in");
        break;
    }
}

static void value_line(const struct printer *printer, const char *name, const char *value,
                       const char *origin)
{
    indent(printer);
    int width = fprintf(printer->to, "%s %s", name, value);
    int gap = VALUE_COLUMN - width - 4 * (int)printer->depth;
    fprintf(printer->to, "%*s# %s\n", gap > 1 ? gap : 1, "", origin);
}

// Closes the section that is open unless `name` belongs to it, and opens the one it belongs to.
// `name` comes back without the section.
static const char *section_switch(struct printer *printer, const char *name, const char *argument)
{
    const char *dot = strchr(name, '.');
    size_t size = dot == NULL ? 0 : (size_t)(dot - name);
    bool same = strlen(printer->open) == size && strncmp(printer->open, name, size) == 0;
    if (!same && printer->open[0] != '\0') {
        printer->depth--;
        indent(printer);
        fputs("}\n", printer->to);
        printer->open[0] = '\0';
    }
    if (!same && size > 0) {
        memcpy(printer->open, name, size);
        printer->open[size] = '\0';
        indent(printer);
        fprintf(printer->to, "%s%s {\n", printer->open, argument);
        printer->depth++;
    }
    return dot == NULL ? name : dot + 1;
}

// A value nobody gave and that does nothing is noise, except what waits for clusters.
static bool row_is_worth_a_line(const struct config_row *row, const struct config_slot *slot)
{
    if (row->treatment == CONFIG_HONOURED || row->treatment == CONFIG_WAITING) {
        return row->shown || slot->origin != CONFIG_BUILT_IN;
    }
    return row->treatment == CONFIG_TUNING && slot->origin != CONFIG_BUILT_IN;
}

static void row_print(struct printer *printer, uint32_t number, const struct config_place *place)
{
    const struct config_row *row = &config_rows[number];
    const struct config_slot *slot = &place->slots[number];
    if (!row_is_worth_a_line(row, slot)) {
        return;
    }
    const char *argument = strncmp(row->name, "storage-engine.", 15) == 0 ? " memory"
                           : strncmp(row->name, "index-type.", 11) == 0   ? " shmem"
                           : strncmp(row->name, "sindex-type.", 12) == 0  ? " shmem"
                                                                          : "";
    const char *name = section_switch(printer, row->name, argument);
    char origin[CONFIG_TEXT_SIZE + 32];
    origin_text(printer, slot, origin, sizeof origin);
    config__value_text(number, place, printer->value);
    if (printer->value[0] == '\0') {
        char unset[CONFIG_TEXT_SIZE];
        snprintf(unset, sizeof unset, "# %s", name);
        value_line(printer, unset, "is not set", origin);
        return;
    }
    if (row->type != CONFIG_LIST && row->type != CONFIG_HOSTS) {
        value_line(printer, name, printer->value, origin);
        return;
    }
    char *rest = NULL;
    for (char *item = strtok_r(printer->value, ",", &rest); item != NULL;
         item = strtok_r(NULL, ",", &rest)) {
        value_line(printer, name, item, origin);
    }
}

// Rows outside any sub-section first, so that each sub-section is opened once.
static void rows_print(struct printer *printer, enum config_context context,
                       const struct config_place *place)
{
    for (uint32_t i = 0; i < config_row_count; i++) {
        if (config_rows[i].context == context && strchr(config_rows[i].name, '.') == NULL) {
            row_print(printer, i, place);
        }
    }
    for (uint32_t i = 0; i < config_row_count; i++) {
        if (config_rows[i].context == context && strchr(config_rows[i].name, '.') != NULL) {
            row_print(printer, i, place);
        }
    }
    section_switch(printer, "", "");
}

static void log_print(const struct config_log *log, FILE *to)
{
    fprintf(to, "logging {\n    format %s\n", log->json ? "json" : "text");
    for (uint32_t i = 0; i < log->sink_count; i++) {
        const struct config_log_sink *sink = &log->sinks[i];
        const char *path = sink->path;
        fprintf(to, path[0] == '\0' ? "    console {\n" : "    file %s {\n", path);
        fprintf(to, "        context any %s\n", log_level_name(sink->level[0]));
        for (uint32_t context = 1; context < LOG_CONTEXT_COUNT; context++) {
            if (sink->level[context] != sink->level[0]) {
                fprintf(to, "        context %s %s\n", log_context_name(context),
                        log_level_name(sink->level[context]));
            }
        }
        fputs("    }\n", to);
    }
    fputs("}\n", to);
}

static void set_collect(const char *name, const char *value, void *arg)
{
    fprintf(arg, "        %s %s\n", name, value);
}

static void namespace_print(struct printer *printer, struct config_namespace *ns)
{
    fprintf(printer->to, "namespace %s {\n", ns->name);
    struct config_place place = {ns, ns->slots, NULL};
    printer->depth = 1;
    rows_print(printer, CONFIG_NAMESPACE, &place);
    for (uint32_t i = 0; i < ns->set_count; i++) {
        fprintf(printer->to, "    set %s {\n", ns->sets[i].name);
        config_set_show(&ns->sets[i], set_collect, printer->to);
        fputs("    }\n", printer->to);
    }
    fputs("}\n", printer->to);
}

void config_print(const struct config *config, FILE *to)
{
    struct printer printer = {.to = to, .config = config, .value = malloc(CONFIG_VALUE_SIZE)};
    if (printer.value == NULL) {
        return;
    }
    struct config_place place = {(struct config *)config, config->slots, NULL};
    fputs("service {\n", to);
    printer.depth = 1;
    rows_print(&printer, CONFIG_SERVICE, &place);
    fputs("}\n", to);
    log_print(&config->log, to);
    fputs("network {\n", to);
    rows_print(&printer, CONFIG_NETWORK, &place);
    fputs("}\n", to);
    for (uint32_t i = 0; i < config->namespace_count; i++) {
        namespace_print(&printer, config->namespaces[i]);
    }
    free(printer.value);
}

// --- help --------------------------------------------------------------------------------------

void config_help_print(FILE *to)
{
    fputs(
        "Usage: ballastd [option]...\n"
        "\n"
        "Serves namespace `test` from memory on port 3000 when nothing else is asked.\n"
        "\n"
        "  --config-file FILE     read FILE; else BALLAST_CONFIG_FILE, /etc/ballast/ballast.conf\n"
        "                         or /etc/aerospike/aerospike.conf, whichever is there\n"
        "  --check-config         say what is wrong with the configuration, and end\n"
        "  --print-config         print the effective configuration with the origin of each value\n"
        "  --help-config          print every directive\n"
        "  --DIRECTIVE VALUE      set any directive of service, network or namespace, such as\n"
        "                         --service-port 3100, --data-size 4G, --default-ttl 30d\n"
        "  --set PATH=VALUE       the same, spelled out: --set namespace.test.default-ttl=30d\n"
        "  --port-offset N        add N to every port of this node; also BALLAST_PORT_OFFSET\n"
        "  --log-level LEVEL      critical, warning, info, debug or detail\n"
        "  --log-format FORM      text or json\n"
        "  --version, --help\n"
        "\n"
        "The environment sets BALLAST_DIRECTIVE (BALLAST_SERVICE_PORT=3100), or\n"
        "BALLAST_DIRECTIVE_FILE to read the value from a file. The command line wins over the\n"
        "environment, the environment over the file.\n",
        to);
}

static const char *treatment_text(const struct config_row *row)
{
    static const char *const texts[] = {
        [CONFIG_HONOURED] = "",
        [CONFIG_WAITING] = "Kept; has an effect once nodes form clusters: ",
        [CONFIG_TUNING] = "Accepted without effect: ",
        [CONFIG_OBSOLETE] = "Accepted without effect: ",
        [CONFIG_REFUSED] = "Refused: ",
    };
    return texts[row->treatment];
}

static void unit_text(const struct config_row *row, char *out, size_t size)
{
    static const char *const forms[] = {
        [CONFIG_BOOL] = "true or false",
        [CONFIG_NUMBER] = "number",
        [CONFIG_SIZE] = "size (K M G T P)",
        [CONFIG_SECONDS] = "time (s m h d)",
        [CONFIG_TEXT] = "word",
        [CONFIG_LIST] = "word, repeated",
        [CONFIG_HOSTS] = "host and port, repeated",
        [CONFIG_CHOICE] = "",
        [CONFIG_ANY] = "",
        [CONFIG_LEVEL] = "context level",
    };
    if (row->type == CONFIG_CHOICE || (row->type == CONFIG_ANY && row->choices != NULL)) {
        snprintf(out, size, "%s%s", row->type == CONFIG_ANY ? "only " : "", row->choices);
        for (char *bar = strchr(out, '|'); bar != NULL; bar = strchr(bar, '|')) {
            *bar = '/';
        }
        return;
    }
    if (row->max > row->min && row->max < INT64_C(1) << 60) {
        snprintf(out, size, "%s %lld–%lld%s%s", forms[row->type], (long long)row->min,
                 (long long)row->max, row->unit == NULL ? "" : " ",
                 row->unit == NULL ? "" : row->unit);
        return;
    }
    snprintf(out, size, "%s", forms[row->type]);
}

static void row_table_line(const struct config_row *row, FILE *to)
{
    char unit[CONFIG_TEXT_SIZE];
    unit_text(row, unit, sizeof unit);
    fprintf(to, "| `%s`", row->name);
    if (row->older != NULL) {
        fprintf(to, " (older: `%s`)", row->older);
    }
    bool has_value = row->built_in != NULL && row->treatment != CONFIG_OBSOLETE;
    fprintf(to, " | %s | %s%s%s | %s | %s%s |\n", unit, has_value ? "`" : "",
            has_value ? row->built_in : "", has_value ? "`" : "", row->dynamic ? "yes" : "",
            treatment_text(row), row->help);
}

static void context_table(enum config_context context, const char *title, const char *word,
                          FILE *to)
{
    fprintf(to, "\n## %s\n\n%s\n\n", title, word);
    fputs(
        "| directive | value | built-in | while running | meaning |\n"
        "|---|---|---|---|---|\n",
        to);
    for (uint32_t i = 0; i < config_row_count; i++) {
        if (config_rows[i].context == context) {
            row_table_line(&config_rows[i], to);
        }
    }
}

void config_directives_print(FILE *to)
{
    fputs(
        "# Configuration\n"
        "\n"
        "`ballastd` runs without any configuration. Values come from, later ones winning: what is\n"
        "built in; the configuration file in the format of `aerospike.conf` (`--config-file`, "
        "else\n"
        "`BALLAST_CONFIG_FILE`, else `/etc/ballast/ballast.conf` or "
        "`/etc/aerospike/aerospike.conf`\n"
        "when it exists); the environment; the command line. `--print-config` shows every value "
        "with\n"
        "its origin, `--check-config` says what is wrong and where.\n"
        "\n"
        "A directive that somebody could rely on and that has no effect here is refused with "
        "file,\n"
        "line and the way out. One that merely tunes another design is accepted with a warning.\n"
        "\n"
        "Environment: `BALLAST_` and the directive in capitals with `_` for `-` and `.`, such as\n"
        "`BALLAST_SERVICE_PORT`, `BALLAST_DATA_SIZE`, `BALLAST_DEFAULT_TTL`; directives of a "
        "namespace\n"
        "go to every namespace. With `_FILE` behind the name the value is read from that file. "
        "Also\n"
        "`BALLAST_CONFIG_FILE`, `BALLAST_NAMESPACE` (name of the built-in namespace),\n"
        "`BALLAST_LOG_LEVEL`, `BALLAST_LOG_FORMAT`, `BALLAST_LOG_FILE`, `BALLAST_PORT_OFFSET`\n"
        "(added to every port of this node). Lists are separated by commas, as in\n"
        "`BALLAST_MESH_SEED_ADDRESS_PORT=10.0.0.2:3002,db`. Without a configuration file\n"
        "the names of the Aerospike image count as well: `SERVICE_THREADS`, `SERVICE_ADDRESS`,\n"
        "`SERVICE_PORT`, `HB_ADDRESS`, `HB_PORT`, `FABRIC_ADDRESS`, `FABRIC_PORT`, "
        "`INFO_ADDRESS`,\n"
        "`INFO_PORT`, `NAMESPACE`, `REPL_FACTOR`, `MEM_GB`, `DEFAULT_TTL`, `NSUP_PERIOD`,\n"
        "`DATA_IN_MEMORY`, `LOGFILE`, `AEROSPIKE_CLUSTER_NAME`, `AEROSPIKE_MESH_PORT`. In "
        "Kubernetes,\n"
        "`BALLAST_SERVICE_PORT` and `BALLAST_PORT` made by a Service named `ballast` are "
        "recognised and\n"
        "left alone.\n"
        "\n"
        "Command line: `--service-port 3100`, `--data-size 4G`, or spelled out\n"
        "`--set namespace.test.default-ttl=30d`.\n"
        "\n"
        "Built-in values that differ from Aerospike's: `nsup-period 120`, so that times to live "
        "work\n"
        "without further settings; `stop-writes-used-pct 90`, as memory needs no room for\n"
        "defragmentation here; `service.address local` outside a container.\n"
        "\n"
        "The log goes to standard output unless a `logging` section says otherwise.\n",
        to);
    context_table(CONFIG_SERVICE, "service { }", "The process.", to);
    context_table(CONFIG_LOGGING, "logging { }",
                  "`file PATH { }` and `console { }`, each with `context` lines.", to);
    context_table(CONFIG_NETWORK, "network { }",
                  "`service { }`, `info { }`, `heartbeat { }`, `fabric { }`, `admin { }`.", to);
    context_table(CONFIG_NAMESPACE, "namespace NAME { }",
                  "Repeated for several. Dotted names stand in a section of their own, such as "
                  "`storage-engine memory { }`.",
                  to);
    context_table(CONFIG_SET, "namespace NAME { set NAME { } }", "Values of one set.", to);
    fputs("\n## Other sections\n\n", to);
    for (uint32_t i = 0; i < config_section_count; i++) {
        const struct config_section *section = &config_sections[i];
        if (section->context == CONFIG_OTHER) {
            fprintf(to, "- `%s%s%s { }`: %s, %s.\n", section->parent,
                    section->parent[0] == '\0' ? "" : ".", section->word,
                    section->treatment == CONFIG_REFUSED ? "refused" : "accepted without effect",
                    section->help);
        }
    }
}
