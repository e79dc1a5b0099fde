# GNU make 3.81 is enough. `make help` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
# What the benchmark's peers are made of, apart from what is ours.
PEERS := .venv-bench
FASTIFY := bench/peers/fastify
# pip-audit, likewise.
AUDIT := .venv-audit
# The generator of Python clients that tests/client tries, likewise.
CLIENTS := .venv-clients
# What the page's libraries are copied from, and what checks the page.
PAGE_TOOLS := tests/web/node

.PHONY: help install run check test bench drill audit format contract client docs vendor lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

install: $(STAMP) ## install what requirements.lock names into .venv

$(STAMP): requirements.lock pyproject.toml bin/bootstrap
	@PYTHON="$(PYTHON)" VENV="$(VENV)" sh bin/bootstrap
	@touch $@

run: $(STAMP) ## start PostgreSQL, migrate, serve on http://127.0.0.1:8000 (PORT, HOST, DATA_DIR override)
	@exec $(BIN)/todo serve

check: $(STAMP) ## lint, types, import layers and the fast tests, in a minute or two
	@$(BIN)/python -m pytest -q -n3 -m "not slow" $(ARGS)

test: $(STAMP) ## the whole suite on a real PostgreSQL, lint and types included (ARGS="-k name" narrows it)
	@$(BIN)/python -m pytest $(ARGS)

bench: $(STAMP) $(if $(filter-out page,$(or $(ONLY),all)),$(PEERS)/.installed $(FASTIFY)/node_modules) ## this server compared with its peers and ceilings, and the page (QUICK=1, SCALE=1, ONLY=name,… or page); needs wrk
	@exec $(BIN)/python -m bench

$(PEERS)/.installed: bench/peers/requirements.lock bin/bootstrap
	@PYTHON="$(PYTHON)" VENV="$(PEERS)" LOCK=bench/peers/requirements.lock sh bin/bootstrap
	@touch $@

$(FASTIFY)/node_modules: $(FASTIFY)/package-lock.json
	@if command -v npm >/dev/null; then npm ci --silent --prefix $(FASTIFY) && touch $@; else \
		echo "bench: npm is missing, so Fastify is left out; on Debian or Ubuntu: apt-get install npm" >&2; fi

drill: $(STAMP) ## inject faults and count what is lost (LONG=1 for the figures, ONLY="ledger load"); needs what .ci/run installs
	@LONG=$(LONG) $(BIN)/python -m drills $(ONLY)

audit: $(STAMP) $(AUDIT)/.installed ## known vulnerabilities of the locked packages, where the service can be reached
	@$(BIN)/python -m drills.audit $(AUDIT)/bin/pip-audit

$(AUDIT)/.installed: drills/audit.lock bin/bootstrap
	@PYTHON="$(PYTHON)" VENV="$(AUDIT)" LOCK=drills/audit.lock sh bin/bootstrap
	@touch $@

$(CLIENTS)/.installed: tests/client/generator.lock bin/bootstrap
	@PYTHON="$(PYTHON)" VENV="$(CLIENTS)" LOCK=tests/client/generator.lock sh bin/bootstrap
	@touch $@

format: $(STAMP) ## format the code
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

contract: $(STAMP) ## export the OpenAPI document to contracts/task-api.yaml
	@$(BIN)/todo openapi > contracts/task-api.yaml

client: $(STAMP) ## write the synchronous client again, from the asynchronous one
	@$(BIN)/python bin/unasync.py

docs: $(STAMP) ## write what the docs take from the code, then the documentation as a site to site/
	@$(BIN)/python -m generate
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

vendor: ## write the page's libraries and the API's types again, as package-lock.json and the contract say (needs npm)
	@npm ci --silent --prefix $(PAGE_TOOLS) && node $(PAGE_TOOLS)/vendor.mjs

lock: ## resolve pyproject.toml, and what bench and audit need, into the lock files again (needs uv)
	uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 --extra embedded --extra redis --extra otel --extra mcp --extra docs --group dev pyproject.toml -o requirements.lock
	uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 -c requirements.lock bench/peers/requirements.in -o bench/peers/requirements.lock
	uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 -c requirements.lock --extra mcp --extra redis pyproject.toml -o requirements-serve.lock
	uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 drills/audit.in -o drills/audit.lock
	uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 tests/client/generator.in -o tests/client/generator.lock

clean: ## remove the environment and every cache; data folders stay
	rm -rf $(VENV) $(PEERS) $(AUDIT) $(CLIENTS) $(FASTIFY)/node_modules $(PAGE_TOOLS)/node_modules tests/client/node/node_modules examples/react/node_modules examples/react/dist examples/better-auth/node_modules examples/better-auth/.next site .bench .tools .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
