// SPDX-License-Identifier: Apache-2.0
// Any bytes as messages of membership: a first byte with a length in tens of bytes, then the
// message, again and again, to one machine with time passing in between. What decodes comes back
// the same when encoded, and whatever it says the machine stays sound.
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "core/membership/membership.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void message_try(struct membership *machine, const uint8_t *data, uint32_t size,
                        uint64_t now_ms)
{
    static struct membership_message message;
    static struct membership_effects effects;
    // A copy of its own, so that a byte too far is seen.
    uint8_t *bytes = malloc(size + 1);
    memcpy(bytes, data, size);
    if (membership_message_decode(bytes, size, &message) == RESULT_OK) {
        uint8_t again[LIMIT_HEARTBEAT_SIZE];
        base_assert(membership_message_encode(&message, again) == size);
        base_assert(memcmp(again, bytes, size) == 0);
        struct membership_event event = {.type = MEMBERSHIP_RECEIVED,
                                         .now_ms = now_ms,
                                         .random = now_ms * 77,
                                         .message = &message};
        membership_step(machine, &event, &effects);
        membership_check(machine);
    }
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct membership_effects effects;
    struct membership_config config = {
        .self = {.id = 5, .incarnation = 55}, .interval_ms = 100, .timeout_ms = 1000};
    void *memory = aligned_alloc(16, (membership_size() + 15) / 16 * 16);
    struct membership *machine = membership_init(memory, &config);
    struct membership_event event = {.type = MEMBERSHIP_SEEDS_SETTLED, .now_ms = 1000, .random = 7};
    if (size > 0 && data[0] % 2 == 0) {
        event.type = MEMBERSHIP_TICK;
    }
    membership_step(machine, &event, &effects);
    for (uint32_t i = 0; size > 0 && i < 64; i++) {
        uint32_t length = data[0] * 10u;
        length = length < size - 1 ? length : (uint32_t)(size - 1);
        message_try(machine, data + 1, length, event.now_ms);
        event.type = MEMBERSHIP_TICK;
        event.now_ms += data[0];
        membership_step(machine, &event, &effects);
        membership_check(machine);
        data += 1 + length;
        size -= 1 + length;
    }
    free(memory);
    return 0;
}
