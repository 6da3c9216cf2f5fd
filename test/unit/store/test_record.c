// SPDX-License-Identifier: Apache-2.0
// The record format: what goes in comes out, and foreign bytes are refused unless they are whole.
#include "store_test.h"

#include <xxhash.h>

enum { BINS_MAX = 300, VALUE_SIZE_MAX = 70000 };

static const uint8_t digest[LIMIT_DIGEST_SIZE] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
                                                  11, 12, 13, 14, 15, 16, 17, 18, 19, 20};

// A draft with its own memory.
struct sample {
    struct store_draft draft;
    struct store_bin bins[BINS_MAX];
    uint8_t key[200];
    uint8_t value[VALUE_SIZE_MAX];
};

static const char set_name_longest[] =
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde";

static struct sample *sample_new(const char *set_name, uint32_t key_size, uint32_t bin_count,
                                 uint32_t value_size)
{
    struct sample *sample = calloc(1, sizeof *sample);
    assert_non_null(sample);
    uint64_t random = 1;
    for (size_t i = 0; i < sizeof sample->value; i++) {
        sample->value[i] = (uint8_t)test_random(&random);
    }
    memset(sample->key, 3, sizeof sample->key);
    for (uint32_t i = 0; i < bin_count; i++) {
        sample->bins[i] = (struct store_bin){
            .name = sample->value + i,
            .name_size = (uint8_t)(1 + i % LIMIT_BIN_NAME_SIZE),
            .type = (uint8_t)i,
            .value = value_size == 0 ? NULL : sample->value + i,
            .value_size = value_size,
        };
    }
    sample->draft = (struct store_draft){
        .digest = digest,
        .last_update_ms = 0x2b2c3d4e5f6,
        .life = 41,
        .void_time_s = bin_count == 0 ? 0 : 0xfedcba98,
        .generation = 0x8001,
        .bin_count = (uint16_t)bin_count,
        .tombstone = bin_count == 0,
        .set_name = test_slice(set_name),
        .key = {sample->key, key_size},
        .bins = sample->bins,
    };
    return sample;
}

static uint8_t *encode(const struct sample *sample, size_t *size)
{
    *size = store_draft_size(&sample->draft);
    uint8_t *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    bytes[*size] = 0xcc;
    store_record_encode(&sample->draft, bytes);
    assert_int_equal(bytes[*size], 0xcc);
    return bytes;
}

static void assert_same(const struct sample *sample, const uint8_t *bytes, size_t size)
{
    const struct store_draft *draft = &sample->draft;
    struct store_record record;
    store_record_decode(bytes, &record);
    assert_ptr_equal(record.bytes, bytes);
    assert_int_equal(record.size, size);
    assert_int_equal(store_record_size(bytes), size);
    assert_memory_equal(record.digest, digest, sizeof digest);
    assert_int_equal(record.last_update_ms, draft->last_update_ms);
    assert_int_equal(record.void_time_s, draft->void_time_s);
    assert_int_equal(record.generation, draft->generation);
    assert_int_equal(store_record_last_update_ms(bytes), draft->last_update_ms);
    assert_int_equal(store_record_life(bytes), draft->life);
    assert_int_equal(record.bin_count, draft->bin_count);
    assert_int_equal(record.tombstone, draft->tombstone);
    assert_int_equal(store_record_is_tombstone(bytes), draft->tombstone);
    assert_int_equal(store_record_checksum(bytes), base_le32_load(bytes));
    assert_true(base_slice_equal(record.set_name, draft->set_name));
    assert_true(base_slice_equal(record.key, draft->key));
    const uint8_t *at = record.bins;
    for (uint32_t i = 0; i < record.bin_count; i++) {
        struct store_bin bin;
        store_bin_next(&at, &bin);
        assert_int_equal(bin.name_size, draft->bins[i].name_size);
        assert_memory_equal(bin.name, draft->bins[i].name, bin.name_size);
        assert_int_equal(bin.type, draft->bins[i].type);
        assert_true(
            base_slice_equal((struct base_slice){bin.value, bin.value_size},
                             (struct base_slice){draft->bins[i].value, draft->bins[i].value_size}));
    }
    assert_ptr_equal(at, bytes + size);
}

static void a_record_comes_out_as_it_went_in(void **state)
{
    (void)state;
    static const char *const set_names[] = {NULL, "s", set_name_longest};
    static const uint32_t key_sizes[] = {0, 1, 9, 127, 128, 200};
    static const uint32_t bin_counts[] = {0, 1, 2, 127, 128, BINS_MAX};
    static const uint32_t value_sizes[] = {0, 1, 127, 128, 16383, 16384, VALUE_SIZE_MAX - BINS_MAX};
    for (size_t i = 0; i < 3 * 6 * 6 * 7; i++) {
        struct sample *sample = sample_new(set_names[i % 3], key_sizes[i / 3 % 6],
                                           bin_counts[i / 18 % 6], value_sizes[i / 108]);
        if (store_draft_size(&sample->draft) <= 1 << 20) {
            size_t size;
            uint8_t *bytes = encode(sample, &size);
            assert_int_equal(store_record_check(bytes, size), RESULT_OK);
            assert_same(sample, bytes, size);
            free(bytes);
        }
        free(sample);
    }
}

