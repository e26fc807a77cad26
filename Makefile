# Every command of the project. `make demo` and `make test` need nothing but
# Python 3.11 or newer and a package index; they set up .venv by themselves.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

# The first of these that is new enough, unless you say `make PYTHON=/path/to/python`.
NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	if $$python $(NEW_ENOUGH); then echo $$python; break; fi; done)

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
PYTEST := $(BIN)/python -m pytest

# In how many processes tests run, file by file; `make tests PARALLEL=` runs them in one.
PARALLEL ?= -n 2 --dist loadfile

# What is passed on: `make demo ARGS="--orders 5"`, `make tests ARGS="-k money"`.
ARGS ?=

.PHONY: help demo test check soak lint typing imports tests docs site record bench build wheel-test clean

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 12

demo: $(VENV)/.ready-to-run ## the whole story on the simulator, offline
	@$(BIN)/issuing-disburse demo $(ARGS)

test: lint typing imports tests ## everything the gate runs

check: $(VENV)/.ready-to-test ## the long proofs
	@HYPOTHESIS_PROFILE=ci $(PYTEST) $(PARALLEL) --durations=25 --durations-min=5 -m "long and not soak" $(ARGS) || test $$? -eq 5 # 5: none yet

soak: $(VENV)/.ready-to-test ## the proofs that run as long as they are told to
	@HYPOTHESIS_PROFILE=soak $(PYTEST) -m soak $(ARGS) || test $$? -eq 5

lint: $(VENV)/.ready-to-test ## layout, ruff, a sentence in each test, no card numbers
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/python tools/check_sentences.py tests
	@$(BIN)/python tools/check_card_numbers.py .
	@$(BIN)/issuing-disburse cassettes check tests/recorded examples

typing: $(VENV)/.ready-to-test ## mypy, strict, and pyright on what users see
	@$(BIN)/mypy
	@$(BIN)/basedpyright

imports: $(VENV)/.ready-to-test ## who may import whom
	@$(BIN)/lint-imports

tests: $(VENV)/.ready-to-test ## pytest with branch coverage, documents and examples included
	@rm -f .coverage .coverage.*
	@HYPOTHESIS_PROFILE=$${HYPOTHESIS_PROFILE:-ci} $(PYTEST) $(PARALLEL) -m "not long and not soak" \
		--cov --cov-report=term-missing:skip-covered $(ARGS)

site: $(VENV)/.ready-to-test ## the documentation as a site, in docs/_build/html; a warning is an error
	@$(BIN)/python -m sphinx -q -W --keep-going -n -b html -d docs/_build/doctrees docs docs/_build/html
	@echo "docs/_build/html/index.html"

docs: site ## the site, and every code block of the documents run
	@$(PYTEST) README.md CONTRIBUTING.md docs $(ARGS)

record: $(VENV)/.ready-to-test ## the recorded tests' cassettes anew: at Stripe's test mode if STRIPE_TEST_KEY is set, else on the simulator
	@$(PYTEST) tests/recorded --issuing=cassette --issuing-record=$(if $(STRIPE_TEST_KEY),stripe,simulator) $(ARGS)

bench: $(VENV)/.ready-to-test ## measure, side by side; never a gate
	@for benchmark in benchmarks/bench_*.py; do \
		[ -e "$$benchmark" ] || { echo "no benchmarks yet"; break; }; \
		echo "== $$benchmark"; $(BIN)/python "$$benchmark" $(ARGS); done

build: $(VENV)/.ready-to-test ## source archive and wheel, in dist/
	@rm -rf dist
	@$(BIN)/python -m build --outdir dist .

wheel-test: build ## the tests against the built wheel, on every Python found
	@tools/wheel_test.sh dist/*.whl

clean: ## remove what the commands made
	rm -rf $(VENV) .work build dist htmlcov .coverage .coverage.* .hypothesis \
		.import_linter_cache .mypy_cache .pytest_cache .ruff_cache

# A virtual environment whose interpreter is gone is made anew; an interrupted one is completed.
$(VENV)/.made:
	@$(or $(PYTHON),false) $(NEW_ENOUGH) || \
		{ echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python" >&2; exit 1; }
	@echo "setting up $(VENV) with $$($(PYTHON) --version), once: about a minute"
	@$(BIN)/python $(NEW_ENOUGH) || rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --upgrade "pip>=25.1" # the first that reads dependency groups
	@touch $@

$(VENV)/.ready-to-run: pyproject.toml | $(VENV)/.made
	@$(PIP) install --editable ".[cli]"
	@touch $@

$(VENV)/.ready-to-test: pyproject.toml | $(VENV)/.made
	@$(PIP) install --editable ".[cli,jwe,opentelemetry,postgres,report,simulator]" --group dev
	@touch $@ $(VENV)/.ready-to-run
