# Every task of the project; `make help` lists them.  Each sets up what it needs.
.DEFAULT_GOAL := help
SHELL := /bin/sh
BIN := .venv/bin
PYTEST_WORKERS ?= 2
OUT ?= demo-out
FUZZ_SECONDS ?= 60
EDITS ?= 5000

.venv/.ready: requirements.lock pyproject.toml scripts/setup.sh
	@sh scripts/setup.sh

##@ Use
.PHONY: setup
setup: .venv/.ready ## Make .venv from the lock file

.PHONY: demo
demo: .venv/.ready ## Do the main job for one class of the bundled demo school; files go to demo-out/
	@$(BIN)/hocba demo --out $(OUT)

.PHONY: serve
serve: .venv/.ready ## Start the service with the demo school in it; prints the address of a transcript's page
	@$(BIN)/hocba demo --out $(OUT) --serve

##@ Check
.PHONY: test
test: .venv/.ready system check pytest ## Set up, install what the tests need, run every check and test

.PHONY: pytest
pytest: .venv/.ready ## Run the tests alone
	@$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist loadgroup --max-worker-restart 0

.PHONY: check
check: .venv/.ready ## Lint, types and import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

.PHONY: system
system: ## Install the programs that the tests compare with (apt, when root)
	@sh scripts/system-packages.sh

.PHONY: fuzz
fuzz: .venv/.ready ## Fuzz every parser, FUZZ_SECONDS each (60)
	@$(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS)

.PHONY: edits
edits: .venv/.ready ## Edit signed documents at random, EDITS of each kind (5000), and verify every one
	@HOCBA_EDITS=$(EDITS) $(BIN)/python -m pytest -n $(PYTEST_WORKERS) -rP tests/property/test_verify_many_edits.py

.PHONY: bench
bench: .venv/.ready ## Measure speed as ratios to controls of the same run; exits 1 when one is short
	@$(BIN)/python -m benchmarks

##@ Maintain
.PHONY: lock
lock: .venv/.ready ## Pin every dependency anew, by version and hash (needs uv)
	@uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet -o requirements.lock

.PHONY: format
format: .venv/.ready ## Format the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

.PHONY: clean
clean: ## Remove everything that is made, development keys included
	@rm -rf .venv var demo-out keys_dev/material benchmarks/results .pytest_cache .mypy_cache .ruff_cache .hypothesis

.PHONY: help
help: ## List the tasks
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