static void the_biggest_value_and_the_most_bins_fit(void **state)
{
    (void)state;
    uint32_t value_size = 8 * 1024 * 1024 - STORE_RECORD_HEADER_SIZE - 9;
    uint8_t *value = calloc(1, value_size);
    struct store_bin *bins = calloc(LIMIT_BINS_PER_RECORD, sizeof *bins);
    uint8_t *bytes = malloc(LIMIT_RECORD_SIZE_MAX);
    assert_true(value != NULL && bins != NULL && bytes != NULL);
    for (uint32_t i = 0; i < LIMIT_BINS_PER_RECORD; i++) {
        bins[i] = (struct store_bin){.name = digest, .name_size = 1, .type = 1};
    }
    struct store_draft draft = {
        .digest = digest, .last_update_ms = 1, .bin_count = LIMIT_BINS_PER_RECORD, .bins = bins};
    size_t size = store_draft_size(&draft);
    store_record_encode(&draft, bytes);
    assert_int_equal(store_record_check(bytes, size), RESULT_OK);

    bins[0].value = value;
    bins[0].value_size = value_size;
    draft.bin_count = 1;
    size = store_draft_size(&draft);
    assert_int_equal(size, LIMIT_RECORD_SIZE_MAX);
    store_record_encode(&draft, bytes);
    assert_int_equal(store_record_check(bytes, size), RESULT_OK);
    free(bytes);
    free(bins);
    free(value);
}

static void a_small_record_keeps_to_its_heap_size_class(void **state)
{
    (void)state;
    struct sample *sample = sample_new("testset", 0, 1, 100);
    assert_int_equal(store_draft_size(&sample->draft), 153);
    free(sample);
}

static void every_corrupted_byte_is_refused(void **state)
{
    (void)state;
    struct sample *sample = sample_new("testset", 9, 3, 40);
    size_t size;
    uint8_t *bytes = encode(sample, &size);
    for (size_t i = 0; i < size; i++) {
        for (uint32_t change = 1; change < 256; change++) {
            bytes[i] ^= (uint8_t)change;
            assert_int_equal(store_record_check(bytes, size), RESULT_MALFORMED);
            bytes[i] ^= (uint8_t)change;
        }
    }
    assert_int_equal(store_record_check(bytes, size), RESULT_OK);
    free(bytes);
    free(sample);
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    struct sample *sample = sample_new("testset", 9, 3, 40);
    size_t size;
    uint8_t *bytes = encode(sample, &size);
    assert_int_equal(store_record_check(bytes, size + 1), RESULT_MALFORMED);
    for (size_t cut = 0; cut < size; cut++) {
        // A block of just that size, so that a sanitizer sees each read behind it.
        uint8_t *part = malloc(cut == 0 ? 1 : cut);
        assert_non_null(part);
        memcpy(part, bytes, cut);
        assert_int_equal(store_record_check(part, cut), RESULT_MALFORMED);
        free(part);
    }
    free(bytes);
    free(sample);
}

// Gives bytes the size and checksum of a good record, so that only their structure can be wrong.
static void make_plausible(uint8_t *bytes, size_t size)
{
    base_le32_store(bytes + STORE_RECORD_SIZE_AT,
                    (uint32_t)size | (uint32_t)bytes[STORE_RECORD_SIZE_AT + 3] << 24);
    base_le32_store(bytes, (uint32_t)XXH3_64bits(bytes + 4, size - 4));
}

static void lengths_that_lie_under_a_good_checksum_are_refused(void **state)
{
    (void)state;
    struct sample *sample = sample_new("s", 2, 2, 3);
    size_t size;
    uint8_t *bytes = encode(sample, &size);
    make_plausible(bytes, size);
    assert_int_equal(store_record_check(bytes, size), RESULT_OK);
    // Version and flags, set name size, key size, bin count, first bin's name and value size.
    static const size_t places[] = {7, 40, 42, 45, 46, 49};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        uint8_t good = bytes[places[i]];
        for (uint32_t change = 1; change < 256; change++) {
            bytes[places[i]] = (uint8_t)(good ^ change);
            make_plausible(bytes, size);
            assert_int_equal(store_record_check(bytes, size), RESULT_MALFORMED);
        }
        bytes[places[i]] = good;
    }
    free(bytes);
    free(sample);
}

static void a_number_longer_than_it_needs_is_refused(void **state)
{
    (void)state;
    struct sample *sample = sample_new(NULL, 0, 0, 0);
    size_t size;
    uint8_t *bytes = encode(sample, &size);
    uint8_t longer[64];
    memcpy(longer, bytes, size);
    longer[size - 1] = 0x80;
    for (size_t extra = 1; extra < 6; extra++) {
        longer[size - 1 + extra] = 0;
        make_plausible(longer, size + extra);
        assert_int_equal(store_record_check(longer, size + extra), RESULT_MALFORMED);
        longer[size - 1 + extra] = 0x80;
    }
    free(bytes);
    free(sample);
}

