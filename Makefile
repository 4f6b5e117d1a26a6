# The verbs. `make demo` and `make test` need only python3 and make; what a target needs beyond that, it installs.
PY = .venv/bin/python
PYTEST = $(PY) -m pytest
.DEFAULT_GOAL := help
.PHONY: help demo test test-all test-slow test-postgres test-own-order test-browser test-mariadb lint types contracts docs bench clean

help:
	@echo "make demo       buy something in the example shop (http://127.0.0.1:8000/)"
	@echo "make test       the tests: SQLite, and PostgreSQL and Redis where they run"
	@echo "make test-all   those that take longer too: browser, kills, races, other databases, own order model"
	@echo "make lint types contracts   ruff, mypy --strict, import contracts"
	@echo "make bench      the webhook endpoint beside a bare view, as a ratio"
	@echo "make docs       write the generated pages anew"

demo:
	@bin/bootstrap dev
	@$(PY) manage.py demo

test:
	@bin/bootstrap dev conformance
	$(PYTEST) -n auto -m "not slow and not e2e" tests

test-all: test-slow test-postgres test-own-order test-mariadb test-browser

test-slow:
	@bin/bootstrap dev
	$(PYTEST) -m "slow and not e2e" tests

test-postgres:
	@bin/bootstrap dev
	@bin/with-service postgres 5432 "$(PYTEST) -n auto -m 'not slow and not e2e and not plain' tests --ignore=tests/simulators"

test-own-order:
	@bin/bootstrap dev
	PAYFLOW_TEST_OWN_ORDER=1 $(PYTEST) -n auto -m "not slow and not e2e and not plain" tests --ignore=tests/simulators --ignore=tests/example

test-mariadb:
	@bin/bootstrap dev
	@bin/with-service mariadb 3306 "$(PYTEST) -n auto -m 'not slow and not e2e and not plain' tests --ignore=tests/simulators"

test-browser:
	@bin/bootstrap dev e2e
	@bin/need-chromium
	$(PYTEST) -m e2e tests/browser

lint:
	@bin/bootstrap dev lint
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

types:
	@bin/bootstrap dev types
	$(PY) -m mypy

contracts:
	@bin/bootstrap dev lint
	.venv/bin/lint-imports --no-logo

docs:
	@bin/bootstrap dev
	$(PY) bin/generate-docs

bench:
	@bin/bootstrap dev bench
	$(PY) -m bench

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache var build dist
