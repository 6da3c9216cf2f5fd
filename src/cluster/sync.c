// SPDX-License-Identifier: Apache-2.0
// The acting master's side of a migration. A window of ranges is under way at a time, each on its
// own: FREE -> LISTING -> SENDING -> FREE; when all that is to be filled is missing at the partner,
// FREE -> SENDING -> FREE.
#include "cluster/sync.h"

#include <stdlib.h>

#include "base/digest.h"
#include "cluster/sync_outgoing.h"
#include "cluster/sync_wire.h"

enum {
    SYNC_MAGIC = 0x53594e43,
    WINDOW = 4,
    STEP_RECORDS = 64,                   // looked at while a stripe is held
    VISITS_MAX = 8 * LIMIT_SYNC_RECORDS, // for one message
    WALKS_MAX = 3,
    LIST_MESSAGE_SIZE =
        MESSAGE_HEADER_SIZE + SYNC__LIST_SIZE + LIMIT_SYNC_RECORDS * SYNC__HEAD_SIZE,
};

enum range_state {
    RANGE_FREE,
    RANGE_LISTING, // the list is out
    RANGE_SENDING, // records are out, or still to be sent
};

struct range {
    enum range_state state;
    struct sync__range rest;   // not listed and answered yet
    struct sync__range listed; // the part of it that the list is about
    bool rest_is_empty;
    uint32_t head_count;
    uint32_t next_wanted; // heads before it are dealt with
    uint8_t wanted[SYNC__WANTED_SIZE];
    struct sync__outgoing list;
    struct sync__outgoing records; // what the partner wants
    struct sync__outgoing others;  // what the partner had newer, for the other replicas
};

// The comparison of both contents when the walk is over.
struct check {
    uint32_t sequence; // of the message whose answer tells the partner's content; 0: none
    bool answered;
    bool probed;               // that message was sent for this alone
    struct store_summary ours; // when it was made
    struct store_summary theirs;
};

struct sync {
    uint32_t magic;
    uint32_t sequence; // of the message made last
    uint64_t id;
    struct cluster_sync_order order;
    struct replica *replica;
    struct node_set partner; // alone
    bool fill;
    bool failed;
    bool at_end; // of the walk
    uint32_t walk_count;
    struct store_scan walk;
    struct range range[WINDOW];
    struct check check;
    struct sync_totals totals;
};

enum base_result sync_new(const struct cluster_sync_order *order, struct replica *replica,
                          struct sync **out)
{
    struct sync *sync = calloc(1, sizeof *sync);
    *out = sync;
    if (sync == NULL) {
        return RESULT_NO_MEMORY;
    }
    sync->magic = SYNC_MAGIC;
    sync->order = *order;
    sync->replica = replica;
    sync->fill = order->fill && order->to_writes;
    sync->walk.partition = order->partition;
    sync->walk_count = 1;
    node_set_add(&sync->partner, order->peer);
    return RESULT_OK;
}

void sync_free(struct sync **out)
{
    struct sync *sync = *out;
    if (sync == NULL) {
        return;
    }
    base_magic_check(sync, SYNC_MAGIC);
    *out = NULL;
    for (uint32_t i = 0; i < WINDOW; i++) {
        sync__outgoing_fini(&sync->range[i].others);
        sync__outgoing_fini(&sync->range[i].records);
        sync__outgoing_fini(&sync->range[i].list);
    }
    sync->magic = 0;
    free(sync);
}

uint64_t sync_id(const struct sync *sync)
{
    return sync->id;
}

void sync_id_set(struct sync *sync, uint64_t id)
{
    sync->id = id;
}

void sync_totals_add(const struct sync *sync, struct sync_totals *totals)
{
    totals->records_sent += sync->totals.records_sent;
    totals->records_received += sync->totals.records_received;
    totals->records_skipped += sync->totals.records_skipped;
    totals->bytes_sent += sync->totals.bytes_sent;
    totals->resent += sync->totals.resent;
    totals->walks_repeated += sync->totals.walks_repeated;
}

static bool walk_is_over(const struct sync *sync)
{
    for (uint32_t i = 0; i < WINDOW; i++) {
        if (sync->range[i].state != RANGE_FREE) {
            return false;
        }
    }
    return sync->at_end;
}

