// SPDX-License-Identifier: Apache-2.0
// The help texts: one row for each command with its forms and an example.
#include <string.h>

#include "tools/ql_parse.h"
#include "tools/ql_session.h"

struct topic {
    const char *words; // the first words of its commands, blanks between them
    const char *group;
    const char *text;
};

static const struct topic topics[] = {
    {"SELECT EXPLAIN", "READ",
     "SELECT * | <bin>[, <bin>...] FROM <ns>[.<set>]\n"
     "    [IN LIST|MAPKEYS|MAPVALUES] [WHERE <condition>] [LIMIT <n>]\n"
     "EXPLAIN SELECT ... WHERE PK = <key>\n"
     "    <condition>: PK = <key> | DIGEST = '<hex>' | EDIGEST = '<base64>'\n"
     "               | <bin> = <value> [AND <bin> = <value>] | <bin> BETWEEN <low> AND <high>\n"
     "               | <bin> CONTAINS <GeoJSON point> | <bin> WITHIN <GeoJSON region>\n"
     "    Without WHERE all records are scanned; conditions on bins need a secondary index.\n"
     "        SELECT * FROM test.demo WHERE PK = 'key1'\n"
     "        SELECT foo, bar FROM test.demo LIMIT 10\n"},
    {"INSERT", "WRITE",
     "INSERT INTO <ns>[.<set>] (PK, <bin>[, <bin>...]) VALUES (<key>, <value>[, <value>...])\n"
     "    <value>: 'text' | 12 | 0x1F | 1.5 | true | false | NULL, which removes the bin\n"
     "           | <type>(<literal>) | CAST(<literal> AS <type>)\n"
     "    <type>:  INT DECIMAL NUMERIC | FLOAT REAL | STRING TEXT CHAR VARCHAR | BOOL\n"
     "           | LIST | MAP | JSON (a list or a map) | GEOJSON\n"
     "        INSERT INTO test.demo (PK, foo, bar) VALUES ('key1', 123, 'abc')\n"
     "        INSERT INTO test.demo (PK, l) VALUES (2, LIST('[1, \"two\", {\"three\": 3}]'))\n"},
    {"DELETE", "WRITE",
     "DELETE FROM <ns>[.<set>] WHERE PK = <key>\n"
     "        DELETE FROM test.demo WHERE PK = 'key1'\n"},
    {"OPERATE", "WRITE",
     "OPERATE <op>[, <op>...] ON <ns>[.<set>] WHERE PK = <key>\n"
     "    <op>: READ(<bin>) WRITE(<bin>, <value>) INCR(<bin>, <number>) APPEND(<bin>, <value>)\n"
     "          PREPEND(<bin>, <value>) TOUCH() DELETE()\n"
     "        OPERATE INCR(visits, 1), READ(visits) ON test.demo WHERE PK = 'key1'\n"},
    {"TRUNCATE", "WRITE",
     "TRUNCATE <ns>[.<set>] [UPTO <time>]\n"
     "    <time>: nanoseconds since 1970, or a date such as 'Dec 18 2017 09:53:20'; records\n"
     "            written later stay\n"
     "        TRUNCATE test.demo\n"},
    {"SHOW", "LOOK AROUND",
     "SHOW NAMESPACES | SETS [<ns>[.<set>]] | BINS | INDEXES [<ns>[.<set>]] | MODULES\n"
     "    | SCANS | QUERIES | USERS | USER <user> | ROLES | ROLE <role>\n"},
    {"DESC DESCRIBE", "LOOK AROUND",
     "DESC MODULE <file>\n"
     "DESC INDEX <ns> <index>\n"},
    {"STAT", "LOOK AROUND", "STAT SYSTEM | NAMESPACE <ns> | INDEX <ns> <index> | QUERY\n"},
    {"ASINFO", "LOOK AROUND",
     "ASINFO '<info command>'\n"
     "        ASINFO 'build'\n"},
    {"CREATE DROP GRANT REVOKE", "ADMINISTER",
     "CREATE [LIST|MAPKEYS|MAPVALUES] INDEX <index> ON <ns>[.<set>] (<bin>)\n"
     "    NUMERIC|STRING|GEO2DSPHERE|BLOB\n"
     "DROP INDEX <ns>[.<set>] <index>\n"
     "CREATE USER <user> PASSWORD <password> ROLES <role>[, <role>...]\n"
     "CREATE ROLE <role> PRIVILEGES <privilege>[, <privilege>...] [WHITELIST '<addresses>']\n"
     "DROP USER <user> | DROP ROLE <role>\n"
     "GRANT ROLES <role>[, ...] TO <user> | REVOKE ROLES <role>[, ...] FROM <user>\n"
     "GRANT PRIVILEGES <privilege>[, ...] TO <role> | REVOKE PRIVILEGES ... FROM <role>\n"
     "SET PASSWORD <password> [FOR <user>] | SET WHITELIST '<addresses>' FOR <role>\n"},
    {"REGISTER REMOVE", "ADMINISTER",
     "REGISTER MODULE '<path>'\n"
     "REMOVE MODULE <file>\n"},
    {"EXECUTE AGGREGATE", "ADMINISTER",
     "EXECUTE <module>.<function>([<value>...]) ON <ns>[.<set>] [WHERE <condition>]\n"
     "AGGREGATE <module>.<function>([<value>...]) ON <ns>[.<set>] [WHERE <condition>]\n"},
    {"KILL_QUERY KILL_SCAN", "ADMINISTER",
     "KILL_QUERY <id>\n"
     "KILL_SCAN <id>\n"},
    {"SET GET RESET", "SESSION",
     "SET <setting> <value>\n"
     "GET <setting> | ALL\n"
     "RESET <setting>\n"},
    {"RUN", "SESSION", "RUN '<file of commands>'\n"},
    {"PRINT", "SESSION", "PRINT '<text>'\n"},
    {"SYSTEM", "SESSION", "SYSTEM '<shell command>'\n"},
    {"HELP", "SESSION", "HELP [<command>]\n"},
    {"EXIT QUIT Q", "SESSION", "EXIT | QUIT | Q\n"},
};

