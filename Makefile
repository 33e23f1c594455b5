# The two commands: `make studio` opens the studio, `make test` runs every test. Both set up .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export HF_HUB_DISABLE_TELEMETRY ?= 1
export GRADIO_ANALYTICS_ENABLED ?= False
# tests run in so many processes of one thread each, a file in one of them, the long browser stories first; one
# more than cores, since some of them wait for a page or for a process
WORKERS ?= $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 1) + 1)')
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: studio install dev test check lint quick-engine quick-studio format soak gpu benchmark screenshots clean

studio: install
	$(BIN)/stage studio

install: $(VENV)/.installed

dev: $(VENV)/.installed-dev

# a venv that failed half-way, or whose Python is gone (a link that leads nowhere), is made anew
# pip reads the caller's own configuration: a CPU build of torch, a mirror or a constraint is theirs to choose
$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("STAGE Studio needs Python 3.10 to 3.13, this is %d.%d: run make with PYTHON=python3.12" % sys.version_info[:2] if not (3, 10) <= sys.version_info < (3, 14) else 0)'
	$(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); echo "Python could not make $(VENV): install python3-venv (sudo apt install python3-venv) or what your system calls it, then run make again." >&2; exit 1; }

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet -e '.[dev]'
	@touch $(VENV)/.installed $@

# every test: lint, types, units, the real database, processes killed, the real page in a browser
test: lint
	$(PYTEST) -m "not benchmark and not gpu"

# the fast subset: lint, types, and the tests that wait for nothing, side by side. The engine's and the studio's are
# two processes, because importing costs as much as testing, and the studio's need no torch
QUICK := STAGE_QUICK=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q \
	-m "not slow and not browser and not benchmark and not gpu"

check: dev
	$(MAKE) -j 3 lint quick-engine quick-studio

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

quick-engine: dev
	$(QUICK) tests --ignore tests/studio --ignore tests/browser

quick-studio: dev
	$(QUICK) tests/studio

format: dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# what needs an NVIDIA card: every variant of the profiles on tiny weights
gpu: dev
	$(BIN)/python -m pytest -q -m gpu tests

# two hundred kills of the page and of the drawing process (make test has ten)
soak: dev
	STAGE_KILLS=200 $(BIN)/python -m pytest -q -s tests/studio/test_kills.py

# prints ratios; never fails by time
benchmark: dev
	$(BIN)/python -m tests.benchmarks.bench_pair
	$(BIN)/python -m tests.benchmarks.bench_film
	$(BIN)/python -m tests.benchmarks.bench_train
	$(BIN)/python -m tests.benchmarks.bench_page

# README's pictures of the page, as a test walks through it
screenshots: dev
	STAGE_SHOTS=build/screenshots $(BIN)/python -m pytest -q tests/browser/test_story.py -k one_sentence
	$(BIN)/python -m tests.browser.readme_pictures build/screenshots

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