// Completes a message whose heads or records are in place, and has it sent.
static void outgoing_start(struct sync *sync, struct sync__outgoing *outgoing, uint8_t type,
                           uint32_t size, const struct node_set *to)
{
    struct message message = {
        .type = type,
        .namespace_number = (uint8_t)sync->order.namespace_number,
        .id = sync->id,
        .key = sync->order.key,
        .partition = sync->order.partition,
    };
    outgoing->size = size;
    outgoing->sequence = ++sync->sequence;
    message_header_store(outgoing->bytes, &message, size - MESSAGE_HEADER_SIZE);
    sync__outgoing_start(outgoing, to);
}

static void records_start(struct sync *sync, struct sync__outgoing *outgoing, uint32_t size,
                          uint32_t record_count, const struct node_set *to)
{
    outgoing_start(sync, outgoing, MESSAGE_SYNC_RECORDS, size, to);
    sync__records_store(outgoing->bytes + MESSAGE_HEADER_SIZE, outgoing->sequence);
    sync->totals.records_sent += (uint64_t)record_count * node_set_count(to);
}

// Whether `range` is all that is left of the walk.
static bool range_is_last(const struct sync *sync, const struct range *range)
{
    for (uint32_t i = 0; i < WINDOW; i++) {
        if (&sync->range[i] != range && sync->range[i].state != RANGE_FREE) {
            return false;
        }
    }
    return sync->at_end;
}

// Remembers a message to the partner as the last one, so that its answer counts for the check.
static void check_start(struct sync *sync, const struct range *range, uint32_t sequence)
{
    sync->check = (struct check){.probed = sync->check.probed};
    struct place place;
    replica_place_copy(sync->replica, sync->order.partition, &place);
    if (range_is_last(sync, range) && place.in_flight == 0) {
        sync->check.sequence = sequence;
        store_partition_summary(sync->replica->store, sync->order.partition, &sync->check.ours);
    }
}

static void check_on_answer(struct sync *sync, uint32_t sequence,
                            const struct store_summary *theirs)
{
    if (sequence == sync->check.sequence) {
        sync->check.theirs = *theirs;
        sync->check.answered = true;
    }
}

// Gathers records, or their heads, of a walk into a message.
struct gatherer {
    const struct store *store;
    uint8_t *at;
    uint32_t room;
    uint32_t used;
    uint32_t count;
    uint32_t visit_count;
    uint32_t too_large; // size of a record that not even an empty message has room for
    bool full;
    const struct sync__range *range; // heads: stop behind it
    bool past_range;
};

static enum store_visit record_visit(const struct store_record *record, void *arg)
{
    struct gatherer *gatherer = arg;
    if (gatherer->count == LIMIT_SYNC_RECORDS || gatherer->visit_count == VISITS_MAX ||
        record->size > gatherer->room - gatherer->used) {
        gatherer->too_large = gatherer->count == 0 ? record->size : 0;
        gatherer->full = true;
        return STORE_VISIT_STOP;
    }
    gatherer->visit_count++;
    if (!store_record_is_truncated(gatherer->store, record)) {
        memcpy(gatherer->at + gatherer->used, record->bytes, record->size);
        gatherer->used += record->size;
        gatherer->count++;
    }
    return STORE_VISIT_KEEP;
}

static enum store_visit head_visit(const struct store_record *record, void *arg)
{
    struct gatherer *gatherer = arg;
    if (gatherer->range->until_set &&
        sync__digest_compare(record->digest, gatherer->range->until) > 0) {
        gatherer->past_range = true;
        return STORE_VISIT_STOP;
    }
    if (gatherer->count == LIMIT_SYNC_RECORDS || gatherer->visit_count == VISITS_MAX) {
        gatherer->full = true;
        return STORE_VISIT_STOP;
    }
    gatherer->visit_count++;
    if (!store_record_is_truncated(gatherer->store, record)) {
        memcpy(gatherer->at + gatherer->used, record->bytes, SYNC__HEAD_SIZE);
        gatherer->used += SYNC__HEAD_SIZE;
        gatherer->count++;
    }
    return STORE_VISIT_KEEP;
}

