// SPDX-License-Identifier: Apache-2.0
// Over getifaddrs.
#include "io/interface.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>

static bool take(const struct ifaddrs *one, const char *name, bool v6, struct io_address *out)
{
    if (one->ifa_addr == NULL || (one->ifa_flags & IFF_UP) == 0 ||
        (name != NULL && strcmp(one->ifa_name, name) != 0)) {
        return false;
    }
    memset(out, 0, sizeof *out);
    if (one->ifa_addr->sa_family == AF_INET) {
        memcpy(&out->v4, one->ifa_addr, sizeof out->v4);
        out->v4.sin_port = 0;
    } else if (one->ifa_addr->sa_family == AF_INET6 && v6) {
        memcpy(&out->v6, one->ifa_addr, sizeof out->v6);
        out->v6.sin6_port = 0;
        if (name == NULL && IN6_IS_ADDR_LINKLOCAL(&out->v6.sin6_addr)) {
            return false;
        }
    } else {
        return false;
    }
    return name != NULL || !io_address_is_loopback(out);
}

size_t io_interface_addresses(const char *name, bool v6, struct io_address *out, size_t max)
{
    struct ifaddrs *all;
    size_t count = 0;
    if (getifaddrs(&all) != 0) {
        return 0;
    }
    for (const struct ifaddrs *one = all; one != NULL && count < max; one = one->ifa_next) {
        count += take(one, name, v6, &out[count]);
    }
    freeifaddrs(all);
    return count;
}
