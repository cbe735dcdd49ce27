# Everything a newcomer needs: each target sets up what it lacks. See README.md and CONTRIBUTING.md.
.DEFAULT_GOAL := help
.PHONY: help image secrets test-ops demo up test test-unit test-contract test-integration test-e2e test-browser soak \
	mutants mutants-page audit screenshots check fix watch hooks bench lock settings metrics schemas clean
BIN := .venv/bin
ARGS ?=
WORKERS ?= auto
# Rewritten assertions are kept between runs, also where bytecode is not written otherwise.
PYTEST = env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -n $(WORKERS)
# Runs a command and says how long it took.
timed = @start=$$(date +%s); $(1); code=$$?; echo "$@: $$(( $$(date +%s) - start )) s"; exit $$code

help:  ## this list
	@awk -F ':.*## ' '/^##@ /{printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## /{printf "  %-17s %s\n", $$1, $$2}' \
		$(MAKEFILE_LIST)

ready:
	@sh deploy/bootstrap.sh

##@ Try it

demo: ready  ## the whole 2018-H2 round, end to end (ARGS="--applications N --seed S --keep")
	@$(BIN)/firstbuy demo $(ARGS)

up: ready  ## everything on this machine, until Ctrl-C (ARGS="--replicas eligibility=3")
	@$(BIN)/firstbuy up $(ARGS)

##@ Run it for real (docs/operators.md)

image: ready  ## the image of all services and jobs, and what is in it (ARGS="--base IMAGE --digest sha256:… --twice")
	@$(BIN)/python -m deploy.image.build $(ARGS)

secrets: ready  ## the secrets and certificates of this machine, made once in deploy/secrets
	@$(BIN)/python -m deploy.machine_secrets deploy/secrets $(ARGS)

##@ Test (ARGS passes through to pytest; WORKERS=0 runs in one process)

test: ready  ## every test, on real servers
	$(call timed,$(PYTEST) $(ARGS))

test-unit: ready  ## what needs no server
	$(call timed,$(PYTEST) tests/unit $(ARGS))

test-contract: ready  ## events, schemas, rights, open data, shipped policies and rounds
	$(call timed,$(PYTEST) tests/contract $(ARGS))

test-integration: ready  ## services on a real Kafka and PostgreSQL
	$(call timed,$(PYTEST) tests/integration $(ARGS))

test-e2e: ready  ## whole rounds over all services
	$(call timed,$(PYTEST) tests/e2e $(ARGS))

test-browser: ready  ## pages in a real Chromium
	$(call timed,$(PYTEST) tests/browser $(ARGS))

test-ops: ready  ## engines for real: image, compose, a round (root; minutes; not part of `make test`)
	$(call timed,$(PYTEST) -n 0 tests/ops $(ARGS))

soak: export FIRSTBUY_TEST_EXAMPLES ?= 1000
soak: ready  ## properties, state machines and chaos, ten times as long (FIRSTBUY_TEST_EXAMPLES=1000)
	$(call timed,$(PYTEST) -m "soak or hypothesis" $(ARGS))

mutants: ready  ## each check of the verifier deleted: does a kept bundle tell it? (ARGS="--from-line 800 --to-line 900")
	$(call timed,$(BIN)/python -m tests.mutation.verifier $(ARGS))

mutants-page: ready  ## the same of the page, in a real Chromium (ARGS="--scripts life")
	$(call timed,$(BIN)/python -m tests.mutation.page $(ARGS))

##@ Change it

watch: ready  ## unit tests, again at every change (ARGS="-k draw")
	@$(BIN)/watchfiles --filter python "$(PYTEST) tests/unit -q $(ARGS)" firstbuy services shared deploy tests

fix: ready  ## format, and mend what the linter can mend safely
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

check: ready  ## lint, types, import rules, the house's own rules, licences, drift of schemas and settings
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/hadolint --config deploy/hadolint.yaml deploy/Dockerfile
	@$(BIN)/yamllint --strict --config-file deploy/yamllint.yaml deploy
	@$(PYTEST) -n 2 --quiet --no-header --durations=1 tests/unit/test_house.py tests/unit/test_licences.py
	@$(BIN)/python -m shared.contracts.generate --check
	@$(BIN)/python -m firstbuy.reference.evidence_format --check
	@$(BIN)/python -m firstbuy.reference.settings --check
	@$(BIN)/python -m firstbuy.reference.metrics --check
	@$(BIN)/python -m deploy.monitoring.dashboards --check

hooks: ready  ## have git run the quick checks before each commit
	@$(BIN)/prek install

schemas: ready  ## write shared/contracts/schemas, docs/asyncapi and the evidence's format anew
	@$(BIN)/python -m shared.contracts.generate
	@$(BIN)/python -m firstbuy.reference.evidence_format

settings: ready  ## write docs/settings.md anew
	@$(BIN)/python -m firstbuy.reference.settings

metrics: ready  ## write docs/metrics.md and the dashboards anew
	@$(BIN)/python -m firstbuy.reference.metrics
	@$(BIN)/python -m deploy.monitoring.dashboards

screenshots: ready  ## pictures of the portal's main pages, into docs/img
	$(call timed,$(PYTEST) -n 0 tests/browser/screenshots.py)

##@ Maintain

bench: ready  ## what it can take: ratios against yardsticks of the same run
	@$(BIN)/python -m tests.bench.admission $(ARGS)
	@$(BIN)/python -m tests.bench.judge $(ARGS)
	@$(BIN)/python -m tests.bench.admission_latch $(ARGS)
	@$(BIN)/python -m tests.bench.selection
	@$(BIN)/python -m tests.bench.evidence --sizes 100000 --page 100000
	@$(BIN)/python -m tests.bench.crafted
	@$(BIN)/python -m tests.bench.onboarding --institutions 100
	@$(BIN)/python -m tests.bench.notify --notices 20000
	@$(BIN)/python -m tests.bench.fairness
	@$(BIN)/python -m tests.bench.parking
	@$(BIN)/python -m tests.bench.portal
	@$(BIN)/python -m tests.bench.portal_forms --applications 20

audit: ready  ## known vulnerabilities of what is locked; claims nothing where it could not look
	@$(BIN)/python -m tests.audit

LOCK := .venv-uv/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11
lock: ready  ## resolve the dependencies anew: what runs, and what develops; records no registry's address
	@$(LOCK) --extra build --output-file requirements.lock pyproject.toml
	@$(LOCK) --all-extras --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml
	@$(LOCK) --output-file tests/ocds-validator.lock tests/ocds-validator.in

clean:  ## remove the environment and reports
	rm -rf .venv .venv-uv var
