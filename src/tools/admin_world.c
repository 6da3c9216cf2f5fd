// SPDX-License-Identifier: Apache-2.0
// The world outside: the network through the client library, names of addresses from the name
// service. That may take long, so each name has a thread of its own, which is left behind when it
// takes longer than people wait.
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include "tools/admin_cluster.h"

enum { NAME_WAIT_MS = 500, NS_PER_MS = 1000 * 1000, MS_PER_S = 1000 };

// Shared by the threads that look up names and the one that waits for them; the last one frees it.
struct naming {
    pthread_mutex_t lock;
    pthread_cond_t done;
    size_t waiting; // lookups under way
    size_t holders;
    size_t count;
    struct lookup {
        struct naming *naming;
        char ip[ADMIN_HOST_SIZE];
        char name[ADMIN_HOST_SIZE];
    } lookups[];
};

static void naming_release(struct naming *naming)
{
    bool last = --naming->holders == 0;
    pthread_mutex_unlock(&naming->lock);
    if (last) {
        pthread_cond_destroy(&naming->done);
        pthread_mutex_destroy(&naming->lock);
        free(naming);
    }
}

// Reads a literal IP address; false for anything else.
static bool address_read(const char *ip, struct sockaddr_storage *out, socklen_t *size)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET, ip, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        *size = sizeof *v4;
        return true;
    }
    if (inet_pton(AF_INET6, ip, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        *size = sizeof *v6;
        return true;
    }
    return false;
}

static void *name_look_up(void *arg)
{
    struct lookup *lookup = arg;
    struct naming *naming = lookup->naming;
    struct sockaddr_storage address;
    socklen_t size;
    char name[ADMIN_HOST_SIZE] = "";
    if (!address_read(lookup->ip, &address, &size) ||
        getnameinfo((struct sockaddr *)&address, size, name, sizeof name, NULL, 0, NI_NAMEREQD) !=
            0) {
        name[0] = '\0';
    }
    pthread_mutex_lock(&naming->lock);
    memcpy(lookup->name, name, sizeof name);
    if (--naming->waiting == 0) {
        pthread_cond_signal(&naming->done);
    }
    naming_release(naming);
    return NULL;
}

static void lookups_start(struct naming *naming)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_mutex_lock(&naming->lock);
    for (size_t i = 0; i < naming->count; i++) {
        pthread_t thread;
        if (pthread_create(&thread, &attributes, name_look_up, &naming->lookups[i]) == 0) {
            naming->waiting++;
            naming->holders++;
        }
    }
    pthread_mutex_unlock(&naming->lock);
    pthread_attr_destroy(&attributes);
}

static void real_name(const char *const *ips, size_t count, char (*names)[ADMIN_HOST_SIZE],
                      void *arg)
{
    (void)arg;
    struct naming *naming = calloc(1, sizeof *naming + count * sizeof naming->lookups[0]);
    if (naming == NULL) {
        return;
    }
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&naming->lock, NULL);
    pthread_cond_init(&naming->done, &monotonic);
    pthread_condattr_destroy(&monotonic);
    naming->holders = 1;
    naming->count = count;
    for (size_t i = 0; i < count; i++) {
        naming->lookups[i].naming = naming;
        strncpy(naming->lookups[i].ip, ips[i], ADMIN_HOST_SIZE - 1);
    }
    lookups_start(naming);
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += NAME_WAIT_MS * NS_PER_MS;
    until.tv_sec += until.tv_nsec / (MS_PER_S * NS_PER_MS);
    until.tv_nsec %= MS_PER_S * NS_PER_MS;
    pthread_mutex_lock(&naming->lock);
    int waited = 0;
    while (naming->waiting > 0 && waited == 0) {
        waited = pthread_cond_timedwait(&naming->done, &naming->lock, &until);
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(names[i], naming->lookups[i].name, ADMIN_HOST_SIZE);
    }
    naming_release(naming);
}

static bool real_is_here(const char *ip, void *arg)
{
    (void)arg;
    struct sockaddr_storage address;
    socklen_t size;
    struct ifaddrs *all;
    if (!address_read(ip, &address, &size)) {
        return false;
    }
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address;
    if (v4->sin_family == AF_INET && ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET) {
        return true;
    }
    bool found = false;
    if (getifaddrs(&all) != 0) {
        return false;
    }
    for (const struct ifaddrs *one = all; one != NULL && !found; one = one->ifa_next) {
        if (one->ifa_addr == NULL || one->ifa_addr->sa_family != address.ss_family) {
            continue;
        }
        const struct sockaddr_in *own4 = (const struct sockaddr_in *)one->ifa_addr;
        const struct sockaddr_in6 *own6 = (const struct sockaddr_in6 *)one->ifa_addr;
        found = address.ss_family == AF_INET
                    ? own4->sin_addr.s_addr == v4->sin_addr.s_addr
                    : memcmp(&own6->sin6_addr, &v6->sin6_addr, sizeof v6->sin6_addr) == 0;
    }
    freeifaddrs(all);
    return found;
}

static void real_ask(struct ballast_info_target *targets, size_t count, const char *request,
                     uint32_t timeout_ms, void *arg)
{
    (void)arg;
    ballast_info_hosts(targets, count, request, timeout_ms);
}

static time_t real_now(void *arg)
{
    (void)arg;
    return time(NULL);
}

void admin_world_real(struct admin_world *out)
{
    *out = (struct admin_world){
        .ask = real_ask, .name = real_name, .is_here = real_is_here, .now = real_now};
}
