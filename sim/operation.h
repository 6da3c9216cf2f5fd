// SPDX-License-Identifier: Apache-2.0
// Operations under way at a process: drives the replication machine through its effects as the
// daemon's service threads do. An operation comes from a client, from a peer that is not the
// master (proxy), or is a record that a former master hands to us (merge).
#pragma once

#include "process.h"

enum operation_kind {
    OPERATION_READ,
    OPERATION_WRITE, // of a value that nobody else writes
    OPERATION_DELETE,
    OPERATION_INCREMENT, // of what is there
    OPERATION_MERGE,
};

// What a client wants; travels as it is to the master.
struct request {
    uint64_t number; // unique in the run
    uint64_t started_us;
    uint64_t deadline_us;
    uint32_t namespace_number;
    uint32_t key;
    uint32_t padding; // bytes, so that records differ in size
    uint8_t kind;
    uint8_t commit_master;
    uint16_t client;
};

struct operation_answer {
    uint64_t number;
    uint32_t result;
    uint32_t version; // read: seen; else: made, 0 none
};

// A client's request arrives; it is answered by clients_answered.
void operations_begin(struct process *process, const struct request *request);

void operations_on_proxy(struct process *process, uint8_t peer, const struct message *message);
void operations_on_merge(struct process *process, uint8_t peer, const struct message *message);
void operations_on_answer(struct process *process, uint8_t peer, const struct message *message);
void operations_places_changed(struct process *process, uint32_t namespace_number);
void operations_timer(struct process *process);

// The process ends: its clients hear that their connections broke.
void operations_abandon(struct process *process);
