# README's two commands, and what a developer runs before a commit.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PORT   ?= 8501
# Two processes, each with whole files of tests, in the order of their names: the long ones are early.
AT_ONCE := -n 2 --dist loadfile

.PHONY: run serve test lint check fast messages small-container soak screenshots clean

run: $(VENV)/.installed
	$(BIN)/python -m facecore dashboard --port $(PORT)

# The dashboard and the HTTP API on one port.
serve: $(VENV)/.installed-serve
	$(BIN)/python -m facecore serve --port $(PORT)

# What fails beside another test, on a machine that is busy with both, runs once more, alone.
test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest $(AT_ONCE) || { echo "Once more, alone:"; \
	    $(BIN)/python -m pytest --last-failed --last-failed-no-failures none; }

# The tests that start no server, no browser and no page but to see it open, for the impatient.
# Three folders have none of them, and need not be imported.
fast: $(VENV)/.installed-dev
	$(BIN)/python -m pytest $(AT_ONCE) -m "not browser and not slow" $(addprefix --ignore=tests/,browser cli pages)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy
	$(BIN)/bandit -q -c pyproject.toml -r facecore pages streamlit_app.py server_app.py

check: lint test

# Bring the catalogues of facecore/locale in step with the sources.
messages: $(VENV)/.installed-dev
	$(BIN)/python -m tests.translations

# Needs Linux and the rights to make control groups.
small-container: $(VENV)/.installed-dev
	$(BIN)/python -m tests.limits.small_container

soak: $(VENV)/.installed-dev
	$(BIN)/python -m tests.soak --minutes 10

screenshots: $(VENV)/.installed-dev
	$(BIN)/python -m tests.browser.screenshots build/screenshots

$(VENV)/bin/python:
	@echo "Making a Python environment in $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.txt | $(VENV)/bin/python
	@echo "Installing the packages and the networks: once, some minutes, about 800 MB on disk ..."
	@$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt
	@$(BIN)/python -m facecore models install
	@touch $@

$(VENV)/.installed-serve: requirements-serve.txt $(VENV)/.installed
	@echo "Installing what the metrics need ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-serve.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt requirements-serve.txt requirements-otel.txt $(VENV)/.installed
	@echo "Installing what the tests and checks need ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache build dist
