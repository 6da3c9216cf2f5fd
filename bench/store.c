// SPDX-License-Identifier: Apache-2.0
// What a record costs in the store, without sockets: bytes of resident memory, and nanoseconds for
// a put, a get and an overwrite on one thread. Usage: bench_store [records] [value size].
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/digest.h"
#include "store/store.h"

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static uint64_t resident_bytes(void)
{
    unsigned long total = 0;
    unsigned long resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%lu %lu", &total, &resident) != 2) {
        resident = 0;
    }
    if (file != NULL) {
        fclose(file);
    }
    return resident * 4096;
}

static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

// Digests are made from a number, so that they need no memory of their own.
static void digest_of(uint64_t number, struct base_digest *out)
{
    base_le64_store(out->bytes, mix(number * 3 + 1));
    base_le64_store(out->bytes + 8, mix(number * 3 + 2));
    base_le32_store(out->bytes + 16, (uint32_t)mix(number * 3 + 3));
}

static void put(struct store *store, uint64_t number, uint32_t value_size, uint16_t generation)
{
    static const uint8_t value[1 << 20];
    struct base_digest digest;
    digest_of(number, &digest);
    struct store_bin bin = {.name = (const uint8_t *)"b",
                            .name_size = 1,
                            .value = value,
                            .value_size = value_size,
                            .type = 3};
    struct store_draft draft = {.digest = digest.bytes,
                                .last_update_ms = number + 1,
                                .generation = generation,
                                .bin_count = 1,
                                .set_name = {(const uint8_t *)"testset", 7},
                                .bins = &bin};
    struct store_cursor cursor;
    store_acquire(store, digest.bytes, 1, &cursor);
    if (store_put(&cursor, &draft) != RESULT_OK) {
        fprintf(stderr, "out of memory\n");
        exit(1);
    }
    store_release(&cursor);
}

static uint32_t get(struct store *store, uint64_t number)
{
    struct base_digest digest;
    digest_of(number, &digest);
    struct store_cursor cursor;
    store_acquire(store, digest.bytes, 1, &cursor);
    uint32_t sum = 0;
    if (cursor.record != NULL) {
        struct store_record record;
        store_record_decode(cursor.record, &record);
        const uint8_t *at = record.bins;
        struct store_bin bin;
        store_bin_next(&at, &bin);
        sum = bin.value_size + bin.value[bin.value_size - 1]; // the value is all zeros
    }
    store_release(&cursor);
    return sum;
}

static void report(const char *what, uint64_t start_ns, uint64_t count)
{
    printf("%-24s %6.1f ns\n", what, (double)(now_ns() - start_ns) / (double)count);
}

int main(int argc, char **argv)
{
    uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    uint32_t value_size = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 100;
    if (count == 0 || value_size == 0 || value_size > 1 << 20) {
        fprintf(stderr, "usage: bench_store [records] [value size]\n");
        return 1;
    }
    uint64_t before = resident_bytes();
    struct store *store;
    if (store_new(&store) != RESULT_OK) {
        return 1;
    }
    uint64_t empty = resident_bytes();
    uint64_t start_ns = now_ns();
    for (uint64_t i = 0; i < count; i++) {
        put(store, i, value_size, 1);
    }
    report("put, new record", start_ns, count);
    uint64_t full = resident_bytes();

    uint64_t found = 0;
    start_ns = now_ns();
    for (uint64_t i = 0; i < count; i++) {
        found += get(store, mix(i) % count) == value_size;
    }
    report("get, random", start_ns, count);
    start_ns = now_ns();
    for (uint64_t i = 0; i < count; i++) {
        found += get(store, count + i);
    }
    report("get, absent", start_ns, count);
    start_ns = now_ns();
    for (uint64_t i = 0; i < count; i++) {
        put(store, mix(i) % count, value_size, 2);
    }
    report("put, overwrite, random", start_ns, count);

    struct store_stats stats;
    store_stats_sum(store, &stats);
    printf("%-24s %6.1f bytes a record (empty store: %llu KB)\n", "resident",
           (double)(full - empty) / (double)count, (unsigned long long)(empty - before) / 1024);
    printf("%-24s %6.1f bytes a record\n", "encoded",
           (double)stats.data_used_bytes / (double)count);
    printf("%-24s %6.1f bytes a record\n", "index", (double)stats.index_used_bytes / (double)count);
    store_free(&store);
    return found == count ? 0 : 1;
}
