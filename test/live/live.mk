# SPDX-License-Identifier: Apache-2.0
# Live clusters in network namespaces of their own.
.PHONY: live chaos

live: build ## faults on a live cluster under load, with the official client and its retries off
	@scripts/live-run test

chaos: build ## random faults on a live cluster for MINUTES (10); SEED repeats the order of faults
	@scripts/live-run chaos
