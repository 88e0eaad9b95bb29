# `make setup` is quick the second time: its stamp depends on the lock, pyproject.toml and setup.py.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.driftline-setup
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.10 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && echo $$p && break; done)

.PHONY: help setup demo demo-live test test-all conformance mutants lint format bench bench-peers lock flink-up flink-down clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 14

setup: $(STAMP)  ## create .venv with the locked dependencies and driftline itself

$(STAMP): requirements-lock.txt pyproject.toml setup.py
	@if [ ! -x $(BIN)/python ]; then \
		if [ -z "$(PYTHON)" ]; then echo "make setup: no Python 3.10-3.13 found; install one or name it: make setup PYTHON=/path/to/python3.11" >&2; exit 1; fi; \
		"$(PYTHON)" -m venv $(VENV); \
	fi
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-lock.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup  ## real flights of 2013 with two faults put in: baseline, backtest, report, check
	$(BIN)/python examples/flights/demo.py

demo-live: setup  ## the same flights through Kafka and Flink, live, until Ctrl-C (needs Java 17 and Maven; SPEED=17280)
	@exec $(BIN)/python examples/flights/live/demo.py $(if $(SPEED),--speed $(SPEED))

test: lint  ## what must hold before a change lands; leaves out the long tests, except where CI is set
	$(BIN)/python -m pytest --numprocesses logical $(if $(CI),,-m "not long")

test-all: lint  ## the long tests too
	$(BIN)/python -m pytest --numprocesses logical

CONFORMANCE := $(addprefix tests/,\
	driftline/decoding/test_json_vectors.py driftline/decoding/test_json_documents.py driftline/decoding/test_csv.py \
	driftline/decoding/test_arrow_types.py driftline/decoding/test_avro_types.py driftline/decoding/test_expansion.py \
	driftline/decoding/test_formatted_times.py transforms/sources/files/test_damaged_files.py driftline/test_fuzz.py)

conformance: setup  ## what is read of each format, vector by vector, with a longer round of fuzzing (docs/formats.md)
	DRIFTLINE_FUZZ_EXAMPLES=$${DRIFTLINE_FUZZ_EXAMPLES:-100} $(BIN)/python -m pytest --numprocesses logical $(CONFORMANCE)

COSMIC_RAY := 8.7.0

mutants: setup  ## change the deciding code bit by bit and see that tests notice (long; FILES="driftline/...")
	@[ -d .cache/mutants ] || $(BIN)/python -m pip install --quiet --disable-pip-version-check --target .cache/mutants cosmic-ray==$(COSMIC_RAY)
	$(BIN)/python .ci/mutants.py $(FILES)

lint: setup  ## style, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup  ## rewrite the code in the project's style
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup bench-peers  ## the benchmarks that need no server; benchmarks/README.md lists all
	$(BIN)/python benchmarks/throughput.py
	$(BIN)/python benchmarks/scaling.py
	$(BIN)/python benchmarks/sketches.py
	$(BIN)/python benchmarks/detectors.py
	$(BIN)/python benchmarks/detector_alarms.py
	$(BIN)/python benchmarks/join.py
	$(BIN)/python benchmarks/outcomes_on_the_spine.py
	$(BIN)/python benchmarks/calibration.py
	$(BIN)/python benchmarks/delays.py
	$(BIN)/python benchmarks/foreign_data.py
	$(BIN)/python benchmarks/performance_calibration.py
	$(BIN)/python benchmarks/performance_trends.py
	$(BIN)/python benchmarks/error_kinds.py
	$(BIN)/python benchmarks/iid_agreement.py
	$(BIN)/python examples/flights/download.py
	$(BIN)/python benchmarks/calibration.py --flights examples/flights/data
	$(BIN)/python benchmarks/delays.py --flights examples/flights/data
	$(BIN)/python benchmarks/peers/shuffled_flights_peers.py

bench-peers: setup  ## whylogs, Evidently and NannyML, each in a venv of its own under .cache/peers
	$(BIN)/python benchmarks/peers/environments.py

flink-up: setup  ## start a Flink cluster on this machine (needs Java 17 and Maven); then: python -m tools.flink submit CONFIG
	$(BIN)/python -m tools.flink up

flink-down: setup  ## stop it
	$(BIN)/python -m tools.flink down

lock: setup  ## write requirements-lock.txt again from pyproject.toml (needs the package index and Python 3.10 and 3.11)
	$(BIN)/python .ci/lock.py

clean:  ## stop the cluster and the broker, remove what can be made again (the downloaded flights too)
	if [ -f .cache/flink/cluster.json ]; then $(BIN)/python -m tools.flink down; fi
	if [ -f .cache/kafka/broker.json ]; then $(BIN)/python -m tools.kafka down; fi
	rm -rf $(VENV) .cache build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	rm -rf examples/flights/data examples/flights/out
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
