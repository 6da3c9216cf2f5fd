// SPDX-License-Identifier: Apache-2.0
// Values of directives: finding the row, reading and checking the text, putting it in its place,
// and giving it back as text.
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/config_table.h"

// --- finding rows ------------------------------------------------------------------------------

static bool words_hold(const char *words, const char *word)
{
    size_t size = strlen(word);
    for (const char *at = words; at != NULL && *at != '\0';) {
        size_t length = strcspn(at, " ");
        if (length == size && memcmp(at, word, size) == 0) {
            return true;
        }
        at += length + (at[length] == ' ');
    }
    return false;
}

uint32_t config__row_find(enum config_context context, const char *name)
{
    for (uint32_t i = 0; i < config_row_count; i++) {
        const struct config_row *row = &config_rows[i];
        if (row->context == context &&
            (strcmp(row->name, name) == 0 || words_hold(row->older, name))) {
            return i;
        }
    }
    return CONFIG_ROW_NONE;
}

static bool flat_equal(const char *a, const char *b)
{
    for (; *a != '\0' && *b != '\0'; a++, b++) {
        bool a_joins = *a == '-' || *a == '_' || *a == '.';
        bool b_joins = *b == '-' || *b == '_' || *b == '.';
        if (a_joins != b_joins ||
            (!a_joins && tolower((unsigned char)*a) != tolower((unsigned char)*b))) {
            return false;
        }
    }
    return *a == *b;
}

uint32_t config__row_find_flat(const char *name)
{
    for (uint32_t i = 0; i < config_row_count; i++) {
        const struct config_row *row = &config_rows[i];
        if (row->treatment == CONFIG_OBSOLETE ||
            (row->context != CONFIG_SERVICE && row->context != CONFIG_NETWORK &&
             row->context != CONFIG_NAMESPACE)) {
            continue;
        }
        // Names that say enough without their section.
        const char *bare = strncmp(row->name, "storage-engine.", 15) == 0   ? row->name + 15
                           : strncmp(row->name, "heartbeat.mesh-", 15) == 0 ? row->name + 10
                                                                            : row->name;
        if (flat_equal(row->name, name) || flat_equal(bare, name)) {
            return i;
        }
    }
    return CONFIG_ROW_NONE;
}

// Edits that turn one word into the other, counting a swap of neighbours as one; gives up above
// `most`, and for words too long to be directives.
static uint32_t distance(const char *a, const char *b, uint32_t most)
{
    enum { WORD_MAX = 48 };
    size_t a_size = strlen(a);
    size_t b_size = strlen(b);
    if (a_size > WORD_MAX || b_size > WORD_MAX) {
        return most + 1;
    }
    uint32_t rows[3][WORD_MAX + 1];
    for (size_t j = 0; j <= b_size; j++) {
        rows[0][j] = (uint32_t)j;
    }
    for (size_t i = 1; i <= a_size; i++) {
        uint32_t *now = rows[i % 3];
        const uint32_t *before = rows[(i + 2) % 3];
        const uint32_t *long_before = rows[(i + 1) % 3];
        now[0] = (uint32_t)i;
        for (size_t j = 1; j <= b_size; j++) {
            uint32_t best = before[j - 1] + (a[i - 1] != b[j - 1]);
            best = before[j] + 1 < best ? before[j] + 1 : best;
            best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                long_before[j - 2] + 1 < best) {
                best = long_before[j - 2] + 1;
            }
            now[j] = best;
        }
    }
    return rows[a_size % 3][b_size];
}

const char *config__row_nearest(enum config_context context, const char *prefix, const char *parent,
                                const char *name)
{
    const char *nearest = NULL;
    uint32_t best = (uint32_t)strlen(name) / 3 + 2;
    size_t prefix_size = strlen(prefix);
    for (uint32_t i = 0; i < config_row_count; i++) {
        const struct config_row *row = &config_rows[i];
        if (row->context != context || strncmp(row->name, prefix, prefix_size) != 0 ||
            strchr(row->name + prefix_size, '.') != NULL || row->treatment == CONFIG_OBSOLETE) {
            continue;
        }
        uint32_t edits = distance(name, row->name + prefix_size, best);
        if (edits < best) {
            best = edits;
            nearest = row->name + prefix_size;
        }
    }
    for (uint32_t i = 0; i < config_section_count; i++) {
        if (strcmp(config_sections[i].parent, parent) == 0) {
            uint32_t edits = distance(name, config_sections[i].word, best);
            if (edits < best) {
                best = edits;
                nearest = config_sections[i].word;
            }
        }
    }
    return nearest;
}

