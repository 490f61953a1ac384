# Everything a developer or a stranger types. Needs only Python 3.11+, git and make.
.DEFAULT_GOAL := help
.PHONY: help setup demo test check fix bench clean

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
# uv when it is there; otherwise it is installed into the virtual environment.
UV := $(or $(shell command -v uv 2>/dev/null),$(RUN)/uv)
export UV_PROJECT_ENVIRONMENT := $(VENV)
# Libraries are compiled once: without that each start takes a second or two longer where Python may not write.
export UV_COMPILE_BYTECODE := 1

help: ## List the commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(RUN)/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/.run: pyproject.toml uv.lock | $(UV)
	@echo "Installing customering into $(VENV) ..."
	@$(UV) sync --quiet --locked --inexact --no-dev --extra demo --python $(PYTHON)
	@touch $@

$(VENV)/.develop: pyproject.toml uv.lock | $(UV)
	@echo "Installing customering and its test tools into $(VENV) ..."
	@$(UV) sync --quiet --locked --inexact --extra demo --python $(PYTHON)
	@touch $@ $(VENV)/.run

setup: $(VENV)/.develop ## Install everything a developer needs into .venv

demo: $(VENV)/.run ## A year of a real retailer: events to the right next step for one person
	@$(RUN)/customering demo

test: $(VENV)/.develop ## Run every test, as CI does; adds the SDKs and the browser they run where it can
	@$(RUN)/python tests/conformance/sdk_installing.py || echo "what is missing is skipped; the end says so"
	@$(RUN)/python -m pytest -n 2

check: $(VENV)/.develop ## Lint, types, import contracts, lock file, generated docs
	@$(RUN)/ruff check src tests bench
	@$(RUN)/ruff format --check src tests bench
	@$(RUN)/mypy
	@$(RUN)/lint-imports --no-cache
	@$(UV) lock --check --quiet
	@$(RUN)/python -m pytest tests/docs

fix: $(VENV)/.develop ## Put code and generated docs in order
	@$(RUN)/ruff check --fix src tests bench
	@$(RUN)/ruff format src tests bench
	@$(RUN)/python docs/generate.py

bench: $(VENV)/.develop ## Measure speed against rivals and print the tables of docs/reference/figures.md
	@$(RUN)/python bench/run.py

clean: ## Remove the environment, caches and the demo's folder
	@rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis demo-home
