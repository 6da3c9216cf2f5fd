// SPDX-License-Identifier: Apache-2.0
// The settings of a session, each declared once with its name, kind, default, bounds and meaning
// (info-and-tools section 5.8). SET, GET, RESET, HELP and completion all read this one table. Owned
// by the session; one thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/result.h"
#include "tools/text.h"

enum ql_output { QL_OUTPUT_TABLE, QL_OUTPUT_JSON, QL_OUTPUT_MUTE, QL_OUTPUT_RAW, QL_OUTPUT_CSV };

enum ql_setting_kind { QL_SETTING_BOOL, QL_SETTING_INTEGER, QL_SETTING_CHOICE, QL_SETTING_TEXT };

enum { QL_SETTING_TEXT_SIZE_MAX = 1023 };

// name, member, kind, default as text, least, most, meaning
#define QL_SETTINGS(X)                                                                             \
    X(ECHO, echo, BOOL, "false", 0, 1, "print each command before its result")                     \
    X(VERBOSE, verbose, BOOL, "false", 0, 1, "tell on stderr what is sent and how long it takes")  \
    X(OUTPUT, output, CHOICE, "TABLE", 0, 0, "how results are printed")                            \
    X(OUTPUT_TYPES, output_types, BOOL, "true", 0, 1, "show LIST, MAP and GeoJSON around values")  \
    X(TIMEOUT, timeout_ms, INTEGER, "1000", 0, INT32_MAX,                                          \
      "milliseconds for one command, 0: no limit; scans heed it once it is set")                   \
    X(SOCKET_TIMEOUT, socket_timeout_ms, INTEGER, "-1", -1, INT32_MAX,                             \
      "milliseconds without progress, -1: 30000 for scans, no limit for the rest")                 \
    X(LUA_USERPATH, lua_userpath, TEXT, "/opt/aerospike/usr/udf/lua", 0, 0,                        \
      "where user modules lie")                                                                    \
    X(RECORD_TTL, record_ttl_s, INTEGER, "0", -2, INT32_MAX,                                       \
      "seconds that written records live, 0: the namespace's, -1: for ever, -2: as before")        \
    X(RECORD_PRINT_METADATA, record_print_metadata, BOOL, "false", 0, 1,                           \
      "show digest, set, time to live and generation of records")                                  \
    X(KEY_SEND, key_send, BOOL, "true", 0, 1, "store keys with records and show them")             \
    X(DURABLE_DELETE, durable_delete, BOOL, "false", 0, 1, "deletes leave tombstones")             \
    X(SCAN_RECORDS_PER_SECOND, scan_records_per_second, INTEGER, "0", 0, INT32_MAX,                \
      "records a second on each node, 0: no limit")                                                \
    X(NO_BINS, no_bins, BOOL, "false", 0, 1, "scans return digests without bins")

enum ql_setting {
#define X(name, member, kind, default_text, least, most, meaning) QL_SETTING_##name,
    QL_SETTINGS(X)
#undef X
        QL_SETTING_COUNT
};

struct ql_settings {
    bool echo;
    bool verbose;
    enum ql_output output;
    bool output_types;
    int64_t timeout_ms;
    int64_t socket_timeout_ms;
    char lua_userpath[QL_SETTING_TEXT_SIZE_MAX + 1]; // as it was typed, quotes too
    int64_t record_ttl_s;
    bool record_print_metadata;
    bool key_send;
    bool durable_delete;
    int64_t scan_records_per_second;
    bool no_bins;
};

// The defaults.
void ql_settings_init(struct ql_settings *settings);

// The table's entry: static text and kind. `index` is below QL_SETTING_COUNT.
const char *ql_setting_name(size_t index);
const char *ql_setting_meaning(size_t index);
const char *ql_setting_default(size_t index);

// What values a setting takes, such as "true | false", for messages and help.
void ql_setting_values_append(struct tools_text *out, size_t index);

// Finds a setting by its name in any case; QL_SETTING_COUNT when there is none.
size_t ql_setting_find(struct base_slice name);

// Sets one setting from its text. RESULT_PARAMETER when the text is no value of it.
BASE_MUST_USE enum base_result ql_setting_set(struct ql_settings *settings, size_t index,
                                              struct base_slice text);

void ql_setting_reset(struct ql_settings *settings, size_t index);

// Appends the value as GET shows it.
void ql_setting_append(struct tools_text *out, const struct ql_settings *settings, size_t index);
