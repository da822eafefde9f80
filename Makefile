# Everything runs in .venv, which these targets make: nothing needs to be installed before but Python and make.
PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help demo lab test test-long check format bench returns clean

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# One stamp for each extra of pyproject.toml: installed again when that file changes.
.venv/installed-%: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "rlkit needs Python 3.11 or later: make PYTHON=python3.12 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing rlkit[$*] into .venv ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

# The kernel before the present one, beside it: what is shown in a browser is tried with both.
OLDER := build/ipykernel6
$(OLDER)/installed: .venv/installed-test
	@rm -rf $(OLDER)
	@echo "Installing ipykernel 6 into $(OLDER) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target $(OLDER) 'ipykernel<7'
	@touch $@

demo: .venv/installed-run ## Run the quickstart notebook and show its result
	@RLKIT_HOME=build/rlkit_artifacts $(BIN)/python notebooks/run.py notebooks/01_quickstart.ipynb

lab: .venv/installed-lab ## Open JupyterLab on the tutorials
	$(BIN)/jupyter lab --notebook-dir=notebooks

test: .venv/installed-test $(OLDER)/installed ## Run all quick tests and the notebooks
	$(PYTEST) -n 2 -m "not long" tests
	RLKIT_HOME=$$(mktemp -d) RLKIT_TRUST_DIR=$$(mktemp -d) $(PYTEST) --nbval --nbval-current-env \
		--nbval-sanitize-with notebooks/sanitize.cfg --nbval-kernel-startup-timeout 600 -W default notebooks

test-long: .venv/installed-test ## Run the tests that take minutes
	$(PYTEST) -n 2 -m long tests

check: .venv/installed-dev ## Lint, check types, layers and spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/codespell
	$(BIN)/oxlint rlkit

format: .venv/installed-dev ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Peers are large (PyTorch): they have an environment of their own.
.venv-bench/installed: pyproject.toml
	@test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $@

bench: .venv-bench/installed ## Compare with peers, and measure what the live display takes
	.venv-bench/bin/python benchmarks/startup.py
	.venv-bench/bin/python benchmarks/training.py
	.venv-bench/bin/python benchmarks/registry.py
	.venv-bench/bin/python benchmarks/display.py
	.venv-bench/bin/python benchmarks/completion.py
	.venv-bench/bin/python benchmarks/widgets.py

returns: .venv/installed-test ## Train every preset on five seeds and write docs/returns.md (15 to 40 minutes)
	$(BIN)/python benchmarks/returns.py --write docs/returns.md

clean: ## Remove what these targets made
	rm -rf .venv .venv-bench build
