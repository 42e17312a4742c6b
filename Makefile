# The project's commands. `make` alone lists them.
# A command sets up first whatever it needs; where nothing is to be set up that takes a moment.

PYTHON3 ?= python3
PYTHON := .venv/bin/python
BIN := $(CURDIR)/.venv/bin
STACK ?= .lake/stack
UV := $(BIN)/uv
# Options for the command behind a target: `make demo ARGS="--size M"`, `make test ARGS="-k lease"`.
ARGS ?=
# Tests in three processes, for those of the local stack mostly wait: tests/conftest.py deals them out.
TOGETHER := -n 3 --dist loadfile --no-loadscope-reorder
# Tests for while one works: no Spark, no stack to start or to deploy to, no Docker.
FAST := tests/unit tests/template tests/rules -m "not (spark or stack or docker)"

export PATH := $(BIN):$(PATH)
export SAM_CLI_TELEMETRY := 0

.DEFAULT_GOAL := help
.PHONY: help setup up down deploy demo check test test-cluster coverage soak mutants bench lint format build requirements sabotage invoke-local clean

help: ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

setup: ## Set up all that is needed: Python 3.13, packages, Java, jars
	@$(PYTHON3) -m local.setup

demo: setup ## From nothing to a running lake: sources, stack, two runs, balance, marts
	@$(PYTHON) -m local.demo $(ARGS)

check: setup lint ## Check within two minutes: style, types, rules, template, unit tests
	$(PYTHON) -m pytest $(TOGETHER) $(FAST) $(ARGS)

test: setup lint ## Run every gate: style, types, rules, template, all tests, the most important sabotages
	$(PYTHON) -m tests.sabotage --gate
	$(PYTHON) -m pytest $(TOGETHER) $(ARGS)

test-cluster: setup ## Run the tests of curate, marts and maintenance on several Spark executors, as on Glue
	LAKE_SPARK_TESTS=cluster $(PYTHON) -m pytest tests/spark $(ARGS)

coverage: setup ## Run all tests and say which lines and branches none of them reaches
	$(PYTHON) -m pytest $(TOGETHER) --cov --cov-report=term $(ARGS)

up: setup ## Start the local stack: AWS endpoint, CRM, ERP
	@$(PYTHON) -m local.up --directory $(STACK) $(ARGS)

down: ## Stop the local stack; the lake in its memory goes with it
	@$(PYTHON) -m local.stack down --directory $(STACK) $(ARGS)

deploy: setup ## Start the local stack and deploy the lake to it
	@$(PYTHON) -m local.up --deploy --directory $(STACK) $(ARGS)

soak: setup ## Play random histories of sources, faults and crashes: ARGS="--histories 5000 --seed 7"
	@$(PYTHON) -m tests.soak $(ARGS)

mutants: setup ## Change the modules that decide in each way, and say which changes no test notices: ARGS="lake.run.lease"
	@$(PYTHON) -m tests.mutants $(ARGS)

bench: setup ## Measure extraction and curating beside what else one would use, and print the table
	@$(PYTHON) -m bench $(ARGS)

lint: setup ## Check style, types, import rules, template
	ruff check .
	ruff format --check .
	mypy
	lint-imports
	sam validate --lint

format: setup ## Format the code
	ruff format .
	ruff check --fix .

build: setup ## Build what is deployed, into .aws-sam/build
	sam build

# FUNCTION is a logical id of the template, EVENT a file of events/functions/. Needs Docker, `make up` and `make deploy`.
FUNCTION ?= ExtractCrmFunction
EVENT ?= events/functions/extract_crm.json
invoke-local: setup ## Call one function in Lambda's own container, against the local stack
	@$(PYTHON) -m local.invoke $(FUNCTION) $(EVENT) $(ARGS)

sabotage: setup ## Break the code on purpose, and see that a test notices each time
	@$(PYTHON) -m tests.sabotage $(ARGS)

# What layers and CLI carry is what was tested: their pins are taken from dev.txt.
requirements: setup ## Pin anew what is installed, from the ranges in pyproject.toml
	$(UV) pip compile --quiet --universal --python-version 3.13 --generate-hashes --no-annotate --upgrade \
		--custom-compile-command "make requirements" --group dev -o requirements/dev.txt pyproject.toml
	$(UV) pip compile --quiet --universal --python-version 3.13 --generate-hashes --no-annotate --constraints requirements/dev.txt \
		--custom-compile-command "make requirements" --group layer -o requirements/layer.txt pyproject.toml
	$(UV) pip compile --quiet --universal --python-version 3.13 --generate-hashes --no-annotate --constraints requirements/dev.txt \
		--custom-compile-command "make requirements" --group cli -o requirements/cli.txt pyproject.toml
	$(UV) pip compile --quiet --universal --python-version 3.13 --generate-hashes --no-annotate --constraints requirements/dev.txt \
		--custom-compile-command "make requirements" --group bench -o requirements/bench.txt pyproject.toml
	$(UV) pip compile --quiet --universal --python-version 3.13 --generate-hashes --no-annotate \
		--constraints requirements/layer.txt --constraints requirements/cli.txt \
		--custom-compile-command "make requirements" --group mutants -o requirements/mutants.txt pyproject.toml

clean: down ## Stop the stack and forget what was built and deployed; the set-up stays
	rm -rf .aws-sam $(STACK) .lake/bench .lake/mutants .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage htmlcov
