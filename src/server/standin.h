// SPDX-License-Identifier: Apache-2.0
// See standin.c.
#pragma once
#include "server/connection.h"
#include "server/worker.h"
void info_answer(struct worker *worker, struct connection *c, struct base_slice body);
void info_answer_line(struct worker *worker, struct connection *c, struct base_slice line);
