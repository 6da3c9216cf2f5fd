// SPDX-License-Identifier: Apache-2.0
// Handlers of `info`: tables that say at a glance how a cluster is.
#pragma once

struct admin_call;

void admin_info_run(struct admin_call *call); // network and namespaces
void admin_info_network_run(struct admin_call *call);
void admin_info_namespace_run(struct admin_call *call); // both tables below
void admin_info_usage_run(struct admin_call *call);
void admin_info_object_run(struct admin_call *call);
void admin_info_set_run(struct admin_call *call);
void admin_info_sindex_run(struct admin_call *call);
void admin_info_release_run(struct admin_call *call);
void admin_info_xdr_run(struct admin_call *call);
void admin_info_transactions_run(struct admin_call *call);
