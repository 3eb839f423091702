# The two commands are `make demo` and `make test`; the README shows the same lines for machines without make.
.PHONY: install demo up down test lint types check lock bench

PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed

# Each refusal is one line, as make prints it, and exit code 2.
define REFUSE_UNFIT_PYTHON
$(if $(shell command -v $(PYTHON)),,$(error no program $(PYTHON) found; install Python 3.11 or later, or name it: make PYTHON=python3.11))
$(if $(shell $(PYTHON) -c 'import sys; print("fit" * (sys.version_info >= (3, 11)))' 2>/dev/null),,\
  $(error $(PYTHON) is $(shell $(PYTHON) -V 2>&1), Espalier needs Python 3.11 or later; run make PYTHON=python3.11))
$(if $(shell $(PYTHON) -c 'import ensurepip, venv; print("fit")' 2>/dev/null),,\
  $(error $(PYTHON) has no venv module; on Debian: apt-get install python3-venv, then run make again))
endef

$(VENV)/bin/uv: requirements-uv.lock
	$(REFUSE_UNFIT_PYTHON)
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock

$(STAMP): $(VENV)/bin/uv requirements.lock pyproject.toml
	@$(VENV)/bin/uv pip install --quiet --compile-bytecode --python $(VENV)/bin/python --require-hashes -r requirements.lock
	@$(VENV)/bin/uv pip install --quiet --python $(VENV)/bin/python --no-deps --no-build-isolation -e .
	@touch $@

install: $(STAMP)

demo: install
	@$(VENV)/bin/espalier demo

up: install
	@$(VENV)/bin/espalier up

down: install
	@$(VENV)/bin/espalier down

lint: install
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports
	$(VENV)/bin/python -m tests.tools.migration_lint

types: install
	$(VENV)/bin/basedpyright

# Processes that tests start, and revisions that each step loads, are compiled once, whatever the shell says.
test: install
	PYTHONDONTWRITEBYTECODE= $(VENV)/bin/pytest -n 2 --dist loadfile --no-loadscope-reorder

check: lint types test

bench: install
	$(VENV)/bin/python -m benchmarks --write docs/benchmarks.md

# Written anew only on purpose; names no registry's address.
lock: $(VENV)/bin/uv
	$(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --extra dev pyproject.toml -o requirements.lock
	printf 'uv\n' | $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url - -o requirements-uv.lock
