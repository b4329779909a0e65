# sitefleet. `make demo` and `make test` each set up everything they need.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:

UV := .tools/bin/uv
RUN := .venv/bin
CODE := core events handlers local migrator ops simulation demo benchmarks
MACHINE_TESTS := tests/local tests/acceptance tests/failures
STAMPS := .venv/.ready .venv-emulator/.ready .venv-sam/.ready

.PHONY: help setup packages demo test test-long lint format docs prove simulate mutants in-flight fuzz chaos prove-iam build clean

help: ## Show what there is to make.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: packages $(STAMPS) ## Install everything that the other targets need.

packages: ## Install the Debian packages (asks first when a person sits there).
	@./packages.sh

$(UV):
	@python3 -m venv .tools
	.tools/bin/pip install --quiet --disable-pip-version-check uv

.venv/.ready: uv.lock pyproject.toml $(UV)
	@$(UV) sync --quiet --frozen --group dev --all-extras
	touch $@

# Two tools pin their own boto3; each has an environment of its own.
.venv-emulator/.ready: uv.lock $(UV)
	@UV_PROJECT_ENVIRONMENT=.venv-emulator $(UV) sync --quiet --frozen --only-group emulator
	touch $@

.venv-sam/.ready: uv.lock $(UV)
	@UV_PROJECT_ENVIRONMENT=.venv-sam $(UV) sync --quiet --frozen --only-group sam
	touch $@

demo: setup ## Create a real site, promote it, prove it (KEEP=1 leaves it running).
	@$(RUN)/python -m demo $(if $(KEEP),--keep)

# One process more than cores: many tests wait for a server or for a killed job. Tests that start the
# whole machine run behind the others and by themselves: it needs both cores.
test: setup ## Run every test: unit, contract, wire, template, integration, acceptance.
	@$(RUN)/pytest -n $$(($$(nproc) + 1)) --dist worksteal -m "not long" --cov --cov-report=term:skip-covered $(foreach part,$(MACHINE_TESTS),--ignore $(part)) $(ARGS)
	$(RUN)/pytest -m "not long" $(MACHINE_TESTS) $(ARGS)

test-long: setup ## Type the how-to pages; let every step of every change fail; crowds on the machine.
	@$(RUN)/pytest -m long tests/docs tests/in_flight tests/migrator tests/failures tests/acceptance tests/replay $(ARGS)

lint: .venv/.ready ## ruff, mypy, import-linter, bandit, cfn-lint on the expanded template.
	@$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy $(CODE)
	$(RUN)/lint-imports
	$(RUN)/bandit --quiet --recursive --configfile pyproject.toml core events handlers migrator ops local
	$(RUN)/pytest --quiet --no-header tests/template/test_lint.py

format: .venv/.ready ## Format the code.
	@$(RUN)/ruff check --fix --quiet . || true
	$(RUN)/ruff format .

docs: .venv/.ready ## Write schemas, AsyncAPI, CLI reference, metrics and error codes anew.
	@$(RUN)/python -m events.schemas
	$(RUN)/python -m ops.reference
	$(RUN)/python -m ops.metrics_reference

prove: .venv/.ready ## Enumerate every crash of every workflow and print the table.
	@$(RUN)/python -m simulation

simulate: .venv/.ready ## Run SEEDS=200 seeds with everything that may go wrong; SEED=4711 tells one story.
	@$(RUN)/python -m simulation.seeds $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),200) $(if $(FIRST),--first $(FIRST)))

mutants: .venv/.ready ## Apply plausible bugs one by one, and see each caught.
	@$(RUN)/python -m simulation.mutants

in-flight: .venv/.ready ## Hold this code against the operations in flight of earlier releases.
	@$(RUN)/python -m simulation.in_flight check

.venv-fuzz/.ready: uv.lock pyproject.toml $(UV)
	@UV_PROJECT_ENVIRONMENT=.venv-fuzz $(UV) sync --quiet --frozen --group dev --group fuzz --all-extras
	touch $@

fuzz: .venv-fuzz/.ready ## Fuzz decode, the consumer, the rewrite and policy files (INPUTS=100000 SEED=1).
	@.venv-fuzz/bin/python -m tests.fuzz --inputs $(or $(INPUTS),100000) --seed $(or $(SEED),1)

chaos: setup ## Ask for OPERATIONS=1000 on one machine while everything breaks (SEED=1).
	@$(RUN)/python -m tests.acceptance.chaos --operations $(or $(OPERATIONS),1000) --seed $(or $(SEED),1)

# With WITHOUT=role/action that permission is taken away, and TESTS run: they break where it is needed.
prove-iam: setup ## Note which permission each test on a machine needs, and write the table.
	@folder=$$(mktemp -d)
	export SITEFLEET_DECISIONS=$$folder/decisions.jsonl SITEFLEET_SPANS=$$folder/spans.jsonl
	export SITEFLEET_WITHOUT=$(WITHOUT)
	if [ -n "$(WITHOUT)$(TESTS)" ]; then
	  $(RUN)/pytest $(or $(TESTS),tests/acceptance) $(ARGS)
	else
	  $(RUN)/pytest -m "not long" tests/acceptance $(ARGS)
	  $(RUN)/pytest tests/failures tests/local/test_iam_letters.py tests/local/test_iam_sweeper.py $(ARGS)
	  $(RUN)/python -m tests.template.permissions read $$SITEFLEET_DECISIONS $$SITEFLEET_SPANS
	fi

build: setup ## Build the functions and their layer for AWS (arm64).
	@PATH="$(CURDIR)/.tools/bin:$(CURDIR)/.venv/bin:$$PATH" .venv-sam/bin/sam build

clean: ## Stop the one-machine runtime and remove what was made.
	@[ ! -x $(RUN)/sitefleet ] || $(RUN)/sitefleet local down || true
	rm -rf .sitefleet .aws-sam build .venv .venv-emulator .venv-sam .venv-fuzz .tools
