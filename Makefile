# Everything a newcomer needs. `make live` shows it working; `make test` proves it.
FITS   := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))
PYTHON ?= $(or $(shell for p in python3 python3.12 python3.11; do $$p -c '$(FITS)' 2>/dev/null && echo $$p && break; done),python3)
VENV   := .venv
BIN    := $(VENV)/bin
# Processes that run the tests side by side: one more than two cores, as many tests wait.
JOBS   ?= 3

# TensorRT's Python bindings without its libraries: small, and enough to check every name that is used of them.
BINDINGS := 10.16.1.11 11.4.0.106

.PHONY: help live dashboard test bindings test-slow lint contract docs bench soak clean

help:
	@echo "make live       install into $(VENV) and run the demo: no camera, no GPU, no network after the install"
	@echo "make dashboard  the same demo in the browser; prints the address"
	@echo "make test       install what the tests need and run them"
	@echo "make test-slow  the tests that take minutes"
	@echo "make fuzz       100,000 made-up inputs to everything that reads what others wrote; about an hour"
	@echo "make bindings   TensorRT's bindings, for the test that checks names against them (part of make test)"
	@echo "make lint       ruff, mypy, import-linter"
	@echo "make contract   the schemas and asyncapi.yaml in docs/, after a change in rtme/events.py or rtme/bus/protocol.py"
	@echo "make docs       the site of docs/ into site/, for a browser: site/index.html"
	@echo "make bench      every speed bench, into bench/results and docs/performance.md; about an hour on a quiet machine"
	@echo "make soak       half an hour in which things break, likewise"
	@echo "make clean      remove $(VENV), .bindings and caches"

live: $(BIN)/.live
	@$(BIN)/rtme live demo --bind tcp://127.0.0.1:5556

dashboard: $(BIN)/.dashboard
	@$(BIN)/rtme live demo --preview --dashboard --bind tcp://127.0.0.1:5556

test: $(BIN)/.dev
# Wheels of the bindings are for Linux alone; without them the tests that need them say so and are skipped.
	@test `uname` != Linux || $(MAKE) --no-print-directory bindings || echo "going on without TensorRT's bindings"
	OMP_NUM_THREADS=1 $(BIN)/pytest -m "not slow" -n $(JOBS) --dist loadfile

bindings: $(BINDINGS:%=.bindings/%/.done) .bindings/cuda/.done

.bindings/cuda/.done: $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target $(@D) 'cuda-bindings>=13,<14' cuda-pathfinder
	@touch $@

.bindings/%/.done: $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target $(@D) tensorrt-cu13-bindings==$*
	@touch $@

test-slow: $(BIN)/.dev
	$(BIN)/pytest -m slow --timeout 1200

fuzz: $(BIN)/.dev
	$(BIN)/python bench/fuzz.py

lint: $(BIN)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

contract: $(BIN)/.dev
	$(BIN)/rtme schema > docs/events.schema.json
	$(BIN)/rtme schema replay > docs/replay.schema.json
	$(BIN)/rtme schema traces > docs/traces.schema.json
	$(BIN)/rtme schema asyncapi > docs/asyncapi.yaml

docs: $(BIN)/.docs
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "written to site/: open site/index.html"

bench: $(BIN)/.dev
	$(BIN)/python bench/engines.py
	$(BIN)/python bench/ratio.py
	$(BIN)/python bench/latency.py
	$(BIN)/python bench/throughput.py
	$(BIN)/python bench/memory.py
	$(BIN)/python bench/journal.py
	$(BIN)/python bench/dashboard.py
	$(BIN)/python bench/page.py

soak: $(BIN)/.dev
	$(BIN)/python bench/soak.py; met=$$?; $(BIN)/python bench/page.py && exit $$met

clean:
	rm -rf $(VENV) .bindings .pytest_cache .mypy_cache .ruff_cache dist site

$(BIN)/python:
	@$(PYTHON) -c '$(FITS)' || \
	  { echo "rtme needs Python 3.11 or 3.12, and $(PYTHON) is `$(PYTHON) --version 2>&1`. Name another: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "Python's venv is missing. On Debian or Ubuntu: sudo apt-get install python3-venv"; exit 1; }

$(BIN)/.live: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[demo]'
	@$(BIN)/rtme doctor --brief
	@touch $@

$(BIN)/.dashboard: $(BIN)/.live
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[demo,dashboard]'
	@touch $@

$(BIN)/.dev: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@$(BIN)/rtme doctor --brief
	@touch $@ $(BIN)/.live $(BIN)/.dashboard

$(BIN)/.docs: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[docs]'
	@touch $@
