# `make help` lists the targets. Whatever a target needs is set up by it: the virtual environment from the lock, real servers
# from what the machine has (see stack/). STACK=native or STACK=docker forces where servers come from.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
# Where this is set, every process compiles every file anew, and pytest rewrites every test at each run.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
PY := $(VENV)/bin/python
OK := $(VENV)/.ok
CODE := $(wildcard contracts plumbing services simulators stack laws campaign bench deploy tests conftest.py)
SHORT_CAMPAIGN := --short
WITHOUT_SERVERS := $(wildcard tests/unit tests/contracts tests/architecture tests/laws)

.PHONY: help prepare demo test check test-long test-servers test-docker campaign campaign-kills campaign-mistakes campaign-short fuzz bite alerts bench lock schemas up down secrets clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

prepare: $(OK) ## install and fetch what the real servers need, if it is not there
	@$(PY) -m stack prepare

demo: prepare ## everything from nothing: real servers, all services, real notifications, and an account of what came out
	@$(PY) -m stack.demo

test: check test-long test-servers campaign-short ## everything that CI runs, on real servers

check: $(OK) ## format, lint, types, imports, schemas and unit tests; no server needed, below a minute
	@deploy/step "format"  $(VENV)/bin/ruff format --check --quiet .
	@deploy/step "lint"    $(VENV)/bin/ruff check --quiet .
	@deploy/step "imports" $(VENV)/bin/lint-imports --no-cache
	@deploy/step "schemas" $(PY) -m contracts check
	@deploy/step "types"   $(VENV)/bin/mypy --no-error-summary $(CODE) & types=$$!; failed=0; \
	 deploy/step "units"   $(PY) -m pytest -q -n 4 --dist worksteal -m "not docker and not long" $(WITHOUT_SERVERS) || failed=$$?; \
	 wait $$types && exit $$failed

test-long: $(OK) ## the tests that need no server and more than a second: thousands of damaged files, bombs
	@$(PY) -m pytest -q -n 2 -m "long and not docker" $(WITHOUT_SERVERS)

test-servers: prepare ## plumbing, integration and system tests on real servers
	@$(PY) -m pytest tests/plumbing tests/integration tests/system

test-docker: $(OK) ## the Docker side: compose, image and testcontainers (needs an engine)
	@STACK=docker $(PY) -m pytest -m docker tests

campaign: campaign-kills campaign-mistakes fuzz ## the three that follow, an hour: what is released has had them

campaign-kills: prepare ## 200 kills, 20 000 notifications, 100 rebalances, broker, database, gateway and wires broken, judged by the laws
	@$(PY) -m campaign

campaign-mistakes: prepare ## topics doubled, shuffled, read again, skipped, deleted, judged by the laws
	@$(PY) -m campaign --mistakes

campaign-short: prepare ## kills and mistakes in a few minutes
	@$(PY) -m campaign $(SHORT_CAMPAIGN)
	@$(PY) -m campaign --mistakes $(SHORT_CAMPAIGN)

fuzz: $(OK) ## 50 000 generated notifications, 10 000 interleavings of an absence's, within twenty minutes; needs no server
	@MITSYG_EXAMPLES=10000 $(PY) -m pytest -q tests/unit/intake/test_interleavings.py
	@FUZZ_EXAMPLES=50000 FUZZ_SECONDS=1200 $(PY) -m pytest -q tests/unit/intake/test_generated_notifications.py

bite: prepare ## break rules and plant known bugs, one at a time, and show that each is found; --rules alone needs no server
	@$(PY) -m campaign.bite

alerts: ## judge the alert rules by Prometheus's own promtool (Debian: prometheus)
	@promtool check rules deploy/alerts/*.yml
	@promtool test rules tests/unit/deploy/alerts.test.yml

bench: prepare ## throughput beside a bare loop, and memory at full load
	@$(PY) -m bench

up: prepare ## start servers, services and simulators and leave them running
	@$(PY) -m stack up

down: $(OK) ## end what `make up` started and remove its data
	@$(PY) -m stack down

schemas: $(OK) ## write JSON Schemas, pages and AsyncAPI anew from the contracts
	@$(PY) -m contracts schemas
	@$(PY) -m contracts docs

secrets: $(OK) ## make .env with new secrets for `docker compose`, unless it is there
	@$(PY) -m stack secrets .env

lock: $(OK) ## pin every dependency anew, with hashes: requirements.lock and one per service
	@deploy/lock

clean: ## remove what was made here, except fetched jars in the cache
	@if [ -x $(PY) ]; then $(PY) -m stack down; fi
	@rm -rf $(VENV) .run .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(OK): requirements.lock deploy/make-venv
	@deploy/make-venv $(VENV)
	@touch $@
