# Everything that a contributor or CI runs. Needs GNU make and Python 3.11 or newer; `make` lists the targets.
# Each environment is made at its first use and again only when its requirements change. pip installs uv, uv the rest.

PYTHON ?= python3
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BIN := .venv/bin
UV := .venv-uv/bin/uv
export SAM := $(CURDIR)/.venv-sam/bin/sam
export SAM_CLI_TELEMETRY := 0
export UV_PYTHON_DOWNLOADS := never
export UV_SYSTEM_CERTS := 1

BOLD := $(shell [ -t 2 ] && [ -z "$${NO_COLOR:-}" ] && printf '\033[1m')
PLAIN := $(if $(BOLD),$(shell printf '\033[0m'))
say = @printf '%s\n' "$(BOLD)$(1)$(PLAIN)" >&2
PINNED := shared/requirements requirements/uv requirements/local requirements/dev requirements/sam requirements/checkov requirements/bench

##@ Try it
.PHONY: demo lab
demo: .venv/.local ## Five attacks on an account's logging, each undone before your eyes
	@$(BIN)/relight demo

lab: .venv/.local ## An AWS on localhost that repairs itself, for your own aws commands (PORT=4566)
	@$(BIN)/relight lab $(if $(PORT),--port $(PORT))

.PHONY: faults
faults: .venv/.local ## Every AWS call fails in six ways, and what became of it (FUNCTIONS="trail key" for some)
	@$(BIN)/relight faults $(FUNCTIONS)

.PHONY: soak
soak: .venv/.dev ## Hostile sequences: intruders, and events late, twice, disordered, lost (SEQUENCES=10000 SEED=0)
	@PYTHONPATH=shared:. $(BIN)/python -m tests.integration.soak $(if $(SEQUENCES),--sequences $(SEQUENCES)) $(if $(SEED),--seed $(SEED))

.PHONY: flood reliability
flood: .venv/.local ## An attack a thousand times a minute: load, quotas, messages, cost (EVENTS=1000)
	@$(BIN)/relight flood $(if $(EVENTS),--events $(EVENTS))

reliability: .venv/.dev ## All of these, and the README's table filled by them (ONLY="faults flood" for some)
	@PYTHONPATH=shared:. $(BIN)/python -m local.reliability $(if $(ONLY),--only $(ONLY))

.PHONY: bench bench-sweep
bench: .venv/.local .venv-bench/.ready build ## Five repairs beside Cloud Custodian's and the least possible (EVENTS=StopLogging ROUNDS=5 SOAK=5000)
	@PYTHONPATH=shared:. $(BIN)/python -m local.bench.compare $(EVENTS:%=--event %) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SOAK),--soak $(SOAK))

bench-sweep: .venv/.local .venv-bench/.ready ## A sweep over 1,000 and 5,000 VPCs beside Cloud Custodian's (VPCS=300 ROUNDS=5)
	@PYTHONPATH=shared:. $(BIN)/python -m local.bench.sweep $(if $(VPCS),--vpcs $(VPCS)) $(if $(ROUNDS),--rounds $(ROUNDS))

##@ Work on it
.PHONY: test check lint format docs
test: .venv/.dev .venv-sam/.ready ## All tests, or some (TESTS=tests/unit); those in containers where an engine answers
	@if docker info >/dev/null 2>&1; then $(MAKE) --no-print-directory build; fi
	$(call say,Tests)
	@$(BIN)/pytest --numprocesses auto --dist loadgroup $(or $(TESTS),--cov)

check: lint test ## Everything that CI checks

lint: .venv/.dev .venv-sam/.ready .venv-checkov/.ready
	$(call say,Format and lint)
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	$(call say,Types)
	@$(BIN)/mypy --no-error-summary
	$(call say,Template)
	@$(BIN)/cfn-lint
	@AWS_DEFAULT_REGION=$${AWS_DEFAULT_REGION:-us-east-1} $(SAM) validate --lint
	@PATH="$(CURDIR)/.venv-checkov/bin:$$PATH" checkov --config-file .checkov.yaml

