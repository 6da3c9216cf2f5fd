// SPDX-License-Identifier: Apache-2.0
// `summary`: a whole cluster and its namespaces on one screen.
#pragma once

struct admin_call;

void admin_summary_run(struct admin_call *call);
