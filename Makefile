# Everything runs from .venv, made from the lock by the first target that needs it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
INSTALLED := $(VENV)/.installed
# Tests of one file share servers, so they go to one process together; conftest.py says which files come first.
PROCESSES ?= 2
AT_ONCE := -n $(PROCESSES) --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help install run dev generated docs test e2e browser screenshots slow kills mutations bench bench-small bench-fixed bench-engine bench-store bench-summary bench-source bench-export lint lock

help: ## Show the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

install: $(INSTALLED) ## Make .venv and install the locked versions

$(INSTALLED): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q conflict_assets
	@touch $@

run: install ## Run the night: all prefixes, on embedded parts unless settings say otherwise
	$(BIN)/conflict-assets run

dev: install ## Start the Dagster UI and daemon on http://localhost:3000 (PORT=3400 chooses another port)
	$(BIN)/conflict-assets dev $(if $(PORT),--port $(PORT))

test: install ## Run the tests (PROCESSES=3 runs as many files at once)
	$(BIN)/python -m pytest $(AT_ONCE)

e2e: install browser ## Run the tests that drive a real webserver and daemon, and look at the UI
	$(BIN)/python -m pytest $(AT_ONCE) -m e2e

browser: ## Install Chromium and its driver where they are missing (Debian, Ubuntu)
	@command -v chromium >/dev/null && command -v chromedriver >/dev/null || { \
		run() { if [ "$$(id -u)" = 0 ]; then "$$@"; else sudo "$$@"; fi; }; \
		run apt-get update -qq && run env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 \
			install -y -qq --no-install-recommends chromium chromium-driver; }

screenshots: install browser ## Take the pictures of the UI and the report in docs/ anew
	SCREENSHOTS=docs $(BIN)/python -m pytest -m e2e conflict_assets_tests/e2e/test_browser.py \
		conflict_assets_tests/e2e/test_report.py::test_pictures_of_it_can_be_taken

slow: install ## Run the tests that take minutes: kills, ten thousand examples
	HYPOTHESIS_PROFILE=nightly $(BIN)/python -m pytest -m "slow or not e2e"

kills: install ## Kill 200 whole nights of the command line at random moments, and hold each next one: an hour (KILLS="--kills 20 --seed 2" adds options)
	$(BIN)/python -m conflict_assets_tests.kills $(KILLS)

mutations: install ## Break the package on purpose, one change at a time, and see that the tests notice: hours
	$(BIN)/python -m conflict_assets_tests.mutations rules
	$(BIN)/python -m conflict_assets_tests.mutations incremental
	$(BIN)/python -m conflict_assets_tests.mutations sample

bench: install ## Measure whole nights of 1, 10 and 60 million visits beside the replaced pipeline: hours, 30 GB of disk (BENCH="..." adds options)
	$(BIN)/python -m benchmarks.night.bench --write $(BENCH)

bench-small: install ## Measure nights of 1 million visits, once each: some minutes
	$(BIN)/python -m benchmarks.night.bench --sizes 1000000 --rounds 1 $(BENCH)

bench-fixed: install ## Measure what a night costs before it has looked at a visit, beside an earlier checkout (BEFORE=<checkout>): a quarter of an hour
	$(BIN)/python -m benchmarks.night.bench_fixed --before $(BEFORE)

bench-engine: install ## Measure the engine beside the algorithm that it replaces
	$(BIN)/python -m benchmarks.engine.bench

bench-store: install ## Measure the store beside the pattern that it replaces
	$(BIN)/python -m benchmarks.store.bench_store

bench-summary: install ## Measure the reading of the report's data as the store grows, beside an earlier checkout (BEFORE=<checkout>)
	$(BIN)/python -m benchmarks.store.bench_summary --before $(BEFORE)

bench-source: install ## Measure what a night of 10 million visits asks of the warehouse
	$(BIN)/python -m benchmarks.source.bench_source

bench-export: install ## Measure the export of a million conflict rows to each format
	$(BIN)/python -m benchmarks.export.bench_export

generated: install ## Write the pages and lists in docs/ that are made from the code, and .env.example
	$(BIN)/python -m conflict_assets_tests.pages
	$(BIN)/python -m conflict_assets_tests.configuration.settings_errors
	$(BIN)/python -m conflict_assets.store.data_dictionary docs/columns.md

docs: install ## Build the pages into a site in site/; a link that leads nowhere is an error
	rm -rf build/pages && mkdir -p build/pages/deploy
	cp -R README.md CONTRIBUTING.md CHANGELOG.md LICENSE docs build/pages
	cp deploy/README.md build/pages/deploy
	$(BIN)/zensical build --clean --strict

lint: install ## Check style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

lock: ## Resolve the dependencies anew into requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
		--no-emit-index-url --extra dev pyproject.toml --output-file requirements.lock