enum { TOPIC_COUNT = sizeof topics / sizeof topics[0] };

static bool topic_has(const struct topic *topic, struct base_slice word)
{
    const char *at = topic->words;
    while (*at != '\0') {
        size_t size = strcspn(at, " ");
        struct base_slice one = {.data = (const uint8_t *)at, .size = size};
        char copy[16] = "";
        memcpy(copy, one.data, size < sizeof copy ? size : sizeof copy - 1);
        if (tools_slice_is(word, copy)) {
            return true;
        }
        at += size;
        at += *at == ' ';
    }
    return false;
}

// Prints a text with each line further in.
static void indented_print(FILE *out, const char *text)
{
    while (*text != '\0') {
        size_t size = strcspn(text, "\n");
        fprintf(out, "    %.*s\n", (int)size, text);
        text += size + (text[size] == '\n');
    }
}

static void settings_print(FILE *out)
{
    fputs("\n    The settings:\n", out);
    for (size_t i = 0; i < QL_SETTING_COUNT; i++) {
        struct tools_text values = {0};
        ql_setting_values_append(&values, i);
        fprintf(out, "        %-24s %s; default %s\n%33s%s\n", ql_setting_name(i),
                tools_text_string(&values), ql_setting_default(i), "", ql_setting_meaning(i));
        tools_text_fini(&values);
    }
}

void ql_help_print(FILE *out, struct base_slice word)
{
    const char *group = "";
    bool found = false;
    for (size_t i = 0; i < TOPIC_COUNT; i++) {
        if (word.size > 0 && !topic_has(&topics[i], word)) {
            continue;
        }
        if (word.size == 0 && strcmp(group, topics[i].group) != 0) {
            group = topics[i].group;
            fprintf(out, "\n  %s\n", group);
        }
        fputc('\n', out);
        indented_print(out, topics[i].text);
        if (topic_has(&topics[i], tools_slice_of("SET"))) {
            settings_print(out);
        }
        found = true;
    }
    if (!found) {
        fprintf(out, "\nERROR: 404: COMMAND NOT FOUND : %.*s\n", (int)word.size,
                (const char *)word.data);
        return;
    }
    fputc('\n', out);
}
