# SPDX-License-Identifier: Apache-2.0
# A thin face on CMake and Ninja; `make help` lists what there is.
CC_DEFAULT := $(if $(filter default,$(origin CC)),gcc,$(CC))
BUILD ?= build

.PHONY: help setup build clean

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: ## install missing Debian packages
	@scripts/setup

build: setup ## build everything into build/
	@cmake -S . -B $(BUILD) -G Ninja -DCMAKE_C_COMPILER=$(CC_DEFAULT) >$(BUILD).log 2>&1 || (cat $(BUILD).log; rm -f $(BUILD).log; exit 1)
	@rm -f $(BUILD).log
	@ninja -C $(BUILD)

clean: ## remove what was built
	rm -rf build build-*

-include test/e2e/*.mk
