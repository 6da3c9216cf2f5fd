# SPDX-License-Identifier: Apache-2.0
# The end-to-end tests: ours, and the official client's own suite.
.PHONY: e2e e2e-official

e2e: build ## run our end-to-end tests with the official client
	@scripts/e2e-run

e2e-official: build ## run the official client's own test suite against a throwaway node (NODES=3: a cluster)
	@scripts/e2e-official $(if $(NODES),--nodes $(NODES))
