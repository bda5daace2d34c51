# Two commands on a fresh machine with Python >= 3.11, pip and make:
#   make demo    the main job, end to end, on made-up people
#   make test    everything the project promises
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
SOURCES := consortium policies cli tests benchmarks docs

.PHONY: demo test check format bench clean

$(VENV)/.base: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.full: $(VENV)/.base
	$(PIP) install --constraint constraints.txt --editable ".[check]"
	@touch $@

demo: $(VENV)/.base
	$(BIN)/consortium demo

test: $(VENV)/.full
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

check: $(VENV)/.full
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/check.py

$(VENV)/.bench: $(VENV)/.full
	$(PIP) install --constraint constraints.txt --editable ".[bench]"
	@touch $@

bench: $(VENV)/.bench
	$(BIN)/python benchmarks/run.py

format: $(VENV)/.full
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

clean:
	rm -rf $(VENV) dist build consortium-demo*