// --- reading text ------------------------------------------------------------------------------

bool config__bool_parse(const char *text, bool *out)
{
    if (strcasecmp(text, "true") == 0 || strcasecmp(text, "yes") == 0) {
        *out = true;
        return true;
    }
    *out = false;
    return strcasecmp(text, "false") == 0 || strcasecmp(text, "no") == 0;
}

// How much one unit letter stands for; 0: no such letter.
static int64_t unit_factor(enum config_type type, char letter)
{
    static const char size_letters[] = "kmgtp";
    static const char time_letters[] = "smhd";
    static const int64_t time_factors[] = {1, 60, 3600, 86400};
    char small = (char)tolower((unsigned char)letter);
    if (type == CONFIG_SIZE) {
        const char *at = strchr(size_letters, small);
        return at == NULL ? 0 : INT64_C(1) << (10 * (at - size_letters + 1));
    }
    if (type == CONFIG_SECONDS) {
        const char *at = strchr(time_letters, small);
        return at == NULL ? 0 : time_factors[at - time_letters];
    }
    return 0;
}

bool config__number_parse(const char *text, enum config_type type, int64_t *out)
{
    *out = 0;
    if (!isdigit((unsigned char)text[text[0] == '-']) || strlen(text) > 20) {
        return false;
    }
    errno = 0;
    char *end;
    int64_t number = strtoll(text, &end, 10);
    if (errno != 0) {
        return false;
    }
    if (*end != '\0') {
        int64_t factor = unit_factor(type, *end);
        if (factor == 0 || end[1] != '\0' || __builtin_mul_overflow(number, factor, &number)) {
            return false;
        }
    }
    *out = number;
    return true;
}

bool config__choice_find(const char *choices, const char *text, int64_t *number)
{
    *number = 0;
    size_t size = strlen(text);
    for (const char *at = choices; at != NULL;) {
        size_t length = strcspn(at, "|");
        if (length == size && strncasecmp(at, text, size) == 0) {
            return true;
        }
        *number += 1;
        at = at[length] == '|' ? at + length + 1 : NULL;
    }
    return false;
}

bool config__value_is_harmless(const struct config_row *row, const char *text)
{
    int64_t number;
    return row->choices != NULL && config__choice_find(row->choices, text, &number);
}

// --- places ------------------------------------------------------------------------------------

static void *kept_at(const struct config_row *row, const struct config_place *place)
{
    return (char *)place->base + row->at;
}

static void number_store(uint32_t row_number, const struct config_place *place, int64_t number)
{
    const struct config_row *row = &config_rows[row_number];
    void *at = kept_at(row, place);
    switch (row->kept) {
    case CONFIG_KEPT_BOOL:
        atomic_store_explicit((_Atomic bool *)at, number != 0, memory_order_relaxed);
        break;
    case CONFIG_KEPT_U16:
        atomic_store_explicit((_Atomic uint16_t *)at, (uint16_t)number, memory_order_relaxed);
        break;
    case CONFIG_KEPT_U32:
    case CONFIG_KEPT_I32:
        atomic_store_explicit((_Atomic uint32_t *)at, (uint32_t)number, memory_order_relaxed);
        break;
    case CONFIG_KEPT_U64:
        atomic_store_explicit((_Atomic uint64_t *)at, (uint64_t)number, memory_order_relaxed);
        break;
    default:
        if (place->slots != NULL) {
            atomic_store_explicit(&place->slots[row_number].number, number, memory_order_relaxed);
        }
        break;
    }
}

