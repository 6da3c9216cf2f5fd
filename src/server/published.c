// SPDX-License-Identifier: Apache-2.0
// Names are published as they are written, interfaces as their addresses, "any" as every address of
// the machine that others could reach.
#include "server/published.h"

#include <stdio.h>

#include "io/interface.h"

enum { ADDRESSES_MAX = 64 };

struct writer {
    char *out;
    size_t used;
    char separator;
    uint16_t port;
};

static void host_write(struct writer *writer, const char *host)
{
    bool bare_v6 = strchr(host, ':') != NULL && host[0] != '[';
    int size = snprintf(writer->out + writer->used, PUBLISHED_TEXT_SIZE - writer->used,
                        bare_v6 ? "%.*s[%s]:%u" : "%.*s%s:%u", writer->used > 0 ? 1 : 0,
                        &writer->separator, host, writer->port);
    if (size > 0 && writer->used + (size_t)size < PUBLISHED_TEXT_SIZE) {
        writer->used += (size_t)size;
    } else {
        writer->out[writer->used] = '\0'; // a list beyond all reason ends here
    }
}

// Writes the addresses of one interface, or of all; false when there are none.
static bool interface_write(struct writer *writer, const char *name, bool v6)
{
    struct io_address addresses[ADDRESSES_MAX];
    size_t count = io_interface_addresses(name, v6, addresses, ADDRESSES_MAX);
    for (size_t i = 0; i < count; i++) {
        char text[IO_ADDRESS_TEXT_SIZE];
        io_address_text(&addresses[i], text);
        char *colon = strrchr(text, ':'); // the port, which is not the one to publish
        *colon = '\0';
        host_write(writer, text);
    }
    return count > 0;
}

void published_addresses(const struct node *node, bool alternate, char separator,
                         char out[PUBLISHED_TEXT_SIZE])
{
    const struct config_network *network = &node->config->network;
    bool v6 = node->config->service.advertise_ipv6;
    uint16_t port = alternate ? network->alternate_access_port : network->access_port;
    struct writer writer = {
        .out = out, .separator = separator, .port = port == 0 ? network->service_port : port};
    const struct config_list *list = alternate ? &network->alternate_access_address
                                     : network->access_address.count > 0
                                         ? &network->access_address
                                         : &network->service_address;
    out[0] = '\0';
    for (uint32_t i = 0; i < list->count; i++) {
        const char *item = list->item[i];
        if (strcmp(item, "any") == 0) {
            if (!interface_write(&writer, NULL, v6)) {
                host_write(&writer, "127.0.0.1");
            }
        } else if (strcmp(item, "local") == 0) {
            host_write(&writer, "127.0.0.1");
        } else if (!interface_write(&writer, item, v6)) {
            host_write(&writer, item);
        }
    }
}
