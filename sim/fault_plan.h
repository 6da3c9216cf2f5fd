// SPDX-License-Identifier: Apache-2.0
// Which fault comes next: drawn by the weights of the profile and within the budget, or read from
// a script of lines such as
//
//   # what the story is about
//   nodes 3
//   factor 2
//   at 2500 crash 1 for 4000
//   at 3000 cut-groups 0,2 held for 2500
//   at 4000 clock 2 by -3000
//   until 12000
//
// Times are milliseconds since the faults start; nodes are hosts, from 0.
#pragma once

#include "faults.h"

struct fault_plan;

struct fault_plan *fault_plan_new(struct sim *sim);
void fault_plan_free(struct fault_plan **plan);
void fault_plan_start(struct sim *sim, struct fault_plan *plan);
void fault_plan_next(struct sim *sim, struct fault_plan *plan);
bool fault_plan_is_over(const struct fault_plan *plan);
void fault_plan_lost(struct fault_plan *plan); // a process ended with what it held
void fault_plan_settled(struct fault_plan *plan);