int64_t config__value_number(uint32_t row_number, const struct config_place *place)
{
    const struct config_row *row = &config_rows[row_number];
    void *at = kept_at(row, place);
    switch (row->kept) {
    case CONFIG_KEPT_BOOL:
        return atomic_load_explicit((_Atomic bool *)at, memory_order_relaxed);
    case CONFIG_KEPT_U16:
        return atomic_load_explicit((_Atomic uint16_t *)at, memory_order_relaxed);
    case CONFIG_KEPT_U32:
        return atomic_load_explicit((_Atomic uint32_t *)at, memory_order_relaxed);
    case CONFIG_KEPT_I32:
        return (int32_t)atomic_load_explicit((_Atomic uint32_t *)at, memory_order_relaxed);
    case CONFIG_KEPT_U64:
        return (int64_t)atomic_load_explicit((_Atomic uint64_t *)at, memory_order_relaxed);
    default:
        return place->slots == NULL
                   ? 0
                   : atomic_load_explicit(&place->slots[row_number].number, memory_order_relaxed);
    }
}

static enum base_result text_store(uint32_t row_number, const struct config_place *place,
                                   const char *text, char *error)
{
    const struct config_row *row = &config_rows[row_number];
    if (strcmp(text, "null") == 0) {
        text = "";
    }
    size_t size = strlen(text);
    if (row->kept == CONFIG_KEPT_TEXT) {
        if (size >= row->size) {
            snprintf(error, CONFIG_NOTE_SIZE, "is longer than %u characters", row->size - 1);
            return RESULT_PARAMETER;
        }
        memcpy(kept_at(row, place), text, size + 1);
        return RESULT_OK;
    }
    char **slot = &place->slots[row_number].text;
    char *copy = NULL;
    if (size > 0) {
        copy = strdup(text);
        if (copy == NULL) {
            return RESULT_NO_MEMORY;
        }
    }
    free(*slot);
    *slot = copy;
    return RESULT_OK;
}

// Cuts "host port", "[host]:port", "host:port" or "host" into its two parts; false when it is none.
static bool host_read(const char *text, size_t size, char host[CONFIG_TEXT_SIZE], uint16_t *port)
{
    char item[CONFIG_TEXT_SIZE];
    while (size > 0 && text[0] == ' ') {
        text++;
        size--;
    }
    while (size > 0 && text[size - 1] == ' ') {
        size--;
    }
    memcpy(item, text, size);
    item[size] = '\0';
    char *end = strpbrk(item, " ");
    char *colon = strrchr(item, ':');
    bool bare_v6 = colon != NULL && strchr(item, ':') != colon && item[0] != '[';
    if (end == NULL && colon != NULL && !bare_v6 && (item[0] != '[' || colon[-1] == ']')) {
        end = colon;
    }
    int64_t number = CONFIG_MESH_PORT;
    if (end != NULL) {
        *end++ = '\0';
        end += strspn(end, " ");
        if (!config__number_parse(end, CONFIG_NUMBER, &number) || number < 1 ||
            number > UINT16_MAX) {
            return false;
        }
    }
    size_t bracketed = item[0] == '[' && item[strlen(item) - 1] == ']';
    size_t length = strlen(item) - 2 * bracketed;
    memcpy(host, item + bracketed, length);
    host[length] = '\0';
    *port = (uint16_t)number;
    return length > 0 && strpbrk(host, " []/;") == NULL;
}

// Adds each item of a comma-separated text. A value from a later layer (environment after file)
// replaces the list, lines of one file add to it.
static enum base_result list_store(uint32_t row_number, const struct config_place *place,
                                   const char *text, const struct config_source *source,
                                   char *error)
{
    struct config_list *list = kept_at(&config_rows[row_number], place);
    if (source->origin != place->slots[row_number].origin || source->origin != CONFIG_FROM_FILE) {
        list->count = 0;
    }
    while (*text != '\0') {
        size_t size = strcspn(text, ",");
        if (size >= CONFIG_TEXT_SIZE || list->count == CONFIG_LIST_ITEMS) {
            snprintf(error, CONFIG_NOTE_SIZE, "is too long: at most %d items of %d characters",
                     CONFIG_LIST_ITEMS, CONFIG_TEXT_SIZE - 1);
            return RESULT_PARAMETER;
        }
        char *item = list->item[list->count];
        char host[CONFIG_TEXT_SIZE];
        uint16_t port;
        if (size > 0 && config_rows[row_number].type == CONFIG_HOSTS) {
            if (!host_read(text, size, host, &port)) {
                snprintf(error, CONFIG_NOTE_SIZE,
                         "'%.*s' is not a host and a port, such as `10.0.0.2 %d`",
                         size < 64 ? (int)size : 64, text, CONFIG_MESH_PORT);
                return RESULT_PARAMETER;
            }
            if (snprintf(item, CONFIG_TEXT_SIZE, "%s %u", host, port) >= CONFIG_TEXT_SIZE) {
                snprintf(error, CONFIG_NOTE_SIZE, "has too long a host name");
                return RESULT_PARAMETER;
            }
            list->count++;
        } else if (size > 0) {
            memcpy(item, text, size);
            item[size] = '\0';
            list->count++;
        }
        text += size + (text[size] == ',');
    }
    return RESULT_OK;
}

