# Every command of the project. `make help` lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3.11
SERVE ?= 1
VENV := .venv
RUN := $(VENV)/bin/python
# The static checks read the settings without any service running.
OFFLINE := DATABASE_URL=postgresql:///unitscope REDIS_URL=redis://127.0.0.1:6379/0
READY := $(VENV)/.synced
# Tests start a hundred processes; where compiled modules are not kept, each compiles Django or torch again.
unexport PYTHONDONTWRITEBYTECODE

COMPILE := $(VENV)/bin/uv pip compile --quiet --generate-hashes --python-version 3.11

.PHONY: help setup demo up test lint suite flows slow audit conformance browser bench drill pictures docs lock

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# Installed again only when the lock changed. Compiled once: a dozen processes that start at once would each do it.
$(READY): requirements.lock
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV) || python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check uv
	$(VENV)/bin/uv pip sync --quiet --compile-bytecode --python $(VENV)/bin/python requirements.lock
	touch $(READY)

setup: $(READY)  ## install everything into .venv and bring the tables up to date
	$(RUN) -m annotator.serving --prepare

demo: $(READY)  ## the whole job on rendered images and simulated people, then served (SERVE=0: stop after the summary)
	$(RUN) -m annotator.serving $(if $(filter 0,$(SERVE)),--stop) --then demo

up: $(READY)  ## all services in the foreground, no demo
	$(RUN) -m annotator.serving

lint: $(READY)  ## ruff, mypy, import contracts, code that only tests reach, migrations, deployment checks
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(OFFLINE) $(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-cache
	$(RUN) -m tools.reachable
	$(RUN) manage.py makemigrations --check --dry-run
	$(RUN) -m tools.deployed manage.py check --deploy --fail-level WARNING

# Side by side: the flows wait much for processes. Each part is printed when it has ended.
test: $(READY)  ## every check and test but the slow ones, browser tests included: lint, suite, flows, audit
	$(MAKE) --no-print-directory --jobs --output-sync=target lint suite flows audit

# Four processes on two cores: much of the time a test waits for a database, a browser or another process. A process that
# ends under a test is not started again: it would begin with the same test.
PYTEST := $(RUN) -m pytest -q
SPREAD := -n 4 --max-worker-restart 0 --dist loadfile --no-loadscope-reorder --ignore tests/flows

suite: $(READY) browser  ## all tests but the flows and the slow ones
	$(PYTEST) $(SPREAD) -m "not slow"

flows: $(READY) browser  ## a whole story with all processes running
	$(PYTEST) tests/flows -m "not slow"

slow: $(READY) browser  ## the slow tests, which `make test` leaves out: before a change lands, after a change of what they show
	$(PYTEST) $(SPREAD) -m slow
	$(PYTEST) tests/flows -m slow

audit: $(READY)  ## known vulnerabilities of the locked packages
	$(RUN) -m tools.audit

conformance: $(READY)  ## the checks of MTurk's API at ENDPOINT (WORKER_SITE: where people sign up), or at our own sandbox
	$(RUN) -m pytest -q tests/conformance $(if $(ENDPOINT),--endpoint $(ENDPOINT)) $(if $(WORKER_SITE),--worker-site $(WORKER_SITE))

browser: $(READY)
	$(RUN) -m tools.browser

bench: $(READY)  ## every benchmark; each prints `name value bound`
	$(RUN) -m benchmarks

drill: $(READY)  ## the long fault and load drills, resumable; results in docs/drills.md
	$(RUN) -m tools.drills

pictures: $(READY)  ## the pictures of README and docs, taken from the running product
	$(RUN) -m tools.pictures

docs: $(READY)  ## docs/commands.md, docs/settings.md and docs/routes.md again from the code
	$(OFFLINE) $(RUN) -m tools.write_docs

lock:  ## requirements.lock again from pyproject.toml, and its parts for the two images
	$(COMPILE) --upgrade pyproject.toml --all-extras -o requirements.lock
	$(COMPILE) pyproject.toml --constraint requirements.lock -o requirements.web.lock
	$(COMPILE) pyproject.toml --extra compiled --constraint requirements.lock -o requirements.gpu.lock