// The next records of the walk, straight to the partner. False: no memory now.
static bool fill_next(struct sync *sync, struct range *range)
{
    struct sync__outgoing *outgoing = &range->records;
    uint32_t size = SYNC__OUTGOING_SIZE;
    struct gatherer gatherer;
    do {
        if (!sync__outgoing_reserve(outgoing, size)) {
            return false;
        }
        gatherer = (struct gatherer){
            .store = sync->replica->store,
            .at = outgoing->bytes + SYNC__OUTGOING_RECORDS_AT,
            .room = size - SYNC__OUTGOING_RECORDS_AT,
        };
        while (!sync->at_end && !gatherer.full) {
            sync->at_end = store_scan_step(sync->replica->store, &sync->walk, STEP_RECORDS,
                                           record_visit, &gatherer);
        }
        size = SYNC__OUTGOING_RECORDS_AT + gatherer.too_large;
    } while (gatherer.too_large > 0 && gatherer.visit_count == 0);
    if (gatherer.count == 0) {
        return true;
    }
    range->state = RANGE_SENDING;
    range->rest_is_empty = true;
    range->head_count = 0;
    range->next_wanted = 0;
    records_start(sync, outgoing, SYNC__OUTGOING_RECORDS_AT + gatherer.used, gatherer.count,
                  &sync->partner);
    check_start(sync, range, outgoing->sequence);
    return true;
}

// Lists what stands in the rest of a range, as far as one message goes. False: no memory now.
static bool list_rest(struct sync *sync, struct range *range)
{
    struct sync__outgoing *outgoing = &range->list;
    if (!sync__outgoing_reserve(outgoing, LIST_MESSAGE_SIZE)) {
        return false;
    }
    uint32_t before = MESSAGE_HEADER_SIZE + SYNC__LIST_SIZE;
    struct gatherer gatherer = {
        .store = sync->replica->store,
        .at = outgoing->bytes + before,
        .range = &range->rest,
    };
    struct store_scan scan = {.partition = sync->order.partition,
                              .after_set = range->rest.after_set};
    memcpy(scan.after, range->rest.after, LIMIT_DIGEST_SIZE);
    bool at_end = false;
    while (!at_end && !gatherer.full && !gatherer.past_range) {
        at_end = store_scan_step(sync->replica->store, &scan, STEP_RECORDS, head_visit, &gatherer);
    }
    range->listed = range->rest;
    if (gatherer.full) {
        range->listed.until_set = true;
        memcpy(range->listed.until, scan.after, LIMIT_DIGEST_SIZE);
    }
    range->state = RANGE_LISTING;
    range->head_count = gatherer.count;
    outgoing_start(sync, outgoing, MESSAGE_SYNC_LIST, before + gatherer.used, &sync->partner);
    struct sync__list list = {
        .sequence = outgoing->sequence,
        .take_only = !sync->order.to_writes,
        .range = range->listed,
        .count = gatherer.count,
    };
    sync__list_store(outgoing->bytes + MESSAGE_HEADER_SIZE, &list);
    return true;
}

// The next range of the walk: from where it stands to where one list goes. False: no memory now.
static bool list_next(struct sync *sync, struct range *range)
{
    range->rest = (struct sync__range){.after_set = sync->walk.after_set};
    memcpy(range->rest.after, sync->walk.after, LIMIT_DIGEST_SIZE);
    if (!list_rest(sync, range)) {
        return false;
    }
    range->rest = range->listed;
    sync->at_end = !range->listed.until_set;
    if (!sync->at_end) {
        sync->walk.after_set = true;
        memcpy(sync->walk.after, range->listed.until, LIMIT_DIGEST_SIZE);
    }
    check_start(sync, range, range->list.sequence);
    return true;
}

// Copies our record behind head `number`, as it stands now, to the end of a message; *size moves.
// False: it does not fit; `needs` is its size.
static bool wanted_copy(struct sync *sync, struct range *range, uint32_t number, uint32_t *size,
                        uint32_t *needs)
{
    const uint8_t *head = range->list.bytes + MESSAGE_HEADER_SIZE + SYNC__LIST_SIZE +
                          (size_t)number * SYNC__HEAD_SIZE;
    struct sync__outgoing *outgoing = &range->records;
    struct store_cursor cursor;
    store_acquire(sync->replica->store, head + STORE_RECORD_DIGEST_AT, 0, &cursor);
    *needs = cursor.stored == NULL ? 0 : store_record_size(cursor.stored);
    bool fits = *needs <= outgoing->capacity - *size;
    if (fits && *needs > 0) {
        memcpy(outgoing->bytes + *size, cursor.stored, *needs);
        *size += *needs;
    }
    store_release(&cursor);
    return fits;
}

