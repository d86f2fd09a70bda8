PYTHON ?= python3
BIN := .venv/bin
SIDE_BY_SIDE := -q -n auto --dist loadfile --no-loadscope-reorder
TEMPLATES := core/templates legal_docs/templates billing/templates portal/templates local/templates

unexport PYTHONDONTWRITEBYTECODE  # what is compiled once loads in half the time, whatever starts it

.DEFAULT_GOAL := help
.PHONY: help run test test-quick check format bench audit lock sbom sdk sdk-npm

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: .venv/.run ## Set everything up and serve on http://127.0.0.1:8000
	@exec $(BIN)/flask serve

test: .venv/.dev ## Set everything up and run every test, side by side
	$(BIN)/pytest $(SIDE_BY_SIDE)

test-quick: .venv/.dev ## Run in a minute what needs Python alone
	$(BIN)/pytest $(SIDE_BY_SIDE) -n 2 -m "not slow and not database" --ignore=tests/sdk --ignore=tests/deploy

check: .venv/.dev ## Format, lint, types, contracts, dependencies, migrations up-down-up, secrets, what we ship
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/djlint --check --lint --quiet $(TEMPLATES)
	$(BIN)/python -m tests.migrations_round_trip
	$(BIN)/python -m tests.secret_scan
	$(BIN)/python -m deploy.sbom --check
	$(BIN)/python -m deploy.images

format: .venv/.dev ## Put code and templates into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	-$(BIN)/djlint --reformat --quiet $(TEMPLATES)

bench: .venv/.dev ## Measure the check path beside a bare Flask echo and Cerbos (needs wrk and npm)
	$(BIN)/python -m tests.bench

audit: .venv/.dev ## Ask whether any dependency has a known hole, and keep the answer for the launch board
	$(BIN)/python -m deploy.audit

lock: .venv/.dev ## Pin every dependency, with hashes, from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header pyproject.toml --group dev -o requirements-dev.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header pyproject.toml --constraint requirements-dev.txt -o requirements.txt

sbom: .venv/.dev ## Write the bill of materials (CycloneDX) of what is pinned
	$(BIN)/python -m deploy.sbom

sdk: .venv/.dev sdk-npm ## Build what customers install, into var/sdk
	$(BIN)/uv build --offline --quiet --out-dir var/sdk sdk/python

sdk-npm: ## Build and pack the TypeScript SDK into var/sdk (needs npm)
	@mkdir -p var/sdk
	npm ci --prefix sdk/typescript --ignore-scripts --no-audit --no-fund --silent
	cd sdk/typescript && npm pack --silent --pack-destination ../../var/sdk

.venv/.run: requirements.txt
	@test -d .venv || $(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.txt
	@touch $@

.venv/.dev: requirements-dev.txt
	@test -d .venv || $(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.txt
	@touch $@
