# Everything happens in .venv; once installed, every target works without a network.
PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
PIP    := $(PY) -m pip --disable-pip-version-check --quiet --quiet
ARGS   ?=
# Small images train faster on one thread than on several; full-size ones choose for themselves.
export OMP_NUM_THREADS ?= 1

# A stamp carries the checksum of what decides an install, so a new checkout of the same files changes nothing.
KEY  := $(shell cat pyproject.toml constraints.txt | cksum | cut -d' ' -f1)
BASE := $(VENV)/.base-$(KEY)
DEV  := $(VENV)/.dev-$(KEY)

.PHONY: help setup demo test check bench models clean
.DELETE_ON_ERROR:

help:
	@echo 'make demo [ARGS=--check]  the platform on http://127.0.0.1:8000 with the shipped model (base install)'
	@echo 'make test                 every check and every test (installs torch and the tools)'
	@echo 'make setup                what make test needs, installed only'
	@echo 'make check                ruff, mypy, import-linter'
	@echo 'make bench                every benchmark, results in benchmarks/results'
	@echo 'make models               trains the shipped model again'
	@echo 'make clean                removes caches and results, keeps .venv'

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo 'suwen needs Python 3.11 or newer, and "$(PYTHON)" is not. Name one: make PYTHON=python3.12 ...'; exit 1; }
	@echo 'creating $(VENV) ...'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo 'Python cannot make a virtual environment. On Debian: apt-get install python3-venv'; exit 1; }

$(BASE): | $(PY)
	@echo 'installing suwen (no torch) ...'
	@$(PIP) install -e . -c constraints.txt
	@touch $@

# torch first and exactly: a plain `torch` elsewhere in the list may bring another build with it.
$(DEV): | $(PY)
	@echo 'installing torch and the tools (minutes, once) ...'
	@$(PIP) install "$$(grep '^torch==' constraints.txt)"
	@$(PIP) install -e '.[dev]' -c constraints.txt
	@$(PIP) install dijkstra3d -c constraints.txt  # GPL: a benchmark's peer, never a dependency
	@touch $(BASE) $@

setup: $(DEV)

demo: $(BASE)
	@$(VENV)/bin/suwen demo $(ARGS)

check: $(DEV)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports --no-cache

test: check
	$(PY) -m pytest $(ARGS)

bench: $(DEV)
	@mkdir -p benchmarks/results
	@set -e; for file in benchmarks/[!_]*.py; do \
	  name=$$(basename $$file .py); echo "$$name ..."; \
	  $(PY) $$file --json > benchmarks/results/$$name.part; \
	  mv benchmarks/results/$$name.part benchmarks/results/$$name.json; \
	done; ls -l benchmarks/results

models: $(DEV)
	$(PY) -m suwen.lifecycle.ship $(ARGS)

clean:
	rm -rf benchmarks/results build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} +
