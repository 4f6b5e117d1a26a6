# The verbs. `make demo` and `make test` need only python3 and make; what a target needs beyond that, it installs.
PY = .venv/bin/python
PYTEST = $(PY) -m pytest
.DEFAULT_GOAL := help
.PHONY: help demo test test-all soak mutate test-thorough test-slow test-postgres test-own-order test-browser test-mariadb lint types contracts docs bench clean

help:
	@echo "make demo       buy something in the example shop (http://127.0.0.1:8000/)"
	@echo "make test       the tests: SQLite, and PostgreSQL and Redis where they run"
	@echo "make test-all   those that take longer too: browser, kills, races, other databases, own order model"
	@echo "make soak       every kill at every provider, and pairs of kills; writes docs/reliability.md (an hour or two)"
	@echo "make mutate     break the rules of states and money one small change at a time: do the tests notice?"
	@echo "make lint types contracts   ruff, mypy --strict, import contracts"
	@echo "make bench      the webhook endpoint beside a bare view, as a ratio"
	@echo "make docs       write the generated pages anew"

demo:
	@bin/bootstrap dev
	@$(PY) manage.py demo

test:
	@bin/bootstrap dev conformance
	$(PYTEST) -n auto -m "not slow and not e2e and not thorough and not soak" tests

test-all: test-thorough test-slow test-postgres test-own-order test-mariadb test-browser

test-thorough:
	@bin/bootstrap dev conformance
	$(PYTEST) -n auto -m "thorough and not slow and not e2e and not soak" tests

test-slow:
	@bin/bootstrap dev conformance
	$(PYTEST) -n auto -m "slow and not services and not e2e and not soak" tests
	@bin/with-service mariadb 3306 true
	$(PYTEST) -n 2 --dist loadfile -m "slow and services and not e2e and not soak" tests

soak: export PAYFLOW_RELIABILITY_REPORT = 1
soak:
	@bin/bootstrap dev
	@rm -f var/reliability.jsonl
	$(PYTEST) -m "soak or reported" tests
	PAYFLOW_SOAK=100000 $(PYTEST) -n auto tests/states/test_histories.py
	PAYFLOW_SOAK=20000 $(PYTEST) -n auto tests/histories/test_permuted_news.py -m "not slow"
	PAYFLOW_SOAK=2000 $(PYTEST) -n auto tests/histories/test_through_the_flow.py
	$(PY) -m tests.services.ledger

mutate:
	@bin/bootstrap dev
	$(PY) -m tests.mutation

test-postgres:
	@bin/bootstrap dev conformance
	@bin/with-service postgres 5432 "$(PYTEST) -n auto -m 'not slow and not e2e and not soak and not plain and not thorough and not services' tests --ignore=tests/simulators"

test-own-order:
	@bin/bootstrap dev conformance
	PAYFLOW_TEST_OWN_ORDER=1 $(PYTEST) -n auto -m "not slow and not e2e and not soak and not plain and not thorough and not services" tests --ignore=tests/simulators --ignore=tests/example

test-mariadb:
	@bin/bootstrap dev conformance
	@bin/with-service mariadb 3306 "$(PYTEST) -n auto -m 'not slow and not e2e and not soak and not plain and not thorough and not services' tests --ignore=tests/simulators"

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
