.PHONY: demo test test-all lint bench measure conformance pages docs clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SHARED ?= ../shared
STAMP := $(VENV)/.installed

demo: $(STAMP)
	$(BIN)/livefire demo --out demo-out $(if $(wildcard $(SHARED)/sources),--published $(SHARED)/sources)

test: $(STAMP)
	$(BIN)/python -m pytest -n 2 -m "not slow"

test-all: $(STAMP)
	if command -v npm >/dev/null && command -v node >/dev/null; then npm install --prefix tests/kusto --no-save --no-audit --no-fund --silent; fi
	$(BIN)/python -m pytest -n 2

lint: $(STAMP)
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP)
	$(BIN)/python benchmarks/run_all.py $(if $(LARGE),--large)

measure: $(STAMP)
	$(BIN)/python -m tests.background_run build/background docs/t1578-background.md
	$(BIN)/python -m tests.real_logs $(SHARED) docs/t1578-real-logs.md

conformance: $(STAMP)
	$(BIN)/python -m tests.conformance $(SHARED) docs/conformance.md

pages: $(STAMP)
	$(BIN)/python -m tests.screenshots

docs: $(STAMP)
	$(BIN)/python -m tests.generate_docs

clean:
	rm -rf $(VENV) demo-out build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@