format: .venv/.dev ## Rewrite the code as `make check` wants it
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format .

docs: .venv/.local ## Rewrite what is generated: tables of the README and docs/, docs/techniques.md, docs/forwarder.yaml
	@$(BIN)/python -m local.catalogue --write
	@$(BIN)/python -m local.techniques --write
	@$(BIN)/python -m local.forwarder --write
	@$(BIN)/python -m local.simulate --write

##@ Build it
.PHONY: build invoke
build: .venv-sam/.ready ## Build what `sam deploy` sends (sam build)
	$(call say,sam build)
	@PYTHON="$(CURDIR)/.venv-uv/bin/python" $(SAM) build

ifneq ($(filter invoke,$(MAKECMDGOALS)),)
ifeq ($(and $(FUNCTION),$(EVENT)),)
$(error Say which: make invoke FUNCTION=trail EVENT=StopLogging)
endif
endif
invoke: .venv/.local build ## Run one function in its container: make invoke FUNCTION=trail EVENT=StopLogging
	@$(BIN)/relight invoke $(FUNCTION) $(EVENT)

##@ Keep it
.PHONY: requirements clean help
requirements: $(UV) ## Pin the newest versions of everything, with hashes
	@for name in $(PINNED); do \
	    echo "$$name.txt"; \
	    $(UV) pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	        --no-emit-index-url --no-emit-find-links --custom-compile-command "make requirements" \
	        --output-file $$name.txt $$name.in; \
	done

clean: ## Remove the environments and all that was built
	@rm -rf .venv .venv-* .aws-sam .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache .soak
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## This list
	@awk 'BEGIN { FS = ":.*## " } \
	    /^##@/ { printf "\n$(BOLD)%s$(PLAIN)\n", substr($$0, 5) } \
	    /^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ---------------------------------------------------------------------------------------------- environments

# uv does not read pip's configuration, so a package index of one's own is handed on.
define uv
	index="$${UV_DEFAULT_INDEX:-$$(.venv-uv/bin/pip config list | sed -n "s/.*\.index-url='\(.*\)'/\1/p" | tail -n 1)}"; \
	$${index:+env UV_DEFAULT_INDEX="$$index"} $(UV) --quiet
endef

# $(1): environment, $(2): requirements
define install
	@test -x $(1)/bin/python || $(UV) --quiet venv --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" $(1)
	@$(uv) pip install --python $(1)/bin/python --require-hashes --requirement $(2)
endef

$(UV): requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Relight needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Say: make PYTHON=/path/to/python3.13" >&2; exit 1; }
	$(call say,Installing uv)
	@$(PYTHON) -m venv --clear .venv-uv
	@.venv-uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/uv.txt
	@touch $@

.venv/.local: requirements/local.txt pyproject.toml | $(UV)
	$(call say,Installing what the local AWS needs)
	$(call install,.venv,requirements/local.txt)
	@$(UV) --quiet pip install --python $(BIN)/python --no-deps --no-build-isolation --offline --editable .
	@touch $@

.venv/.dev: requirements/dev.txt | .venv/.local
	$(call say,Installing what tests and checks need)
	$(call install,.venv,requirements/dev.txt)
	@touch $@

# Lambda's Python where it is found, be it under pyenv; else the one at hand.
.venv-bench/.ready: private PYTHON = $(shell if PYENV_VERSION=3.13 python3.13 -c "" 2>/dev/null; then echo PYENV_VERSION=3.13 python3.13; else echo python3; fi)
.venv-bench/.ready: requirements/bench.txt | $(UV)
	$(call say,Installing Cloud Custodian)
	$(call install,.venv-bench,requirements/bench.txt)
	@touch $@

.venv-sam/.ready: requirements/sam.txt | $(UV)
	$(call say,Installing the SAM CLI)
	$(call install,.venv-sam,requirements/sam.txt)
	@touch $@

.venv-checkov/.ready: requirements/checkov.txt | $(UV)
	$(call say,Installing checkov)
	$(call install,.venv-checkov,requirements/checkov.txt)
	@touch $@
