# `make demo` runs the main job, `make test` the tests, `make bench` measures the speed; all make their own .venv first.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test bench lint format clean

demo: .venv/installed
	$(BIN)/patina demo --out demo_out

test: .venv/installed lint
	$(BIN)/python -m pytest

bench: .venv/installed
	$(BIN)/python -m patina.bench

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: .venv/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.venv/installed: requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

clean:
	rm -rf .venv demo_out
