# make demo    install into .venv and compare models on real data
# make test    every check: format, lint, types, tests with doctests and shape checks
# make docs    build the documentation and serve it on http://localhost:8000
# make clean   remove .venv and what the tools cached
#
# PYTHON chooses the interpreter of a new .venv:     make demo PYTHON=python3.12
# TORCH is what pip installs where .venv has none:   make demo TORCH='torch --index-url URL'
# A torch that is already in .venv stays, if the package allows its version.

PYTHON ?= python3
TORCH ?= torch -c constraints.txt
BIN := .venv/bin

.PHONY: demo test docs clean

demo: .venv/.demo
	$(BIN)/kgbert demo

# The models of the tests are tiny: threads would wait for each other longer than they work.
test: .venv/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(BIN)/pytest -n auto --dist loadfile

docs: .venv/.test
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve --strict

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

.venv/.demo: pyproject.toml | .venv/.torch
	$(BIN)/pip install -e '.[demo]'
	@touch $@

.venv/.test: pyproject.toml constraints.txt | .venv/.torch
	$(BIN)/pip install -e '.[demo,docs,test]' -c constraints.txt
	@touch $@

.venv/.torch: | .venv/.python
	$(BIN)/pip show -q torch 2>/dev/null || $(BIN)/pip install $(TORCH)
	@touch $@

.venv/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo "kgbert needs Python 3.11 or later; name one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	@touch $@