static void a_stored_key_without_bytes_is_refused(void **state)
{
    (void)state;
    struct sample *sample = sample_new(NULL, 0, 0, 0);
    size_t size;
    uint8_t *bytes = encode(sample, &size);
    uint8_t with_key[64] = {0};
    memcpy(with_key, bytes, size); // no set, no bins; one more byte is the key's size
    with_key[STORE_RECORD_SIZE_AT + 3] |= STORE_RECORD_FLAG_KEY;
    make_plausible(with_key, size + 1);
    assert_int_equal(store_record_check(with_key, size + 1), RESULT_MALFORMED);
    free(bytes);
    free(sample);
}

static void only_tombstones_are_without_bins_and_they_never_expire(void **state)
{
    (void)state;
    struct sample *sample = sample_new("s", 2, 0, 0);
    size_t size;
    uint8_t *bytes = encode(sample, &size);
    assert_int_equal(store_record_check(bytes, size), RESULT_OK);
    bytes[STORE_RECORD_VOID_TIME_AT] = 1;
    make_plausible(bytes, size);
    assert_int_equal(store_record_check(bytes, size), RESULT_MALFORMED);
    bytes[STORE_RECORD_VOID_TIME_AT] = 0;
    bytes[STORE_RECORD_SIZE_AT + 3] &= (uint8_t)~STORE_RECORD_FLAG_TOMBSTONE;
    make_plausible(bytes, size);
    assert_int_equal(store_record_check(bytes, size), RESULT_MALFORMED);
    free(bytes);
    free(sample);

    sample = sample_new("s", 2, 1, 1);
    sample->draft.void_time_s = 0;
    bytes = encode(sample, &size);
    bytes[STORE_RECORD_SIZE_AT + 3] |= STORE_RECORD_FLAG_TOMBSTONE;
    make_plausible(bytes, size);
    assert_int_equal(store_record_check(bytes, size), RESULT_MALFORMED);
    free(bytes);
    free(sample);
}

static void more_bins_than_the_limit_are_refused(void **state)
{
    (void)state;
    enum { BIN_SIZE = 4, COUNT = LIMIT_BINS_PER_RECORD + 1 };
    static const uint8_t count_bytes[3] = {0x80, 0x80, 0x02}; // 32768
    size_t size = STORE_RECORD_HEADER_SIZE + 1 + sizeof count_bytes + (size_t)COUNT * BIN_SIZE;
    uint8_t *bytes = calloc(1, size);
    assert_non_null(bytes);
    bytes[STORE_RECORD_SIZE_AT + 3] = STORE_RECORD_VERSION;
    uint8_t *at = bytes + STORE_RECORD_HEADER_SIZE + 1;
    memcpy(at, count_bytes, sizeof count_bytes);
    at += sizeof count_bytes;
    for (uint32_t i = 0; i < COUNT; i++) {
        memcpy(at + (size_t)i * BIN_SIZE, "\x01x\x01\x00", BIN_SIZE);
    }
    make_plausible(bytes, size);
    assert_int_equal(store_record_check(bytes, size), RESULT_MALFORMED);
    free(bytes);
}

static void whatever_passes_the_check_can_be_taken_apart(void **state)
{
    (void)state;
    uint64_t random = 5;
    uint32_t passed = 0;
    struct sample *sample = sample_new("s", 2, 5, 3);
    size_t size;
    uint8_t *good = encode(sample, &size);
    for (uint32_t round = 0; round < 20000; round++) {
        uint8_t *bytes = malloc(size);
        assert_non_null(bytes);
        memcpy(bytes, good, size);
        for (uint64_t changes = 1 + test_random(&random) % 3; changes > 0; changes--) {
            size_t at =
                STORE_RECORD_HEADER_SIZE + test_random(&random) % (size - STORE_RECORD_HEADER_SIZE);
            bytes[at] = (uint8_t)(test_random(&random) % 20);
        }
        make_plausible(bytes, size);
        if (store_record_check(bytes, size) == RESULT_OK) {
            passed++;
            struct store_record record;
            store_record_decode(bytes, &record);
            const uint8_t *at = record.bins;
            for (uint32_t i = 0; i < record.bin_count; i++) {
                struct store_bin bin;
                store_bin_next(&at, &bin);
            }
            assert_ptr_equal(at, bytes + size);
        }
        free(bytes);
    }
    assert_true(passed > 100);
    free(good);
    free(sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_comes_out_as_it_went_in),
        cmocka_unit_test(the_biggest_value_and_the_most_bins_fit),
        cmocka_unit_test(a_small_record_keeps_to_its_heap_size_class),
        cmocka_unit_test(every_corrupted_byte_is_refused),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(lengths_that_lie_under_a_good_checksum_are_refused),
        cmocka_unit_test(a_number_longer_than_it_needs_is_refused),
        cmocka_unit_test(a_stored_key_without_bytes_is_refused),
        cmocka_unit_test(only_tombstones_are_without_bins_and_they_never_expire),
        cmocka_unit_test(more_bins_than_the_limit_are_refused),
        cmocka_unit_test(whatever_passes_the_check_can_be_taken_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
