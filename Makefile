# Everything runs in .venv, which the first target that needs it builds. `make help` lists what there is.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
FILES  := $(wildcard */pyproject.toml) pyproject.toml constraints.txt
FIVE   := -e ./llmi_schema[outlines] -e ./sandbox -e ./llmi_reward[judges,serve,tools] -e ./llmi_data -e ./llmi_train[studio]
CODE   := llmi_schema sandbox llmi_reward llmi_data llmi_train tests examples benchmarks
SRC    := llmi_schema/src sandbox/src llmi_reward/src llmi_data/src llmi_train/src
export HF_HUB_OFFLINE := 1
export HF_HUB_DISABLE_TELEMETRY := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help install demo test test-full coverage mutation bench frameworks wheels check format docs clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

install: $(STAMP) ## Build .venv with the five packages and the development tools
$(STAMP): $(FILES)
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; this is %d.%d. Say which: make PYTHON=python3.11" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo 'Python cannot make virtual environments here; on Debian: apt-get install python3-venv'; exit 1; }
	@echo 'Installing into $(VENV), some minutes the first time'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -c constraints.txt 'pip>=25.1'
	$(BIN)/python -m pip install -q -c constraints.txt $(FIVE) --group dev
	@touch $@

demo: install ## Data, rewards, training and an illustrated document, offline (UNSAFE=1: without the code sandbox)
	$(BIN)/llmi-train demo $(if $(UNSAFE),--unsafe)

test: install ## The tests in random order, in under 15 minutes from nothing
	$(BIN)/python -m pytest -m 'not slow' -n 2 --dist loadgroup

test-full: install ## The tests, the long ones included
	$(BIN)/python -m pytest -n 2 --dist loadgroup

coverage: install ## Branches that the tests go through, per package; fails below 90 % of schema, reward or sandbox
	$(BIN)/python tests/branches.py

mutation: install ## Would the tests notice a small change of the parser or the rules? Ten minutes
	$(BIN)/python benchmarks/mutation.py

bench: install ## Every benchmark at a small size, in under ten minutes: JSON, a table and plots in runs/bench
	$(BIN)/python benchmarks/all.py

wheels: install ## Build the five wheels, look into them, install and use them elsewhere (network)
	$(BIN)/python tests/wheels.py

frameworks: install ## The reward adapters against verifiers, inspect_ai and reasoning-gym (network; ALL=1: every framework)
	$(BIN)/python tests/llmi_reward/frameworks/run.py $(if $(ALL),,--borrow verifiers inspect_ai reasoning_gym)

check: install ## Lint, formatting and types
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy $(SRC)

format: install ## Format the code
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

docs: install ## The documentation as a site in site/; a warning is an error
	$(BIN)/python -m pip install -q -c constraints.txt --group docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

clean: ## Remove .venv and everything that was made
	rm -rf $(VENV) runs site .mypy_cache .ruff_cache .pytest_cache .hypothesis