static enum base_result number_put(uint32_t row_number, const struct config_place *place,
                                   const char *text, char *error)
{
    const struct config_row *row = &config_rows[row_number];
    static const char *const forms[] = {
        [CONFIG_NUMBER] = "a whole number",
        [CONFIG_SIZE] = "a size such as 512M or 4G",
        [CONFIG_SECONDS] = "a time such as 90, 10m, 2h or 30d",
    };
    int64_t number;
    if (!config__number_parse(text, row->type, &number)) {
        snprintf(error, CONFIG_NOTE_SIZE, "'%.64s' is not %s", text, forms[row->type]);
        return RESULT_PARAMETER;
    }
    if (number < row->min || number > row->max) {
        snprintf(error, CONFIG_NOTE_SIZE, "%.64s is out of bounds, give %lld to %lld%s%s", text,
                 (long long)row->min, (long long)row->max, row->unit == NULL ? "" : " ",
                 row->unit == NULL ? "" : row->unit);
        return RESULT_PARAMETER;
    }
    number_store(row_number, place, number);
    return RESULT_OK;
}

static enum base_result typed_put(uint32_t row_number, const struct config_place *place,
                                  const char *text, const struct config_source *source, char *error)
{
    const struct config_row *row = &config_rows[row_number];
    bool truth;
    int64_t number;
    switch (row->type) {
    case CONFIG_BOOL:
        if (!config__bool_parse(text, &truth)) {
            snprintf(error, CONFIG_NOTE_SIZE, "'%.64s' is neither true nor false", text);
            return RESULT_PARAMETER;
        }
        number_store(row_number, place, truth);
        return RESULT_OK;
    case CONFIG_CHOICE:
        if (!config__choice_find(row->choices, text, &number)) {
            snprintf(error, CONFIG_NOTE_SIZE, "'%.64s' is not one of %s", text, row->choices);
            return RESULT_PARAMETER;
        }
        number_store(row_number, place, number);
        return RESULT_OK;
    case CONFIG_TEXT:
        return text_store(row_number, place, text, error);
    case CONFIG_LIST:
    case CONFIG_HOSTS:
        return list_store(row_number, place, text, source, error);
    case CONFIG_ANY:
    case CONFIG_LEVEL:
        return RESULT_OK; // nothing is kept
    default:
        return number_put(row_number, place, text, error);
    }
}

enum base_result config__value_put(uint32_t row_number, const struct config_place *place,
                                   const char *text, const struct config_source *source,
                                   char *error)
{
    if (place->lock != NULL) {
        pthread_mutex_lock(place->lock);
    }
    enum base_result result = typed_put(row_number, place, text, source, error);
    if (result == RESULT_OK && place->slots != NULL) {
        struct config_slot *slot = &place->slots[row_number];
        slot->origin = source->origin;
        slot->line = source->line;
        snprintf(slot->source, sizeof slot->source, "%s", source->name == NULL ? "" : source->name);
    }
    if (place->lock != NULL) {
        pthread_mutex_unlock(place->lock);
    }
    return result;
}

static void choice_text(const struct config_row *row, int64_t number, char *out)
{
    const char *at = row->choices;
    for (; number > 0 && strchr(at, '|') != NULL; number--) {
        at = strchr(at, '|') + 1;
    }
    size_t size = strcspn(at, "|");
    memcpy(out, at, size);
    out[size] = '\0';
}