// Sends the next of the records that the partner wants. False: no memory now.
static bool wanted_send(struct sync *sync, struct range *range)
{
    struct sync__outgoing *outgoing = &range->records;
    if (!sync__outgoing_reserve(outgoing, SYNC__OUTGOING_SIZE)) {
        return false;
    }
    uint32_t size = SYNC__OUTGOING_RECORDS_AT;
    uint32_t count = 0;
    while (range->next_wanted < range->head_count) {
        if (sync__wanted_has(range->wanted, range->next_wanted)) {
            uint32_t needs;
            if (!wanted_copy(sync, range, range->next_wanted, &size, &needs)) {
                if (count > 0) {
                    break;
                }
                // Larger than a message of many: it travels alone. It may grow meanwhile.
                if (!sync__outgoing_reserve(outgoing, SYNC__OUTGOING_RECORDS_AT + needs)) {
                    return false;
                }
                continue;
            }
            count += needs > 0 ? 1 : 0;
        }
        range->next_wanted++;
    }
    if (count > 0) {
        records_start(sync, outgoing, size, count, &sync->partner);
        check_start(sync, range, outgoing->sequence);
    }
    return true;
}

// Moves a range on as far as it goes without an answer. False: no memory now.
static bool range_advance(struct sync *sync, struct range *range)
{
    if (range->state == RANGE_SENDING && sync__outgoing_is_done(&range->records)) {
        if (range->next_wanted < range->head_count && !wanted_send(sync, range)) {
            return false;
        }
        if (!sync__outgoing_is_done(&range->records) || !sync__outgoing_is_done(&range->others)) {
            return true;
        }
        if (!range->rest_is_empty) {
            bool listed = list_rest(sync, range);
            check_start(sync, range, range->list.sequence);
            return listed;
        }
        range->state = RANGE_FREE;
    }
    if (range->state == RANGE_FREE && !sync->at_end) {
        return sync->fill ? fill_next(sync, range) : list_next(sync, range);
    }
    return true;
}

// Ends a walk: true when another one is to be made.
static bool walk_repeat(struct sync *sync)
{
    if (sync->walk_count == WALKS_MAX) {
        return false;
    }
    sync->walk_count++;
    sync->totals.walks_repeated++;
    sync->fill = false;
    sync->at_end = false;
    sync->walk = (struct store_scan){.partition = sync->order.partition};
    sync->check = (struct check){0};
    return true;
}

// Asks for nothing but the partner's content. False: no memory now.
static bool probe(struct sync *sync)
{
    struct range *range = &sync->range[0];
    if (!sync__outgoing_reserve(&range->records, SYNC__OUTGOING_SIZE)) {
        return false;
    }
    range->state = RANGE_SENDING;
    range->rest_is_empty = true;
    range->head_count = 0;
    range->next_wanted = 0;
    records_start(sync, &range->records, SYNC__OUTGOING_RECORDS_AT, 0, &sync->partner);
    sync->check.probed = true;
    check_start(sync, range, range->records.sequence);
    return true;
}

static bool summaries_equal(const struct store_summary *a, const struct store_summary *b)
{
    return a->record_count == b->record_count && a->sum == b->sum;
}

// The walk is over: are both the same? That can be known only if no write came between.
static enum sync_state walk_end(struct sync *sync)
{
    if (!sync->order.to_writes) {
        return SYNC_DONE;
    }
    struct check *check = &sync->check;
    struct store_summary ours;
    store_partition_summary(sync->replica->store, sync->order.partition, &ours);
    if (check->answered && summaries_equal(&ours, &check->ours)) {
        bool equal = summaries_equal(&ours, &check->theirs);
        return equal || !walk_repeat(sync) ? SYNC_DONE : SYNC_RUNNING;
    }
    if (check->probed) {
        return SYNC_DONE;
    }
    (void)probe(sync); // without memory: tried again with the next step
    return SYNC_RUNNING;
}

