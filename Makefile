# Two commands do all the set-up: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Modules are compiled when they are first imported; most never are, and all of them take half a minute.
INSTALL := $(BIN)/pip install --quiet --no-compile --constraint constraints.txt
# What is compiled is kept, also where the environment says not to: hundreds of processes of the tests import it again.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test test-all check coverage docs release mutation bench bench-default recipes-smoke format clean

# Each environment step leaves a stamp, so it runs again only when what it installs has changed.
$(VENV)/base:
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/demo: $(VENV)/base pyproject.toml constraints.txt
	$(INSTALL) --editable '.[demo]'
	touch $@

$(VENV)/test: $(VENV)/base pyproject.toml constraints.txt
	$(INSTALL) --editable '.[dev]'
	touch $@

# Without dependencies: torchvision asks for torch of its own build, and PyTorch for the CPU is there already; trackio
# asks for a pillow below 13.
$(VENV)/studies: $(VENV)/test
	$(INSTALL) --no-deps torchvision timm trackio
	touch $@

demo: $(VENV)/demo
	$(BIN)/diffspec demo

# tests/conftest.py gives each process one BLAS thread.
SUITE := $(BIN)/pytest -n 2 --dist worksteal
test: $(VENV)/studies
	$(SUITE)

# With all seeds, sizes and killed processes, and notes which lines are reached: three times as long.
# CONTEXT=--cov-context=test notes the test that reached each line, which `make mutation` reads and costs a quarter more.
test-all: $(VENV)/studies
	rm -f .coverage .coverage.* .durations.json
	$(SUITE) --thorough --cov $(CONTEXT) --cov-report= -p mutation.durations

# Of the last `make test-all`, lines and branches.
coverage: $(VENV)/test
	$(BIN)/coverage report --fail-under=97

# All mutants of the core, after a run of the tests; SAMPLE=20 draws as many per module.
mutation: $(VENV)/test
	$(MAKE) test-all CONTEXT=--cov-context=test
	$(BIN)/python -m mutation $(if $(SAMPLE),--sample $(SAMPLE))

check: $(VENV)/test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict src
	$(BIN)/lint-imports --no-cache

# The site, in build/docs: examples run, warnings are errors, links are followed, and the network is not used.
docs: $(VENV)/test
	rm -rf docs/reference/api build/docs
	PYTHONPATH=tests/startup OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(BIN)/sphinx-build -W --keep-going -q -b html docs build/docs
	$(BIN)/python docs/check_links.py build/docs

# Builds, checks and tries wheel and sdist in fresh environments; uploads nothing. Packages are fetched, so it needs the network.
release: $(VENV)/test
	$(INSTALL) build twine
	$(BIN)/python -m release

# With an environment .bench-venv that holds dse-dsmi (docs/benchmarks.md) that package is compared too.
bench: $(VENV)/test
	$(BIN)/python -m benchmarks --python $(firstword $(wildcard .bench-venv/bin/python) $(BIN)/python)

# The defaults beside the neighbour search and the eigenvalues that they rest on; then how they grow with the points.
bench-default: $(VENV)/test
	$(BIN)/python -m benchmarks.default
	$(BIN)/python -m benchmarks.default --growth

# Every recipe at its smallest size, a few seconds each; finished cells are kept, so a second run skips them.
recipes-smoke: $(VENV)/studies
	for name in $$($(BIN)/python -m recipes list --short); do $(BIN)/python -m recipes $$name --smoke || exit 1; done

format: $(VENV)/test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) diffspec-demo
