# The first two: `make demo` and `make test`. Both do all the set-up they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
WORKERS ?= 3
# `make bench ARGS=--quick`: the pages take it too.
PAGES := $(filter --quick,$(ARGS))

.PHONY: help demo test ordeal check lint bench bench-large bench-workers format lock system clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 10

demo: $(VENV)/.ready ## A registry of good and broken images: crawl it, print, serve (ARGS=--once ends)
	@$(BIN)/mfl-lint demo $(ARGS)

test: $(VENV)/.ready-dev system check ## Everything that CI runs
	$(BIN)/pytest -n $(WORKERS) --dist worksteal $(ARGS)

ordeal: $(VENV)/.ready-dev system ## The same tests with full counts of kills, races and bad inputs
	$(BIN)/pytest -n $(WORKERS) --dist worksteal --ordeal -rP $(ARGS)

check: $(VENV)/.ready-dev ## ruff, mypy and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(VENV)/.ready-dev ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.ready-dev ## Print figures and ratios of this machine
	@$(BIN)/python -m benchmarks.crawl $(ARGS)
	@$(BIN)/python -m benchmarks.real
	@$(BIN)/python -m benchmarks.profile
	@$(BIN)/python -m benchmarks.rules
	@$(BIN)/python -m benchmarks.deep
	@$(BIN)/python -m benchmarks.pages $(PAGES)

bench-large: $(VENV)/.ready-dev ## The same of a million tags, on SQLite and PostgreSQL (ARGS=--quick: a tenth)
	@$(BIN)/python -m benchmarks.large $(ARGS)

bench-workers: $(VENV)/.ready-dev ## What more workers bring at a registry that answers after 20 ms
	@$(BIN)/python -m benchmarks.workers $(ARGS)

lock: $(VENV)/.ready-dev ## Resolve the lock files anew
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-emit-find-links --no-annotate --group build --extra postgresql --extra queue --extra oidc --extra alerts -o requirements.lock pyproject.toml
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-emit-find-links --no-annotate --group build --group dev --extra postgresql --extra queue --extra oidc --extra alerts -o requirements-dev.lock pyproject.toml

system: ## What the tests talk to: a registry, skopeo, PostgreSQL, a browser (installed when root)
	@PYTHON=$(PYTHON) sh tests/system-packages.sh

clean: ## Remove what was made here
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis

# A venv that was made elsewhere, or whose making was cut off, is made anew.
$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mfl-lint needs Python 3.11 or later")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.ready-dev: requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mfl-lint needs Python 3.11 or later")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(VENV)/.ready $@