// Whether we still lead this partition in this view. Replicas that left it are not waited for.
static bool place_holds(struct sync *sync)
{
    struct place place;
    replica_place_copy(sync->replica, sync->order.partition, &place);
    if (place.key != sync->order.key || place.role != PLACE_MASTER) {
        return false;
    }
    for (uint32_t i = 0; i < WINDOW; i++) {
        struct sync__outgoing *others = &sync->range[i].others;
        for (uint32_t word = 0; word < LIMIT_CLUSTER_NODES / 64; word++) {
            others->waiting.bits[word] &= place.writes.bits[word];
            others->unsent.bits[word] &= place.writes.bits[word];
        }
    }
    return true;
}

enum sync_state sync_step(struct sync *sync, uint64_t now_ms, sync_send_fn send, void *arg)
{
    base_magic_check(sync, SYNC_MAGIC);
    if (sync->failed || !place_holds(sync)) {
        sync->failed = true;
        return SYNC_FAILED;
    }
    bool memory = true;
    for (uint32_t i = 0; i < WINDOW && memory; i++) {
        memory = range_advance(sync, &sync->range[i]);
    }
    if (walk_is_over(sync)) {
        enum sync_state state = walk_end(sync);
        if (state != SYNC_RUNNING) {
            return state;
        }
        (void)range_advance(sync, &sync->range[0]); // a walk that is repeated begins at once
    }
    for (uint32_t i = 0; i < WINDOW; i++) {
        struct range *range = &sync->range[i];
        if (!sync__outgoing_send(&range->list, now_ms, send, arg, &sync->totals) ||
            !sync__outgoing_send(&range->records, now_ms, send, arg, &sync->totals) ||
            !sync__outgoing_send(&range->others, now_ms, send, arg, &sync->totals)) {
            break;
        }
    }
    return SYNC_RUNNING;
}

// The message of ours that an answer is about; NULL: none that waits for this peer. *range is whose
// it is.
static struct sync__outgoing *outgoing_find(struct sync *sync, uint32_t sequence, uint8_t from,
                                            struct range **range)
{
    for (uint32_t i = 0; i < WINDOW; i++) {
        *range = &sync->range[i];
        struct sync__outgoing *all[] = {&(*range)->list, &(*range)->records, &(*range)->others};
        for (uint32_t k = 0; k < sizeof all / sizeof *all; k++) {
            if (all[k]->sequence == sequence && node_set_has(&all[k]->waiting, from)) {
                return all[k];
            }
        }
    }
    return NULL;
}

// What the partner says it has must stand in the range that it was asked about.
static bool diff_is_in_range(const struct range *range, const struct sync__diff *diff)
{
    if (diff->partial && !sync__range_has(&range->listed, diff->through)) {
        return false;
    }
    const uint8_t *end = diff->records.data + diff->records.size;
    for (const uint8_t *at = diff->records.data; at < end; at += store_record_size(at)) {
        if (!sync__range_has(&range->listed, at + STORE_RECORD_DIGEST_AT)) {
            return false;
        }
    }
    return true;
}

// Stores what the partner has newer, and gathers it for the other replicas; *size bytes of it.
static enum base_result diff_merge(struct sync *sync, struct range *range,
                                   const struct sync__diff *diff, uint32_t now_s, uint32_t *size,
                                   uint32_t *count)
{
    struct sync__outgoing *others = &range->others;
    *count = 0;
    *size = SYNC__OUTGOING_RECORDS_AT;
    if (!sync__outgoing_reserve(others, *size + (uint32_t)diff->records.size)) {
        return RESULT_NO_MEMORY;
    }
    const uint8_t *end = diff->records.data + diff->records.size;
    for (const uint8_t *at = diff->records.data; at < end; at += store_record_size(at)) {
        enum base_result result = replica_merge(sync->replica, sync->order.key, at, now_s);
        if (result == RESULT_OK) {
            memcpy(others->bytes + *size, at, store_record_size(at));
            *size += store_record_size(at);
            *count += 1;
        } else if (result != RESULT_LOST_CONFLICT) {
            return result;
        }
    }
    return RESULT_OK;
}

