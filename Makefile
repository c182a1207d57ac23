# `make demo` runs the main job, `make check` the fast tests, `make test` all tests that take seconds,
# `make check-long` those that take longer, `make docs` builds the site.
# `make check-reliability` runs the tests of reliability with large counts and publishes these in docs/reliability.md.
# `make check-gpu` checks and measures all that can run on an NVIDIA GPU, in at most 8 minutes.
# `make check-distributed` runs the tests of several processes, devices and machines.
# `make wheel` builds the package into dist/, `make container` the Dockerfile's image (TORCH=cu128 for NVIDIA GPUs,
# CONTAINER=podman in place of docker).
# `make notebook` runs docs/notebook.ipynb and stores what its cells show; `make check-studio` tests the pages in Chromium.
# Every target but `wheel` makes its own .venv first.
PYTHON ?= python3
TORCH ?= cpu
CONTAINER ?= docker
BIN := .venv/bin

.PHONY: demo check check-long check-distributed check-gpu check-reliability check-studio container notebook test bench \
  bench-sizes docs wheel lint style types format clean

demo: .venv/installed
	$(BIN)/patina demo --out demo_out

check: .venv/installed
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow and not reliability"

check-long: .venv/installed
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "long and not reliability"

check-reliability: .venv/installed
	rm -f docs/reliability.jsonl
	$(BIN)/python -m pytest -n 2 --dist worksteal -m reliability --large --record docs/reliability.jsonl
	$(BIN)/python docs/make_reliability.py

check-distributed: .venv/installed
	$(BIN)/python -m pytest -n 2 --dist worksteal -m distributed

test: .venv/installed
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not long and not reliability"

bench: .venv/installed
	$(BIN)/python -m patina.bench

bench-sizes: .venv/installed
	$(BIN)/python -m patina.bench.sizes

check-gpu: .venv/installed
	$(BIN)/python -m patina.bench.gpu_check

docs: .venv/installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

notebook: .venv/installed
	$(BIN)/python docs/make_notebook.py

container:
	$(CONTAINER) build --tag patina --build-arg TORCH=$(TORCH) .
	$(CONTAINER) run --rm patina doctor

check-studio: .venv/installed
	$(BIN)/python -m pytest tests/studio tests/pipelines/test_report_page.py

wheel:
	$(or $(wildcard $(BIN)/python),$(PYTHON)) -m pip wheel --quiet --no-deps --wheel-dir dist .

lint: style types

style: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/installed
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