static void list_text(const struct config_list *list, char *out)
{
    size_t used = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < list->count; i++) {
        used += (size_t)snprintf(out + used, CONFIG_VALUE_SIZE - used, "%s%s", i > 0 ? "," : "",
                                 list->item[i]);
    }
}

void config__value_text(uint32_t row_number, const struct config_place *place, char *out)
{
    const struct config_row *row = &config_rows[row_number];
    const char *text = NULL;
    if (place->lock != NULL) {
        pthread_mutex_lock(place->lock);
    }
    switch (row->type) {
    case CONFIG_BOOL:
        text = config__value_number(row_number, place) != 0 ? "true" : "false";
        break;
    case CONFIG_CHOICE:
        choice_text(row, config__value_number(row_number, place), out);
        break;
    case CONFIG_TEXT:
        text = row->kept == CONFIG_KEPT_TEXT ? kept_at(row, place) : place->slots[row_number].text;
        break;
    case CONFIG_LIST:
    case CONFIG_HOSTS:
        list_text(kept_at(row, place), out);
        break;
    case CONFIG_ANY:
    case CONFIG_LEVEL:
        text = row->built_in;
        break;
    default:
        snprintf(out, CONFIG_VALUE_SIZE, "%lld",
                 (long long)config__value_number(row_number, place));
        break;
    }
    if (row->type == CONFIG_BOOL || row->type == CONFIG_TEXT || row->type == CONFIG_ANY ||
        row->type == CONFIG_LEVEL) {
        snprintf(out, CONFIG_VALUE_SIZE, "%s", text == NULL ? "" : text);
    }
    if (place->lock != NULL) {
        pthread_mutex_unlock(place->lock);
    }
}

// --- notes -------------------------------------------------------------------------------------

void config__note(struct config_diag *diag, bool error, const char *where, const char *format, ...)
{
    if (error) {
        diag->error_count++;
    } else {
        diag->warning_count++;
    }
    if (diag->note_count == CONFIG_NOTES) {
        return;
    }
    struct config_note *note = &diag->notes[diag->note_count++];
    note->error = error;
    size_t used = 0;
    if (where[0] != '\0') {
        used = (size_t)snprintf(note->text, sizeof note->text, "%.300s: ", where);
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(note->text + used, sizeof note->text - used, format, arguments);
    va_end(arguments);
    for (char *at = note->text; *at != '\0'; at++) {
        if (iscntrl((unsigned char)*at)) {
            *at = '?';
        }
    }
}

void config_diag_print(const struct config_diag *diag, FILE *to)
{
    for (uint32_t i = 0; i < diag->note_count; i++) {
        fprintf(to, "%s: %s\n", diag->notes[i].error ? "error" : "warning", diag->notes[i].text);
    }
    uint32_t all = diag->error_count + diag->warning_count;
    if (all > diag->note_count) {
        fprintf(to, "and %u more\n", all - diag->note_count);
    }
}

// --- giving values -----------------------------------------------------------------------------

enum base_result config__value_give(uint32_t row_number, const struct config_place *place,
                                    const char *text, const struct config_source *source,
                                    const char *where, struct config_diag *diag)
{
    const struct config_row *row = &config_rows[row_number];
    if (row->treatment == CONFIG_REFUSED && !config__value_is_harmless(row, text)) {
        config__note(diag, true, where, "%s", row->help);
        return RESULT_CONFIG;
    }
    if (row->treatment == CONFIG_OBSOLETE) {
        config__note(diag, false, where, "has no effect: %s", row->help);
        return RESULT_OK;
    }
    char error[CONFIG_NOTE_SIZE] = "";
    enum base_result result = config__value_put(row_number, place, text, source, error);
    if (result == RESULT_PARAMETER) {
        config__note(diag, true, where, "%s", error);
        return RESULT_CONFIG;
    }
    if (result == RESULT_OK && row->treatment == CONFIG_TUNING) {
        config__note(diag, false, where, "has no effect: %s", row->help);
    }
    return result;
}