// The answer counts for heads up to where it goes; the others are listed again with the rest.
static void diff_accept(struct sync *sync, struct range *range, const struct sync__diff *diff)
{
    const uint8_t *head = range->list.bytes + MESSAGE_HEADER_SIZE + SYNC__LIST_SIZE;
    uint32_t count = 0;
    while (count < range->head_count &&
           (!diff->partial ||
            sync__digest_compare(head + (size_t)count * SYNC__HEAD_SIZE + STORE_RECORD_DIGEST_AT,
                                 diff->through) <= 0)) {
        sync->totals.records_skipped += sync__wanted_has(diff->wanted, count) ? 0 : 1;
        count++;
    }
    memcpy(range->wanted, diff->wanted, sizeof range->wanted);
    range->head_count = sync->order.to_writes ? count : 0;
    range->next_wanted = 0;
    range->state = RANGE_SENDING;

    const struct sync__range *rest = &range->rest;
    bool to_the_end =
        range->listed.until_set == rest->until_set &&
        (!rest->until_set || memcmp(range->listed.until, rest->until, LIMIT_DIGEST_SIZE) == 0);
    range->rest_is_empty = !diff->partial && to_the_end;
    if (!range->rest_is_empty) {
        memcpy(range->rest.after, diff->partial ? diff->through : range->listed.until,
               LIMIT_DIGEST_SIZE);
        range->rest.after_set = true;
    }
}

static enum base_result on_diff(struct sync *sync, struct range *range,
                                const struct message *message, uint32_t now_s)
{
    struct sync__diff diff;
    if (sync__diff_parse(message->body, sync->order.partition, &diff) != RESULT_OK ||
        !diff_is_in_range(range, &diff)) {
        return RESULT_MALFORMED;
    }
    uint32_t size;
    uint32_t count;
    enum base_result result = diff_merge(sync, range, &diff, now_s, &size, &count);
    if (result != RESULT_OK) {
        return result;
    }
    sync->totals.records_received += count;
    sync__outgoing_on_answer(&range->list, sync->order.peer);
    check_on_answer(sync, diff.sequence, &diff.summary);
    diff_accept(sync, range, &diff);
    struct node_set to = sync->order.writes;
    node_set_remove(&to, sync->order.peer);
    node_set_remove(&to, PLACE_SELF);
    if (count > 0 && !node_set_is_empty(&to)) {
        records_start(sync, &range->others, size, count, &to);
    }
    return RESULT_OK;
}

static enum base_result on_stored(struct sync *sync, struct sync__outgoing *outgoing, uint8_t from,
                                  const struct message *message)
{
    struct sync__stored stored;
    enum base_result result = sync__stored_parse(message->body, &stored);
    if (result != RESULT_OK) {
        return result;
    }
    sync__outgoing_on_answer(outgoing, from);
    if (from == sync->order.peer) {
        check_on_answer(sync, stored.sequence, &stored.summary);
    }
    return RESULT_OK;
}

enum sync_state sync_on_message(struct sync *sync, uint8_t from, const struct message *message,
                                uint64_t now_ms, uint32_t now_s)
{
    base_magic_check(sync, SYNC_MAGIC);
    uint32_t sequence;
    struct range *range;
    if (sync->failed) {
        return SYNC_FAILED;
    }
    if (message->id != sync->id || message->key != sync->order.key ||
        message->partition != sync->order.partition ||
        sync__sequence_parse(message->body, &sequence) != RESULT_OK) {
        return SYNC_RUNNING;
    }
    struct sync__outgoing *outgoing = outgoing_find(sync, sequence, from, &range);
    uint8_t answer = outgoing == NULL           ? 0
                     : outgoing == &range->list ? MESSAGE_SYNC_DIFF
                                                : MESSAGE_SYNC_STORED;
    if (message->type != answer) {
        return SYNC_RUNNING;
    }
    enum base_result result = RESULT_MALFORMED;
    if (message->result != RESULT_OK) {
        sync__outgoing_on_refusal(outgoing, now_ms);
    } else if (answer == MESSAGE_SYNC_DIFF) {
        result = on_diff(sync, range, message, now_s);
    } else {
        result = on_stored(sync, outgoing, from, message);
    }
    // Bad bytes, or no memory: as if lost. A place that is another one by now ends it.
    sync->failed = result == RESULT_CLUSTER_KEY_MISMATCH;
    return sync->failed ? SYNC_FAILED : SYNC_RUNNING;
}
