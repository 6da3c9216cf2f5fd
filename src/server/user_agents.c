// SPDX-License-Identifier: Apache-2.0
// A short table searched from its start: there are few programs, and each tells once a connection.
#include "server/user_agents.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "wire/base64.h"

struct agent {
    uint32_t connections; // 0: free
    char text[USER_AGENT_SIZE];
};

struct user_agents {
    pthread_mutex_t lock;
    struct agent agents[USER_AGENTS_MAX];
};

enum base_result user_agents_new(struct user_agents **out)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL) {
        return RESULT_NO_MEMORY;
    }
    pthread_mutex_init(&(*out)->lock, NULL);
    return RESULT_OK;
}

void user_agents_free(struct user_agents **agents)
{
    if (*agents != NULL) {
        pthread_mutex_destroy(&(*agents)->lock);
        free(*agents);
        *agents = NULL;
    }
}

static bool is_base64(struct base_slice text)
{
    uint8_t bytes[USER_AGENT_SIZE];
    size_t size;
    return wire_base64_decode((const char *)text.data, text.size, bytes, &size);
}

uint16_t user_agents_enter(struct user_agents *agents, struct base_slice text)
{
    if (text.size == 0 || text.size >= USER_AGENT_SIZE || !is_base64(text)) {
        return 0;
    }
    pthread_mutex_lock(&agents->lock);
    struct agent *found = NULL;
    for (uint32_t i = 0; i < USER_AGENTS_MAX; i++) {
        struct agent *agent = &agents->agents[i];
        if (agent->connections > 0 && strlen(agent->text) == text.size &&
            memcmp(agent->text, text.data, text.size) == 0) {
            found = agent;
            break;
        }
        if (agent->connections == 0 && found == NULL) {
            found = agent;
        }
    }
    uint16_t number = 0;
    if (found != NULL) {
        memcpy(found->text, text.data, text.size);
        found->text[text.size] = '\0';
        found->connections++;
        number = (uint16_t)(found - agents->agents + 1);
    }
    pthread_mutex_unlock(&agents->lock);
    return number;
}

void user_agents_leave(struct user_agents *agents, uint16_t number)
{
    if (number == 0) {
        return;
    }
    base_assert(number <= USER_AGENTS_MAX);
    pthread_mutex_lock(&agents->lock);
    struct agent *agent = &agents->agents[number - 1];
    base_assert(agent->connections > 0);
    agent->connections--;
    pthread_mutex_unlock(&agents->lock);
}

void user_agents_visit(struct user_agents *agents, user_agents_visit_fn visit, void *arg)
{
    pthread_mutex_lock(&agents->lock);
    for (uint32_t i = 0; i < USER_AGENTS_MAX; i++) {
        if (agents->agents[i].connections > 0) {
            visit(agents->agents[i].text, agents->agents[i].connections, arg);
        }
    }
    pthread_mutex_unlock(&agents->lock);
}
