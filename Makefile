# SPDX-License-Identifier: Apache-2.0
# A thin face on CMake, Ninja and scripts/; `make help` lists what there is.
COMPILER := $(if $(filter default,$(origin CC)),gcc,$(CC))
BUILD ?= build
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
export BUILD COMPILER FUZZ_SECONDS

.DEFAULT_GOAL := help
.PHONY: help setup build run check test asan tsan fuzz bench bench-cluster sim sim-many install format clean

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

setup: ## install the Debian packages that are missing; nothing when all are there
	@scripts/setup build

build: setup ## build everything into build/
	@scripts/build $(BUILD) -DCMAKE_C_COMPILER=$(COMPILER)

run: build ## build, then run a node in the foreground on port 3000, or NODES=n (ARGS="..." goes to ballastd)
	@scripts/run $(BUILD)/bin $(ARGS)

check: setup ## the fast loop: build, scripts/check, unit tests
	@scripts/test quick

test: setup ## everything that must pass
	@scripts/test all

asan: setup ## unit and scenario tests with AddressSanitizer and UBSan
	@scripts/test asan

tsan: setup ## unit and scenario tests with ThreadSanitizer
	@scripts/test tsan

fuzz: setup ## each fuzz target for FUZZ_SECONDS (60)
	@scripts/fuzz

bench: build ## the tables of speed and memory, beside a do-nothing server, Redis and memcached
	@scripts/setup bench
	@bench/run.sh

bench-cluster: build ## what replication, joining and leaving cost, on clusters of this machine
	@bench/cluster.sh

sim: build ## simulate one run of a cluster: SEED=n, NODES=, MINUTES=
	@$(BUILD)/bin/ballast_sim --seed $(or $(SEED),1) $(if $(NODES),--nodes $(NODES)) $(if $(MINUTES),--minutes $(MINUTES))

sim-many: build ## simulate N seeds (200) in parallel, from SEED (1) on
	@scripts/sim-many $(or $(N),200) $(or $(SEED),1)

install: build ## install programs, library, header and pkg-config file under PREFIX (/usr/local)
	@cmake --install $(BUILD) --prefix $(PREFIX)

format: setup ## lay out all C files with clang-format
	@git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format -i

clean: ## remove everything that was built
	rm -rf build build-*

-include $(wildcard test/*/*.mk)
