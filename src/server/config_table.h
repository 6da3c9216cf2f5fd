// SPDX-License-Identifier: Apache-2.0
// The one table of directives and sections; internal to the configuration. A row says where in a
// file the directive stands, how its value is written, where it is kept, and how honest we can be
// about it. Constant data; any thread may read.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/config.h"

enum config_context {
    CONFIG_SERVICE,
    CONFIG_LOGGING,
    CONFIG_NETWORK,
    CONFIG_NAMESPACE,
    CONFIG_SET,
    CONFIG_OTHER, // security, mod-lua, xdr, cluster
    CONFIG_CONTEXT_COUNT,
};

enum config_type {
    CONFIG_BOOL,
    CONFIG_NUMBER,
    CONFIG_SIZE,    // bytes; K M G T P
    CONFIG_SECONDS, // s m h d
    CONFIG_TEXT,    // one word
    CONFIG_LIST,    // repeated lines, or one with commas
    CONFIG_HOSTS,   // the same of hosts and ports: "host port", "host:port", "host" (port 3002)
    CONFIG_CHOICE,  // one of `choices`, kept as its place among them
    CONFIG_ANY,     // one or more words that nothing is done with
    CONFIG_LEVEL,   // logging: context and level
};

// How a value's place is shaped. CONFIG_KEPT_SLOT: number or text in the slot.
enum config_kept {
    CONFIG_KEPT_SLOT,
    CONFIG_KEPT_BOOL,
    CONFIG_KEPT_U16,
    CONFIG_KEPT_U32,
    CONFIG_KEPT_I32,
    CONFIG_KEPT_U64,
    CONFIG_KEPT_TEXT,
    CONFIG_KEPT_LIST,
};

enum config_treatment {
    CONFIG_HONOURED,
    CONFIG_WAITING,  // kept, takes effect once nodes form clusters; one warning for all
    CONFIG_TUNING,   // tunes a design that is not ours; kept, one warning
    CONFIG_OBSOLETE, // of old versions; not kept, one warning
    CONFIG_REFUSED,  // would be relied on and is not done; any value but the harmless is an error
};

struct config_row {
    enum config_context context;
    const char *name;  // within the context, as get-config spells it
    const char *older; // other spellings, separated by spaces; NULL: none
    enum config_type type;
    enum config_kept kept;
    uint32_t at;      // offset in struct config, config_namespace or config_set
    uint32_t size;    // of CONFIG_KEPT_TEXT
    const char *unit; // for help: "s", "ms", "%"; NULL: none
    int64_t min;
    int64_t max;
    const char *choices;  // "a|b"; for CONFIG_REFUSED the harmless values
    const char *built_in; // value as it would be written; NULL: not set
    bool dynamic;
    bool shown; // in get-config
    enum config_treatment treatment;
    const char *help; // one line; for CONFIG_REFUSED: what is wrong and how to mend it
};

extern const struct config_row config_rows[];
extern const uint32_t config_row_count;

enum config_argument {
    CONFIG_ARGUMENT_NONE,
    CONFIG_ARGUMENT_NAME,  // namespace, set, tls, dc
    CONFIG_ARGUMENT_VALUE, // storage-engine memory: the value of the row of that name
    CONFIG_ARGUMENT_PATH,  // logging file
};

struct config_section {
    const char *parent; // full path of the section it stands in; "" for the top
    const char *word;
    enum config_argument argument;
    enum config_context context;
    const char *prefix; // of its rows' names: "service."
    enum config_treatment treatment;
    const char *harmless; // "directive value" that makes a refused section acceptable; NULL: none
    const char *help;
};

extern const struct config_section config_sections[];
extern const uint32_t config_section_count;

enum { CONFIG_ROW_NONE = UINT32_MAX, CONFIG_VALUE_SIZE = CONFIG_LIST_ITEMS * CONFIG_TEXT_SIZE };

// The row of that name (or older name) in a context; CONFIG_ROW_NONE.
uint32_t config__row_find(enum config_context context, const char *name);

// Finds a row of service, network or namespace by a name in which '.', '-' and '_' are the same and
// case does not matter ("DATA_SIZE" finds storage-engine.data-size): for variables and options.
uint32_t config__row_find_flat(const char *name);

// The known name nearest to `name` among rows of `context` that begin with `prefix`, and sections
// below `parent`; NULL when none is near. The result is without the prefix.
const char *config__row_nearest(enum config_context context, const char *prefix, const char *parent,
                                const char *name);

// Where values go: the structs a context's rows point into.
struct config_place {
    void *base;                // struct config, config_namespace or config_set
    struct config_slot *slots; // NULL for a set
    pthread_mutex_t *lock;     // guards text once the node runs; NULL: alone
};

// Where a value came from.
struct config_source {
    enum config_origin origin;
    uint32_t line;
    const char *name; // variable or option; NULL
};

// Checks `text` and puts it in its place. RESULT_PARAMETER with what is wrong in `error`
// (CONFIG_NOTE_SIZE bytes), RESULT_NO_MEMORY. Treatment is the caller's affair.
BASE_MUST_USE enum base_result config__value_put(uint32_t row, const struct config_place *place,
                                                 const char *text,
                                                 const struct config_source *source, char *error);

// The value as text that can be put again; "" for a list or text that is not set. `out` has
// CONFIG_VALUE_SIZE bytes.
void config__value_text(uint32_t row, const struct config_place *place, char *out);

// The number of a numeric row.
int64_t config__value_number(uint32_t row, const struct config_place *place);

// True when `text` is among the '|'-separated choices; its place goes to *number.
bool config__choice_find(const char *choices, const char *text, int64_t *number);

// Finds out whether a refused row takes this value without harm.
bool config__value_is_harmless(const struct config_row *row, const char *text);

// Readers of values: sizes with K to P, seconds with s m h d, plain numbers.
bool config__number_parse(const char *text, enum config_type type, int64_t *out);
bool config__bool_parse(const char *text, bool *out);

// Adds a note. `where` may be "" (then only the text stands).
void config__note(struct config_diag *diag, bool error, const char *where, const char *format, ...)
    BASE_PRINTF(4, 5);

// Treats one given value as its row demands: notes, and puts it. `where` names the place for
// messages ("file:3: directive").
BASE_MUST_USE enum base_result config__value_give(uint32_t row, const struct config_place *place,
                                                  const char *text,
                                                  const struct config_source *source,
                                                  const char *where, struct config_diag *diag);

struct config_place config__place(struct config *config, struct config_namespace *ns,
                                  enum config_context context);

// Appends an empty namespace with built-in values. RESULT_LIMIT, RESULT_NO_MEMORY,
// RESULT_PARAMETER for a bad or taken name.
BASE_MUST_USE enum base_result config__namespace_add(struct config *config, const char *name,
                                                     struct config_namespace **out);
BASE_MUST_USE enum base_result config__set_add(struct config_namespace *ns, const char *name,
                                               struct config_set **out);
