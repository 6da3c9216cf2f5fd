// SPDX-License-Identifier: Apache-2.0
// Handlers of `show`: everything that nodes tell, in full.
#pragma once

struct admin_call;

void admin_show_statistics_run(struct admin_call *call); // sets, service and namespaces
void admin_show_statistics_service_run(struct admin_call *call);
void admin_show_statistics_namespace_run(struct admin_call *call);
void admin_show_statistics_sets_run(struct admin_call *call);
void admin_show_statistics_bins_run(struct admin_call *call);
void admin_show_statistics_sindex_run(struct admin_call *call);

void admin_show_config_run(struct admin_call *call); // all that follow
void admin_show_config_security_run(struct admin_call *call);
void admin_show_config_service_run(struct admin_call *call);
void admin_show_config_network_run(struct admin_call *call);
void admin_show_config_namespace_run(struct admin_call *call);

void admin_show_latencies_run(struct admin_call *call);

void admin_show_mapping_run(struct admin_call *call);
void admin_show_mapping_ip_run(struct admin_call *call);
void admin_show_mapping_node_run(struct admin_call *call);
void admin_show_pmap_run(struct admin_call *call);
void admin_show_racks_run(struct admin_call *call);
void admin_show_roster_run(struct admin_call *call);
void admin_show_best_practices_run(struct admin_call *call);

void admin_show_sindex_run(struct admin_call *call);
void admin_show_udfs_run(struct admin_call *call);
void admin_show_user_agents_run(struct admin_call *call);
