# `make demo` runs the main job, `make check` the fast tests, `make test` lint and all tests, `make docs` builds the site.
# `make check-reliability` runs the tests of reliability with large counts and publishes these in docs/reliability.md.
# `make wheel` builds the package into dist/.
# Every target makes its own .venv first.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo check check-reliability test bench docs wheel lint format clean

demo: .venv/installed
	$(BIN)/patina demo --out demo_out

check: .venv/installed
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow and not reliability"

check-reliability: .venv/installed
	rm -f docs/reliability.jsonl
	$(BIN)/python -m pytest -n 2 --dist worksteal -m reliability --large --record docs/reliability.jsonl
	$(BIN)/python docs/make_reliability.py

test: .venv/installed lint
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not reliability"

bench: .venv/installed
	$(BIN)/python -m patina.bench

docs: .venv/installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

wheel: .venv/installed
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.venv/installed: requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $@

clean:
	rm -rf .venv build demo_out demo_smoke dist site
