# Ashlar: build, try, test. `make` alone lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help install build quickstart test simulate bench chaos check check-format check-generated check-scripts format generate clean

SWIFT := swift
# Generated code is as its generator writes it: protos/generate --check compares it byte for byte.
SWIFT_FILES = find Package.swift Sources Tests -name '*.swift' -not -path '*/generated/*' -print0
# Suites with time limits of seconds: run first, one test at a time, since the others keep both cores busy.
CLOCK_TESTS := ^(GRPCServerTests|EngineAPITests|CSICommandTests|CSIServicesTests)\.|^EmbeddedEngineTests\.SnapshotTests/
SHELL_SCRIPTS := .ci/run protos/generate
PYTHON_SCRIPTS := $(wildcard docs/generate-format deploy/quickstart deploy/*.py Tests/Bench/bench Tests/Bench/*.py Tests/Chaos/chaos Tests/Chaos/*.py Tests/Conformance/conformance Tests/Conformance/fuzz Tests/Conformance/*.py protos/*.py)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

install: ## apt-get install what deploy/packages.txt names and is missing (root)
	@missing=$$(for name in $$(grep -v '^#' deploy/packages.txt); do \
	    dpkg-query -W -f '$${db:Status-Status}' $$name 2>/dev/null | grep -q '^installed$$' || echo $$name; done); \
	if [ -n "$$missing" ]; then \
	    export DEBIAN_FRONTEND=noninteractive; \
	    apt-get update -q && apt-get install -q -y --no-install-recommends $$missing </dev/null; \
	fi

build: install ## release binaries, in .build/release
	$(SWIFT) build -c release

quickstart: build ## the main job on real files, on ten loop-mounted drives: see README.md (root)
	deploy/quickstart

test: install ## every test, in release configuration (root)
	$(SWIFT) build -c release --build-tests
	$(SWIFT) test -c release --skip-build --disable-xctest --no-parallel --filter '$(CLOCK_TESTS)'
	$(SWIFT) test -c release --skip-build --disable-xctest --skip '$(CLOCK_TESTS)'

simulate: install ## the engine over simulated drives: CRASHES=n SEED=s, CANARY=name, EXHAUSTIVE=1
	$(SWIFT) build -c release --product simulate
	@SWIFT_DETERMINISTIC_HASHING=1 .build/release/simulate $(if $(EXHAUSTIVE),--exhaustive) \
	    $(if $(SEED),--seed $(SEED)) $(if $(CRASHES),--crashes $(CRASHES)) $(if $(CANARY),--canary $(CANARY))

bench: build ## measures beside baselines of this machine; table, and bench.json (root)
	Tests/Bench/bench

chaos: build ## processes are killed and replaced under load: MINUTES=n SEED=s (root)
	Tests/Chaos/chaos $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED))

check: install check-format check-generated check-scripts ## formatting, generated code, scripts, layering
	$(SWIFT) build -c release --build-tests
	$(SWIFT) test -c release --skip-build --disable-xctest --filter '^LayeringTests\.'

check-format:
	$(SWIFT_FILES) | xargs -0 $(SWIFT) format lint --strict --parallel

check-generated:
	protos/generate --check
	docs/generate-format --check

check-scripts:
	for script in $(SHELL_SCRIPTS); do bash -n $$script; done
	for script in $(PYTHON_SCRIPTS); do \
	    python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1])' $$script; done

format: ## swift format, in place
	$(SWIFT_FILES) | xargs -0 $(SWIFT) format format --in-place --parallel

generate: install ## everything that is made from protos/*.proto, and docs/format.md
	protos/generate
	docs/generate-format

clean: ## removes what was built
	rm -rf .build bench.json
