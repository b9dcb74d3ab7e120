# Everything here sets itself up: Python 3.11 or newer, make and a C compiler are enough.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do command -v $$p >/dev/null 2>&1 && \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format bench soak profile clean

help: ## Show what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

setup: $(READY) ## Create .venv with everything the project needs

$(READY): pyproject.toml listrak_sms_cli/columnar/_kernels.pyx
	@test -n "$(PYTHON)" || { echo "lsms needs Python 3.11 or newer; none was found."; exit 1; }
	@echo "Setting up $(VENV) (once, about a minute) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install -qq --disable-pip-version-check --editable '.[dev]'
	@touch $(READY)

demo: $(READY) ## Push a sample audience to a simulated Listrak and watch it
	@env -u LISTRAK_CLIENT_ID -u LISTRAK_CLIENT_SECRET $(BIN)/lsms push sample_audiences/spring_launch.csv --sandbox

test: $(READY) ## Run every test
	@$(BIN)/pytest -n auto

lint: $(READY) ## Style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(READY) ## Put the code into its style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(READY) ## Race the peers: make bench, or make bench QUICK=1
	@$(BIN)/python -m tests.bench $(if $(QUICK),--quick)

soak: $(READY) ## Live through random fault schedules until Ctrl-C (or SOAK_SECONDS)
	@$(BIN)/python -m tests.soak

profile: $(READY) ## Show where the time of a push goes
	@$(BIN)/python -m tests.bench.stages

clean: ## Remove what was made
	@rm -rf $(VENV) build dist *.egg-info listrak_sms_cli/columnar/_kernels.{c,*.so} .pytest_cache .mypy_cache .ruff_cache .hypothesis bench.json
