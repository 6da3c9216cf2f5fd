// SPDX-License-Identifier: Apache-2.0
// A reader that eats one expected character at a time: the grammar has no spaces and no choices but
// the one between a list that ends and one that goes on.
#include "client/peers.h"

#include "wire/info.h"

enum { DEFAULT_PORT = 3000 };

static void advance(struct base_slice *text, size_t count)
{
    text->data += count;
    text->size -= count;
}

static bool eat(struct base_slice *text, char c)
{
    if (text->size == 0 || text->data[0] != c) {
        return false;
    }
    advance(text, 1);
    return true;
}

// Takes bytes up to any of the characters in `stops`.
static struct base_slice take_until(struct base_slice *text, const char *stops)
{
    size_t size = 0;
    while (size < text->size && strchr(stops, text->data[size]) == NULL) {
        size++;
    }
    struct base_slice taken = {.data = text->data, .size = size};
    advance(text, size);
    return taken;
}

static bool port_take(struct base_slice *text, const char *stops, uint16_t *out)
{
    uint64_t number;
    if (!wire_info_number(take_until(text, stops), &number) || number == 0 || number > UINT16_MAX) {
        return false;
    }
    *out = (uint16_t)number;
    return true;
}

static bool host_take(struct base_slice *text, uint16_t default_port, struct client_host *out)
{
    out->port = default_port;
    if (eat(text, '[')) {
        out->host = take_until(text, "]");
        if (!eat(text, ']')) {
            return false;
        }
    } else {
        out->host = take_until(text, ":,]");
    }
    return out->host.size > 0 && (!eat(text, ':') || port_take(text, ",]", &out->port));
}

bool client_host_next(struct base_slice *list, uint16_t default_port, struct client_host *out)
{
    if (list->size == 0) {
        return false;
    }
    struct base_slice at = *list;
    if (!host_take(&at, default_port, out) || (at.size > 0 && !eat(&at, ','))) {
        return false;
    }
    *list = at;
    return true;
}

static bool peer_take(struct base_slice *text, uint16_t default_port, struct client_peer *out)
{
    *out = (struct client_peer){0};
    if (!eat(text, '[')) {
        return false;
    }
    out->name = take_until(text, ",");
    if (out->name.size == 0 || out->name.size > LIMIT_NODE_ID_SIZE || !eat(text, ',')) {
        return false;
    }
    take_until(text, ","); // the name for TLS
    if (!eat(text, ',') || !eat(text, '[')) {
        return false;
    }
    do {
        struct client_host host;
        if (!host_take(text, default_port, &host)) {
            return false;
        }
        if (out->host_count < LIMIT_CLIENT_ADDRESSES_PER_NODE) {
            out->hosts[out->host_count++] = host;
        }
    } while (eat(text, ','));
    return eat(text, ']') && eat(text, ']');
}

enum base_result client_peers_parse(struct base_slice text, uint64_t *generation, uint32_t *count,
                                    client_peer_fn fn, void *arg)
{
    *count = 0;
    uint16_t port = DEFAULT_PORT;
    if (!wire_info_number(take_until(&text, ","), generation) || !eat(&text, ',')) {
        return RESULT_MALFORMED;
    }
    if (text.size > 0 && text.data[0] != ',' && !port_take(&text, ",", &port)) {
        return RESULT_MALFORMED;
    }
    if (!eat(&text, ',') || !eat(&text, '[')) {
        return RESULT_MALFORMED;
    }
    if (eat(&text, ']')) {
        return text.size == 0 ? RESULT_OK : RESULT_MALFORMED;
    }
    do {
        struct client_peer peer;
        if (!peer_take(&text, port, &peer)) {
            return RESULT_MALFORMED;
        }
        ++*count;
        fn(&peer, arg);
    } while (eat(&text, ','));
    return eat(&text, ']') && text.size == 0 ? RESULT_OK : RESULT_MALFORMED;
}
