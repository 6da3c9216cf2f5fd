// SPDX-License-Identifier: Apache-2.0
// Handlers of `manage` and `asinfo`: what changes a cluster. They need `enable`.
#pragma once

struct admin_call;

void admin_asinfo_run(struct admin_call *call);

void admin_manage_config_service_run(struct admin_call *call);
void admin_manage_config_network_run(struct admin_call *call);
void admin_manage_config_namespace_run(struct admin_call *call);
void admin_manage_config_security_run(struct admin_call *call);
void admin_manage_config_logging_run(struct admin_call *call);
void admin_manage_recluster_run(struct admin_call *call);
void admin_manage_quiesce_run(struct admin_call *call);
void admin_manage_truncate_run(struct admin_call *call);
void admin_manage_udfs_add_run(struct admin_call *call);
void admin_manage_udfs_remove_run(struct admin_call *call);
void admin_manage_sindex_create_run(struct admin_call *call);
void admin_manage_sindex_delete_run(struct admin_call *call);
void admin_manage_jobs_kill_trids_run(struct admin_call *call);
void admin_manage_jobs_kill_all_run(struct admin_call *call);
void admin_manage_strong_run(struct admin_call *call); // revive, roster: not there
void admin_manage_users_run(struct admin_call *call);  // acl: not there
