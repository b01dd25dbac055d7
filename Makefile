# One door for everything: a fresh machine needs Python 3.11+ and make, each target sets up what it needs.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PANEL := $(wildcard ../shared/data/prices)
MESSY := $(wildcard ../shared/data/messy)

# The development panel is optional: tests that need it say loudly that they skip without it.
ifneq ($(PANEL),)
export GEIGER_PANEL ?= $(abspath $(PANEL))
endif
ifneq ($(MESSY),)
export GEIGER_MESSY ?= $(abspath $(MESSY))
endif

.PHONY: install demo test test-fast test-machines test-platforms check fix bench curves docs site clean
.DEFAULT_GOAL := demo

# Byte-compiled whatever the environment says: uncompiled packages start 2 to 5 times slower.
$(STAMP): requirements/lock.txt pyproject.toml
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Python 3.11 or newer is needed, this is " + sys.version'
	@echo "installing into $(VENV): a minute or two, more on a slow line"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements/lock.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q $(VENV)/lib src || true
	touch $@

install: $(STAMP)
	@echo "installed: . $(BIN)/activate, then geiger doctor"

demo: $(STAMP)
	$(BIN)/geiger demo

# Tests are kept byte-compiled as well. A worker without tests left takes over some of the other's.
PYTEST = PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 2 --dist worksteal

test: $(STAMP)
	$(PYTEST)

test-fast: $(STAMP)
	$(PYTEST) -m "not slow"

# Slow: three random orders, then as other processors. Parts of it: make test-machines MACHINES="--only haswell -- tests/models"
test-machines: $(STAMP)
	$(BIN)/python tools/machines.py $(MACHINES)

# Whether the lock installs on other systems; needs the internet.
test-platforms: $(STAMP)
	$(BIN)/python tools/platforms.py

# All that CI runs, in the same order.
check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(MAKE) test

fix: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(MAKE) docs

docs: $(STAMP)
	$(BIN)/python tools/write_docs.py

# The pages as a site, in site/: any doubtful link is an error, and nothing is loaded from elsewhere.
site: $(STAMP)
	$(BIN)/python -m sphinx -b html -W --keep-going -q -c docs -d $(VENV)/.doctrees . site

# One table of all that has a goal. Parts: make bench BENCH="--only trainings --base 3d2d211 --rounds 3"
bench: $(STAMP)
	$(BIN)/python bench/table.py $(BENCH)

# Cost against rows, folds, seeds, symbols and logs; then the page that shows it.
curves: $(STAMP)
	$(BIN)/python bench/curves.py $(CURVES)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
