# Everything a newcomer needs: each target sets up what it lacks. See README.md.
.DEFAULT_GOAL := help
.PHONY: help demo up test check bench lock settings schemas clean
BIN := .venv/bin
ARGS ?=

help:  ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

ready:
	@sh deploy/bootstrap.sh

demo: ready  ## the whole 2018-H2 round, end to end (ARGS="--applications N --seed S --keep")
	@$(BIN)/firstbuy demo $(ARGS)

up: ready  ## everything on this machine, until Ctrl-C (ARGS="--replicas eligibility=3")
	@$(BIN)/firstbuy up $(ARGS)

test: ready  ## every test, on real servers (ARGS passes through to pytest)
	@$(BIN)/python -m pytest $(ARGS)

check: ready  ## lint, types, import rules, drift of schemas and settings
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m shared.contracts.generate --check
	@$(BIN)/python -m deploy.settings_reference --check

bench: ready  ## what it can take: ratios against yardsticks of the same run
	@$(BIN)/python -m tests.bench.admission $(ARGS)
	@$(BIN)/python -m tests.bench.judge $(ARGS)
	@$(BIN)/python -m tests.bench.admission_latch $(ARGS)
	@$(BIN)/python -m tests.bench.selection
	@$(BIN)/python -m tests.bench.onboarding --institutions 100
	@$(BIN)/python -m tests.bench.notify --notices 20000
	@$(BIN)/python -m tests.bench.fairness

settings: ready  ## write docs/settings.md anew
	@$(BIN)/python -m deploy.settings_reference

schemas: ready  ## write shared/contracts/schemas and docs/asyncapi anew
	@$(BIN)/python -m shared.contracts.generate

lock: ready  ## resolve the dependencies anew; records no registry's address
	@.venv-uv/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --all-extras \
		--output-file requirements.lock pyproject.toml
	@.venv-uv/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
		--output-file tests/ocds-validator.lock tests/ocds-validator.in

clean:  ## remove the environment and reports
	rm -rf .venv .venv-uv var
