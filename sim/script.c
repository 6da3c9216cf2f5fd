// SPDX-License-Identifier: Apache-2.0
#include "script.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

static _Noreturn void wrong(const char *path, uint32_t number, const char *word)
{
    fprintf(stderr, "%s:%u: not understood: %s\n", path, number, word);
    exit(2);
}

static bool kind_find(const char *word, enum fault_kind *out)
{
    for (uint32_t i = 0; i < FAULT_KINDS; i++) {
        if (strcmp(word, fault_name((enum fault_kind)i)) == 0) {
            *out = (enum fault_kind)i;
            return true;
        }
    }
    return false;
}

// Nodes: "1" or "0,2"; the first two are a and b, all of them the set.
static void nodes_read(const char *word, struct fault *fault)
{
    uint32_t count = 0;
    while (*word >= '0' && *word <= '9') {
        char *end;
        uint32_t node = (uint32_t)strtoul(word, &end, 10) % SIM_HOSTS_MAX;
        fault->set |= UINT32_C(1) << node;
        fault->a = count == 0 ? node : fault->a;
        fault->b = count == 1 ? node : fault->b;
        count++;
        word = *end == ',' ? end + 1 : end;
    }
}

// at MS KIND NODES [lost|held] [by AMOUNT] [for MS]
static void fault_read(char *words, struct script_line *line, const char *path, uint32_t number)
{
    char *word = strtok(words, " \n");
    line->at_us = strtoull(word != NULL ? word : "", NULL, 10) * SIM_MS;
    word = strtok(NULL, " \n");
    if (word == NULL || !kind_find(word, &line->fault.kind)) {
        wrong(path, number, word != NULL ? word : "a line without a fault");
    }
    line->fault.cut = CUT_DROP;
    while ((word = strtok(NULL, " \n")) != NULL) {
        if (*word >= '0' && *word <= '9') {
            nodes_read(word, &line->fault);
        } else if (strcmp(word, "held") == 0) {
            line->fault.cut = CUT_HOLD;
        } else if (strcmp(word, "by") == 0 && (word = strtok(NULL, " \n")) != NULL) {
            line->fault.amount = strtoll(word, NULL, 10);
        } else if (strcmp(word, "for") == 0 && (word = strtok(NULL, " \n")) != NULL) {
            line->fault.duration_us = strtoull(word, NULL, 10) * SIM_MS;
        } else if (word == NULL || strcmp(word, "lost") != 0) {
            wrong(path, number, word != NULL ? word : "a word that is missing");
        }
    }
}

static bool setting_read(struct script *script, const char *name, uint64_t value)
{
    if (strcmp(name, "nodes") == 0) {
        script->nodes = (uint32_t)value;
    } else if (strcmp(name, "factor") == 0) {
        script->factor = (uint32_t)value;
    } else if (strcmp(name, "keys") == 0) {
        script->keys = (uint32_t)value;
    } else if (strcmp(name, "clients") == 0) {
        script->clients = (uint32_t)value;
    } else if (strcmp(name, "seed") == 0) {
        script->seed = value;
    } else if (strcmp(name, "until") == 0) {
        script->until_us = value * SIM_MS;
    } else {
        return false;
    }
    return true;
}

struct script *script_read(const char *path)
{
    struct script *script = calloc(1, sizeof *script);
    base_assert(script != NULL);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        wrong(path, 0, "the file cannot be read");
    }
    char text[256];
    for (uint32_t number = 1; fgets(text, sizeof text, file) != NULL; number++) {
        char name[32];
        uint64_t value;
        if (text[0] == '#' || text[0] == '\n') {
            continue;
        }
        if (strncmp(text, "at ", 3) == 0 && script->count < SCRIPT_LINES_MAX) {
            fault_read(text + 3, &script->line[script->count++], path, number);
        } else if (sscanf(text, "%31s %" SCNu64, name, &value) != 2 ||
                   !setting_read(script, name, value)) {
            wrong(path, number, text);
        }
    }
    fclose(file);
    return script;
}
