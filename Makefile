# The two commands: `make studio` opens the studio, `make test` runs every test. Both set up .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export HF_HUB_DISABLE_TELEMETRY ?= 1
export GRADIO_ANALYTICS_ENABLED ?= False

.PHONY: studio install dev test check format benchmark clean

studio: install
	$(BIN)/stage studio

install: $(VENV)/.installed

dev: $(VENV)/.installed-dev

# pip reads the caller's own configuration: a CPU build of torch, a mirror or a constraint is theirs to choose
$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("STAGE Studio needs Python 3.10 to 3.13, this is %d.%d: run make with PYTHON=python3.12" % sys.version_info[:2] if not (3, 10) <= sys.version_info < (3, 14) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet -e '.[dev]'
	@touch $(VENV)/.installed $@

# every test: lint, types, units, the real database, processes killed, the real page in a browser
test: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -m "not benchmark and not gpu"

# the fast subset, under 90 seconds
check: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -m "not slow and not browser and not benchmark and not gpu"

format: dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# prints ratios; never fails by time
benchmark: dev
	$(BIN)/python -m tests.benchmarks.bench_pair
	$(BIN)/python -m tests.benchmarks.bench_film

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
