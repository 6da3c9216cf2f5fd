// SPDX-License-Identifier: Apache-2.0
// Registered modules live in one small sorted array: they are few, and change seldom.
#include "server/modules.h"

#include <openssl/sha.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

struct module {
    char *name;
    uint8_t *content;
    size_t size;
    char hash[MODULES_HASH_SIZE + 1];
};

struct modules {
    pthread_mutex_t lock; // guards all below
    uint32_t count;
    size_t total_size; // of all contents
    struct module item[MODULES_MAX];
};

enum base_result modules_new(struct modules **out)
{
    *out = NULL;
    struct modules *m = calloc(1, sizeof *m);
    if (m == NULL) {
        return RESULT_NO_MEMORY;
    }
    pthread_mutex_init(&m->lock, NULL);
    *out = m;
    return RESULT_OK;
}

static void module_fini(struct module *module)
{
    free(module->name);
    free(module->content);
}

void modules_free(struct modules **modules)
{
    struct modules *m = *modules;
    if (m == NULL) {
        return;
    }
    for (uint32_t i = 0; i < m->count; i++) {
        module_fini(&m->item[i]);
    }
    pthread_mutex_destroy(&m->lock);
    free(m);
    *modules = NULL;
}

static bool name_fits(struct base_slice name)
{
    if (name.size == 0 || name.size > MODULES_NAME_SIZE) {
        return false;
    }
    for (size_t i = 0; i < name.size; i++) {
        uint8_t c = name.data[i];
        if (c < ' ' || c == 0x7f || strchr(":;,=/", c) != NULL) {
            return false;
        }
    }
    return true;
}

static int name_compare(struct base_slice name, const char *other)
{
    size_t size = strlen(other);
    int order = memcmp(name.data, other, name.size < size ? name.size : size);
    return order != 0 ? order : name.size < size ? -1 : name.size > size;
}

// The place of that name, or where it would stand; true when it is there.
static bool find(const struct modules *m, struct base_slice name, uint32_t *at)
{
    uint32_t low = 0, high = m->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = name_compare(name, m->item[middle].name);
        if (order == 0) {
            *at = middle;
            return true;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    *at = low;
    return false;
}

static void hash_text(const uint8_t *content, size_t size, char *out)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t hash[SHA_DIGEST_LENGTH];
    _Static_assert(2 * SHA_DIGEST_LENGTH == MODULES_HASH_SIZE, "two digits a byte");
    SHA1(content, size, hash);
    for (size_t i = 0; i < sizeof hash; i++) {
        out[2 * i] = digits[hash[i] >> 4];
        out[2 * i + 1] = digits[hash[i] & 15];
    }
    out[MODULES_HASH_SIZE] = '\0';
}

static enum base_result module_init(struct module *module, struct base_slice name,
                                    struct base_slice content)
{
    module->name = malloc(name.size + 1);
    module->content = malloc(content.size > 0 ? content.size : 1);
    if (module->name == NULL || module->content == NULL) {
        module_fini(module);
        return RESULT_NO_MEMORY;
    }
    memcpy(module->name, name.data, name.size);
    module->name[name.size] = '\0';
    if (content.size > 0) {
        memcpy(module->content, content.data, content.size);
    }
    module->size = content.size;
    hash_text(module->content, module->size, module->hash);
    return RESULT_OK;
}

static enum base_result put_locked(struct modules *m, struct module *fresh)
{
    struct base_slice name = {(const uint8_t *)fresh->name, strlen(fresh->name)};
    uint32_t at;
    bool there = find(m, name, &at);
    size_t old_size = there ? m->item[at].size : 0;
    if ((!there && m->count == MODULES_MAX) ||
        m->total_size - old_size + fresh->size > MODULES_TOTAL_SIZE) {
        return RESULT_LIMIT;
    }
    if (there) {
        module_fini(&m->item[at]);
    } else {
        memmove(&m->item[at + 1], &m->item[at], (m->count - at) * sizeof m->item[0]);
        m->count++;
    }
    m->item[at] = *fresh;
    m->total_size = m->total_size - old_size + fresh->size;
    return RESULT_OK;
}

enum base_result modules_put(struct modules *m, struct base_slice name, struct base_slice content)
{
    if (!name_fits(name)) {
        return RESULT_PARAMETER;
    }
    if (content.size > MODULES_CONTENT_SIZE) {
        return RESULT_LIMIT;
    }
    struct module fresh;
    enum base_result result = module_init(&fresh, name, content);
    if (result != RESULT_OK) {
        return result;
    }
    pthread_mutex_lock(&m->lock);
    result = put_locked(m, &fresh);
    pthread_mutex_unlock(&m->lock);
    if (result != RESULT_OK) {
        module_fini(&fresh);
    }
    return result;
}

static enum base_result get_locked(const struct modules *m, struct base_slice name,
                                   uint8_t **content, size_t *size)
{
    uint32_t at;
    if (!find(m, name, &at)) {
        return RESULT_RECORD_NOT_FOUND;
    }
    const struct module *module = &m->item[at];
    uint8_t *copy = malloc(module->size > 0 ? module->size : 1);
    if (copy == NULL) {
        return RESULT_NO_MEMORY;
    }
    memcpy(copy, module->content, module->size);
    *content = copy;
    *size = module->size;
    return RESULT_OK;
}

enum base_result modules_get(struct modules *m, struct base_slice name, uint8_t **content,
                             size_t *size)
{
    *content = NULL;
    *size = 0;
    pthread_mutex_lock(&m->lock);
    enum base_result result = get_locked(m, name, content, size);
    pthread_mutex_unlock(&m->lock);
    return result;
}

bool modules_remove(struct modules *m, struct base_slice name)
{
    pthread_mutex_lock(&m->lock);
    uint32_t at;
    bool there = find(m, name, &at);
    if (there) {
        m->total_size -= m->item[at].size;
        module_fini(&m->item[at]);
        m->count--;
        memmove(&m->item[at], &m->item[at + 1], (m->count - at) * sizeof m->item[0]);
    }
    pthread_mutex_unlock(&m->lock);
    return there;
}

void modules_visit(struct modules *m, modules_visit_fn visit, void *context)
{
    pthread_mutex_lock(&m->lock);
    for (uint32_t i = 0; i < m->count; i++) {
        struct modules_item item = {.name = m->item[i].name};
        memcpy(item.hash, m->item[i].hash, sizeof item.hash);
        if (!visit(context, &item)) {
            break;
        }
    }
    pthread_mutex_unlock(&m->lock);
}
