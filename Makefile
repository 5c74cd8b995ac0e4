# The whole of a developer's day: make run, make setup, make test, make lint. Further targets lie in mk/*.mk, one file a concern.
PYTHON ?=  # the interpreter to create .venv with; empty: python3, or the system's own where that is faster
VENV := .venv
PACKAGES := appliance etl nativeapi s3api storage
RUN_ARGUMENTS ?=

# What is installed is exactly what the locks say. A developer's own pip settings (an index of the house, a cache) still apply.
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check

# What the shell that started make has set up for itself must not decide how clients under test behave.
unexport AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_PROFILE AWS_DEFAULT_REGION AWS_REGION \
	AWS_ENDPOINT_URL AWS_ENDPOINT_URL_S3 AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE AIS_ENDPOINT AIS_AUTHN_URL \
	AIS_AUTHN_TOKEN RCLONE_CONFIG PYTHONPATH PYTHONHOME

.DEFAULT_GOAL := help
.PHONY: help run setup setup-test test lint unit settings cli-reference lock debian-packages clean

help: ## show what can be made
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | expand -t 20

# On a terminal the node gets a process group of its own, so that Ctrl-C stops the node and not make, and the status is 0.
run: $(VENV)/.runtime ## start a node on 127.0.0.1:9000 with its data under ./data
	@[ ! -t 0 ] || set -m; $(VENV)/bin/sluice serve $(RUN_ARGUMENTS)

setup: $(VENV)/.runtime ## create .venv with what the node needs, pinned by hashes

setup-test: $(VENV)/.test ## setup, and what the tests need

$(VENV)/.created:
	@mk/create-venv "$(strip $(PYTHON))" $(VENV)
	@touch $@

$(VENV)/.runtime: $(VENV)/.created requirements.txt setup.cfg pyproject.toml
	@echo "Installing what the node needs into $(VENV) …"
	@$(PIP) install --quiet --require-hashes -r requirements.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.test: $(VENV)/.runtime requirements-test.txt
	@echo "Installing what the tests need into $(VENV) …"
	@$(PIP) install --quiet --require-hashes -r requirements-test.txt
	@touch $@

test: lint unit ## everything that must hold before a change is kept

unit: $(VENV)/.test debian-packages ## the tests alone; ARGS='tests/storage -k put' runs a part
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" $(VENV)/bin/python -m pytest $(ARGS)

lint: $(VENV)/.test ## types, style, layers
	@$(VENV)/bin/mypy
	@$(VENV)/bin/flake8 $(wildcard $(PACKAGES) tests)
	@$(VENV)/bin/lint-imports

debian-packages: ## install the Debian packages that tests use, where they are missing
	@tests/debian-packages

settings: $(VENV)/.runtime ## write docs/settings.md anew from the table of settings
	@$(VENV)/bin/sluice settings > docs/settings.md

cli-reference: $(VENV)/.runtime ## write docs/cli.md anew from the commands
	@$(VENV)/bin/python -m appliance.terminal.reference > docs/cli.md

# pip-tools is a tool of whoever changes a dependency, so it gets an environment of its own. No line of a lock names a host.
LOCK = .venv-lock/bin/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-header --no-annotate \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links

lock: ## pin the newest versions that setup.cfg allows
	@test -x .venv-lock/bin/pip-compile || { $(or $(strip $(PYTHON)),python3) -m venv .venv-lock && .venv-lock/bin/pip install --quiet pip-tools; }
	@$(LOCK) --upgrade --extra build -o requirements.txt setup.cfg
	@$(LOCK) --upgrade --extra build --extra test -c requirements.txt -o requirements-test.txt setup.cfg

clean: ## remove what make has created, except data
	rm -rf $(VENV) .venv-lock *.egg-info .mypy_cache .pytest_cache .import_linter_cache

-include mk/*.mk
