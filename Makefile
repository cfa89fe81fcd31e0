# Two commands matter: `make run` and `make test`. Both install what they need.
.PHONY: run test lint types contracts unit postgres15 browser check demo-check crash-test histories fuzz format translations clean
PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/pytest -q
unexport PYTHONDONTWRITEBYTECODE  # five processes that parse every file anew start five times slower

run: .venv/run.stamp            ## start everything with a small demo and print the addresses
	$(BIN)/yupana demo

test: lint types contracts unit postgres15 browser   ## everything that must hold

.venv/run.stamp: requirements.txt pyproject.toml tools/install
	tools/install requirements.txt
	@touch $@

.venv/dev.stamp: requirements-dev.txt pyproject.toml tools/install tools/install-system
	tools/install requirements-dev.txt
	tools/install-system
	@touch $@ .venv/run.stamp

lint: .venv/dev.stamp           ## formatter and linter
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: .venv/dev.stamp          ## types
	$(BIN)/mypy

contracts: .venv/dev.stamp      ## who may import whom
	$(BIN)/lint-imports

unit: .venv/dev.stamp           ## everything without a browser, on two cores
	$(PYTEST) -n 2 --dist loadfile -m "not browser" --durations=15

postgres15: .venv/dev.stamp     ## the database suite again, on Debian's PostgreSQL 15
	YUPANA_POSTGRES_BIN=/usr/lib/postgresql/15/bin $(PYTEST) -n 2 --dist loadfile tests/core/db tests/isolation

browser: .venv/dev.stamp        ## every page of every role in a real browser
	$(PYTEST) -m browser

demo-check: .venv/run.stamp     ## the whole chain without a person
	$(BIN)/yupana demo --check

crash-test: .venv/dev.stamp     ## 2,000 invoices, random kills, an SRI that fails: prints the counts
	YUPANA_CRASH=full $(PYTEST) -s --timeout=0 tests/crash

histories: .venv/dev.stamp      ## 200 histories of a licence by chance: books, licence and portfolio agree
	YUPANA_HISTORIES=200 $(PYTEST) -n 2 --timeout=0 tests/stories/test_random_histories.py

fuzz: .venv/dev.stamp           ## 100,000 mutated inputs for each reader, as many documents for the schemas
	YUPANA_FUZZ=100000 $(PYTEST) -s --timeout=0 tests/fuzz tests/plugins/einvoice_sri/domain/test_conformance.py

format: .venv/dev.stamp         ## put the code in shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

translations: .venv/dev.stamp   ## compile every catalogue
	for folder in core plugins/*; do [ -d $$folder/translations ] && $(BIN)/pybabel -q compile -d $$folder/translations; done; true

clean:                          ## forget what was installed and started
	rm -rf .venv var test-output
