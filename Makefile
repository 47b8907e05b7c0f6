# Two commands do everything on a fresh machine: `make up` runs the mesh, `make test` proves it.
# The Python of the virtual environment that is there; another one makes it anew: make PYTHON=python3.13 test
PYTHON ?= $(or $(wildcard .venv/bin/python),python3)
RUN := .venv/bin/
PYTEST := $(RUN)python -m pytest
# Where an image has Python keep nothing that it compiled, each of the processes that tests start would compile all of it anew.
unexport PYTHONDONTWRITEBYTECODE
SPREAD := --numprocesses auto --maxprocesses 8

.PHONY: help up test lint manifests unit wire quality round-trip bench chaos clients fuzz soak render mesh-fixtures clean
.DEFAULT_GOAL := help

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

.PHONY: setup
setup: ## the virtual environment with all that is needed (the other targets call it)
	@$(PYTHON) scripts/setup.py

up: setup ## the whole mesh on this machine, with the shipped mesh.yaml; ^C ends it
	@exec $(RUN)intentmesh up $(ARGS)

test: lint manifests unit quality wire ## all that must pass before a change lands

lint: setup ## ruff and mypy
	$(RUN)ruff check .
	$(RUN)ruff format --check .
	$(RUN)mypy

CHECKOV := checkov==3.3.30
manifests: ## checkov's rules for what is rendered into k8s/; skipped where it cannot be installed
	@test -x .venv-checkov/bin/checkov || { $(PYTHON) -m venv .venv-checkov && .venv-checkov/bin/python -m pip install --quiet $(CHECKOV); } || \
		{ rm -rf .venv-checkov; echo "manifests: $(CHECKOV) cannot be installed here: skipped"; }
	@test ! -x .venv-checkov/bin/checkov || BC_SKIP_MAPPING=TRUE LOG_LEVEL=ERROR .venv-checkov/bin/checkov --config-file .checkov.yaml

unit: setup ## no network, seconds
	$(PYTEST) $(SPREAD) --dist worksteal tests/unit

quality: setup ## accuracy floors
	$(PYTEST) $(SPREAD) --dist loadfile tests/quality

round-trip: setup ## 24,000 random bodies, echoed and cut anywhere: what was masked comes back
	INTENTMESH_ROUND_TRIP_CASES=6000 $(PYTEST) --timeout 3600 tests/quality/test_round_trip.py

wire: setup ## a real Envoy, a real processor, real llama.cpp, a real Prometheus
	@$(PYTHON) scripts/fetch_debian.py
	$(PYTEST) --numprocesses 2 --dist loadfile tests/wire

render: setup ## write envoy/ and k8s/ anew from mesh.yaml
	$(RUN)intentmesh render all

mesh-fixtures: setup ## ask the meshes' own code again about the rendered files (needs Go; the first time minutes and 4 GB); not in CI
	@$(RUN)python -m tests.mesh.fixtures $(ARGS)

.PHONY: mesh-servers
mesh-servers: setup ## an OpenTelemetry collector and envoyproxy/ratelimit, for the tests that ask them (needs Go); not in CI
	@$(RUN)python -m tests.mesh.servers

REQUESTS ?= 200000
chaos: setup ## break things under load, for so many REQUESTS; prints what leaked, which must be nothing
	@$(RUN)python -m tests.chaos.run --requests $(REQUESTS) --workers 2 $(ARGS)

FUZZ_SECONDS ?= 300
fuzz: setup ## codec, HTTP/2 and payload guided by coverage, cost by time: so many seconds each (FUZZ_SECONDS)
	@$(RUN)python -m pip install --quiet 'atheris>=3.0'
	@$(RUN)python -m tests.fuzz.run --seconds $(FUZZ_SECONDS)

.PHONY: lock sbom audit
lock: setup ## resolve anew what the images install, with the hashes of every file
	$(RUN)python -m scripts.supply lock
	$(RUN)python -m scripts.supply sbom

sbom: setup ## list what the images install, in CycloneDX
	$(RUN)python -m scripts.supply sbom

audit: setup ## known vulnerabilities of what the images install; skipped where the service cannot be reached
	$(RUN)python -m scripts.supply audit

.PHONY: day
DAY_MINUTES ?= 30
day: setup ## a bad day under load, in so many DAY_MINUTES: deaths, reloads, a full disk, cut answers, restarts; the books have to balance
	@$(RUN)python -m tests.chaos.day --minutes $(DAY_MINUTES)

.PHONY: fuzz-schemas
fuzz-schemas: setup ## JSON schemas and grammars, random and broken, for FUZZ_SECONDS: no crash, no hang, no wrong document, flat memory
	@$(RUN)python -m tests.fuzz.schemas --seconds $(FUZZ_SECONDS) --seed $$(date +%s)

.PHONY: fuzz-chats
fuzz-chats: setup ## requests and conversations, random and broken, for FUZZ_SECONDS at a real inference server and through every template
	@$(RUN)python -m tests.fuzz.chats --seconds $(FUZZ_SECONDS) --seed $$(date +%s)

MINUTES ?= 15
soak: setup ## at 70 % of what it can do, for so many MINUTES: memory, files, threads and latency must stay flat
	@$(RUN)python -m tests.chaos.soak --minutes $(MINUTES)

clients: setup ## clients that people use, at our server and through the mesh; ARGS=--write puts the table into docs/inference.md
	@test -x .venv-clients/bin/python || $(PYTHON) -m venv .venv-clients
	@.venv-clients/bin/python -m pip install --quiet --requirement tests/clients/requirements.txt
	@cd tests/clients/node && npm install --no-audit --no-fund --silent
	$(RUN)python -m tests.clients.run --python .venv-clients/bin/python $(ARGS)

bench: setup ## the figures of the README, and docs/benchmarks.md from them
	$(RUN)python -m tests.bench

clean: ## the virtual environment and caches
	rm -rf .venv .venv-checkov .venv-clients .mypy_cache .pytest_cache .ruff_cache .hypothesis
