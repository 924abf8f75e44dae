# Two commands do everything on a fresh Debian machine with git, make, Python 3.11+ and its venv module:
#   make launch     launch the example brand        make test      run every test
#   make check      format, lint, types, arrows     make docs      draw what is drawn from the code
#   make soak SEED=7 SECONDS=600                    long fuzzing; the same seed runs the same tests
#   make bench      measure the hot paths           make coverage  run every test and say what none reaches
# PYTHON=/path/to/python3 chooses the interpreter; everything is installed below .venv and nowhere else.

PYTHON ?= python3
SEED ?= 1
SECONDS ?= 300
BIN := .venv/bin
ENVIRONMENT := PYTHON='$(PYTHON)' scripts/environment

# What the caller's shell sets for other projects must not reach ours.
unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTEST_ADDOPTS VIRTUAL_ENV

.PHONY: launch test coverage check soak docs bench
.NOTPARALLEL:

launch:
	@$(ENVIRONMENT) run
	@$(BIN)/mvne launch examples/tilleul/plan.yaml

test:
	@$(ENVIRONMENT) empty
	@$(BIN)/python -m scripts.system_needs
	@$(ENVIRONMENT) dev
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal

# Measuring what the tests reach makes them half as slow again, so it has a target of its own.
coverage:
	@$(ENVIRONMENT) empty
	@$(BIN)/python -m scripts.system_needs
	@$(ENVIRONMENT) dev
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal --cov --cov-branch --cov-report=term:skip-covered --cov-fail-under=90

check:
	@$(ENVIRONMENT) dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

soak:
	@$(ENVIRONMENT) empty
	@$(BIN)/python -m scripts.system_needs
	@$(ENVIRONMENT) dev
	@$(BIN)/python -m tests.soak --seed $(SEED) --seconds $(SECONDS)
	@$(BIN)/python -m tests.soak_charging --seed $(SEED) --seconds $(SECONDS)

docs:
	@$(ENVIRONMENT) dev
	@$(BIN)/python -m scripts.states
	@$(BIN)/python -m scripts.command_reference
	@$(BIN)/python -m scripts.plan_reference
	@$(BIN)/python -m scripts.charging_openapi

bench:
	@$(ENVIRONMENT) dev
	@$(BIN)/python -m benchmarks.rating
	@$(BIN)/python -m benchmarks.loading
	@$(BIN)/python -m benchmarks.starting
	@$(BIN)/python benchmarks/charging.py --sessions 5000 --runs 1 --no-http
