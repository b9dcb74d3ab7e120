# Everything here sets itself up: Python 3.11 or newer, make and a C compiler are enough.
# `make … PYTHON=python3.12` works in an environment of its own, .venv-3.12; without PYTHON it is .venv.
ifeq ($(origin PYTHON),undefined)
PYTHON = $(shell for p in python3.13 python3.12 python3.11 python3; do command -v $$p >/dev/null 2>&1 && \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
else
VENV := .venv-$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
endif
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SHELL := /bin/bash
# Bytecode is kept: without it each worker and each process of the tests compiles all modules again.
unexport PYTHONDONTWRITEBYTECODE
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-airflow test-all test-browser test-objects test-spark test-sql lint format dist \
	bench bench-scale soak profile screenshots troubleshooting clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 17

setup: $(READY) ## Create .venv with everything the project needs

$(READY): pyproject.toml $(wildcard listrak_sms_cli/columnar/*.pyx)
	@$(or $(PYTHON),false) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "lsms needs Python 3.11 or newer$(if $(PYTHON),: $(PYTHON) is not,; none was found)."; exit 1; }
	@echo "Setting up $(VENV) (once, about a minute) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install -qq --disable-pip-version-check --editable '.[dev]'
	@touch $(READY)

demo: $(READY) ## Push a sample audience to a simulated Listrak and watch it
	@env -u LISTRAK_CLIENT_ID -u LISTRAK_CLIENT_SECRET $(BIN)/lsms push sample_audiences/spring_launch.csv --sandbox

test: $(READY) ## Run the tests, in about four minutes
	@$(BIN)/pytest -n auto --dist worksteal

test-all: $(READY) ## Run the tests, every fault schedule and every example
	@$(BIN)/pytest -n auto --dist worksteal -m 'not airflow and not browser and not objects and not spark and not sql'

test-airflow: $(READY) ## Push from a task of a real Airflow that is stopped from outside
	@test -d $(VENV)/airflow || $(PYTHON) -m venv $(VENV)/airflow
	@$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' | \
		$(VENV)/airflow/bin/pip install -qq --disable-pip-version-check 'apache-airflow==3.3.*' --requirement /dev/stdin
	@$(BIN)/pytest -m airflow

test-browser: $(READY) ## Open the HTML pages in a Chromium: looks, accessibility, no network
	@command -v chromium >/dev/null || { echo "make test-browser needs Chromium. Type: apt-get install -y chromium"; exit 1; }
	@$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["browser"], sep="\n")' | \
		$(BIN)/pip install -qq --disable-pip-version-check --requirement /dev/stdin
	@$(BIN)/pytest -m browser

test-objects: $(READY) ## Read from and write to the stores of Azure and Google, by their emulators
	@command -v npm >/dev/null || { echo "make test-objects needs Node. Type: apt-get install -y npm"; exit 1; }
	@npm install --silent --no-audit --no-fund --prefix $(VENV)/stores azurite@3.37
	@test -d $(VENV)/stores/google || $(PYTHON) -m venv $(VENV)/stores/google
	@$(VENV)/stores/google/bin/pip install -qq --disable-pip-version-check 'gcp-storage-emulator>=2026.7'
	@$(BIN)/pytest -m objects

# $(1): the version of pyspark, $(2): its extras
define spark
test -d $(VENV)/spark-$(1) || $(PYTHON) -m venv $(VENV)/spark-$(1); \
$(VENV)/spark-$(1)/bin/pip install -qq --disable-pip-version-check 'pyspark$(2)==$(1).*' \
	'hypothesis>=6.120' 'pytest>=8.3' 'venv-pack>=0.2' --editable '.[sandbox]'
endef

test-spark: $(READY) ## Push frames of Spark 4 (classic, and over Connect) and of 3.5, in environments of their own
	@command -v java >/dev/null || { echo "make test-spark needs Java. Type: apt-get install -y default-jre-headless"; exit 1; }
	@$(call spark,4,[connect])
	@$(call spark,3.5)
	@LSMS_TEST_SPARK='local-cluster[2,1,1024]' $(VENV)/spark-4/bin/pytest -m spark tests/spark
	@LSMS_TEST_SPARK=connect $(VENV)/spark-4/bin/pytest -m spark tests/spark
	@LSMS_TEST_SPARK='local[2]' $(VENV)/spark-3.5/bin/pytest -m spark tests/spark

test-sql: $(READY) ## Push queries of a PostgreSQL server that is started for it
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || \
		{ echo "make test-sql needs PostgreSQL. Type: apt-get install -y postgresql"; exit 1; }
	@$(BIN)/pytest -m sql

lint: $(READY) ## Style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(READY) ## Put the code into its style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

dist: $(READY) ## Build the wheel and the source distribution, and try the wheel on every Python there is
	@.ci/dist $(BIN)/python

bench-scale: $(READY) ## How far one machine goes, 30 GB of disk: make bench-scale SCALE='--millions 1 --ways csv,s3'
	@$(BIN)/python -m tests.bench.scale $(SCALE)

bench: $(READY) ## Race the peers: make bench, or make bench QUICK=1
	@$(BIN)/python -m tests.bench $(if $(QUICK),--quick)

soak: $(READY) ## Survive random fault schedules until Ctrl-C (or SOAK_SCHEDULES of them, or SOAK_SECONDS)
	@$(BIN)/python -m tests.soak

profile: $(READY) ## Show where the time of a push goes
	@$(BIN)/python -m tests.bench.stages

screenshots: $(READY) ## Make the pictures of the README, each from a real run
	@$(BIN)/python -m tests.screenshots

troubleshooting: $(READY) ## Write TROUBLESHOOTING.md from the explanations of the codes
	@$(BIN)/python -m tests.troubleshooting

clean: ## Remove what was made
	@rm -rf .venv .venv-* build dist *.egg-info listrak_sms_cli/columnar/*.{c,so} .pytest_cache .mypy_cache .ruff_cache .hypothesis bench.json bench-scale.json
