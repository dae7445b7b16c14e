# Everything that a user or developer runs. `make` prints this list.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.ready
DEV := .venv/.ready-dev
.DEFAULT_GOAL := help
.PHONY: help setup assets demo test check lint types imports fmt slow suites bench docs lock clean

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make .venv with the pinned dependencies and fetch the browser files

$(STAMP): requirements.lock pyproject.toml scripts/setup.sh
	PYTHON=$(PYTHON) sh scripts/setup.sh
	@touch $@

$(DEV): $(STAMP) requirements-dev.lock
	.venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

demo: $(STAMP) ## A whole ICU on http://127.0.0.1:8080 (Ctrl-C ends it)
	$(BIN)/wardbridge demo --data $${WARDBRIDGE_DATA:-demo-data} $(ARGS)

test: $(DEV) ## All checks and tests (below 15 minutes on 2 cores)
	sh scripts/system.sh
	$(MAKE) --no-print-directory check
	$(BIN)/python -m pytest -q -n $${WARDBRIDGE_TEST_JOBS:-2} --dist worksteal -m "not slow" --durations=15 tests

check: lint types imports docs ## Style, types, import contracts, file lengths, docs

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check -q . || { echo "run: make fmt"; exit 1; }

types: $(DEV)
	$(BIN)/mypy

imports: $(DEV)
	$(BIN)/lint-imports

docs: $(DEV) ## Docs name only commands, settings and endpoints that exist
	$(BIN)/python -m pytest -q -p no:randomly tests/docs

fmt: $(DEV) ## Format
	$(BIN)/ruff check --fix -q . ; $(BIN)/ruff format -q .

slow: $(DEV) ## Crash, soak and load tests (about half an hour)
	sh scripts/system.sh
	$(BIN)/python -m pytest -q -m slow --durations=0 tests

suites: $(DEV) ## Public conformance suites; rewrites docs/conformance.md
	$(BIN)/python -m bench.conformance --write docs/conformance.md

bench: $(DEV) ## The benchmarks of docs/performance.md, one JSON object a line
	$(BIN)/python -m bench.all

lock: $(DEV) ## Pin every dependency with hashes
	$(BIN)/python -m pip install -q uv
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	  pyproject.toml requirements.in -o requirements.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	  --extra dev -c requirements.lock pyproject.toml requirements.in -o requirements-dev.lock

clean: ## Remove everything that setup and demo made
	rm -rf .venv demo-data build dist src/*.egg-info src/wardbridge/web/static/vendor
