# Two commands do everything: `make run` and `make test`. Both set up what they need, print what they
# do and are safe to repeat. Needs Python 3.11 or newer, git, make and a package index.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: run test lint types workflows unit browser node coverage bench setup clean help

help:  ## List the targets.
	@sed -n 's/^\([a-z]*\):.*## /\1  /p' $(MAKEFILE_LIST) | column -t -l 2

$(READY): pyproject.toml uv.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.5'
	UV_PROJECT_ENVIRONMENT=$(VENV) $(BIN)/uv sync --quiet --frozen --inexact --compile-bytecode --python $(BIN)/python
	@touch $@

setup: $(READY)  ## Make the environment in .venv from the lock file.

# make knows only success and failure, so the exit code of the comparison is printed.
run: $(READY)  ## Measure HEAD with asv, record the results, compare them with the baseline.
	$(BIN)/odyssey run
	$(BIN)/odyssey compare --other-machine advise --report .odyssey/report \
	  || { echo "odyssey compare: exit code $$?" >&2; exit 1; }

# What takes one processor goes two at a time; the tests take both.
test: $(READY)  ## Lint, check types and workflows, run every test.
	@$(MAKE) --no-print-directory --jobs 2 types browser lint workflows node
	@$(MAKE) --no-print-directory unit

lint: $(READY)  ## Check style.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)  ## Check types.
	$(BIN)/mypy

# Both without network: zizmor for what could be abused, the schemas for what would not even start.
workflows: $(READY)  ## Check the workflows and actions.
	$(BIN)/zizmor --offline --no-progress --quiet --strict-collection .github
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions .github/actions/*/action.yml

# The tests of the pages open them in a real browser.
browser:  ## Install Debian's Chromium where there is none and this may be done.
	@command -v chromium || command -v chromium-browser || command -v google-chrome \
	  || { [ "$$(id -u)" = 0 ] && command -v apt-get && apt-get update -qq \
	       && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends -y chromium fonts-dejavu-core; } \
	  || echo "no Chromium: tests of pages are skipped (in CI they fail): apt-get install chromium" >&2

# The tests of the comment run its script, as GitHub does, with Node.
node:  ## Install Debian's Node where there is none and this may be done.
	@command -v node \
	  || { [ "$$(id -u)" = 0 ] && command -v apt-get && apt-get update -qq \
	       && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends -y nodejs; } \
	  || echo "no Node: tests of comments are skipped (in CI they fail): apt-get install nodejs" >&2

unit: $(READY) browser node  ## Run the tests, in random order.
	$(BIN)/python -m pytest --numprocesses 2 --dist loadscope --no-loadscope-reorder --durations 15

coverage: $(READY)  ## Which branches the tests of the pure layers and the stores leave out.
	$(BIN)/python -m coverage run -m pytest --ignore-glob='tests/test_cli_*' --ignore=tests/test_readme.py
	$(BIN)/python -m coverage report --skip-covered

bench: $(READY)  ## Print the figures of the README anew. Leave the machine alone meanwhile.
	$(BIN)/python -m benchmarks.figures

clean:  ## Remove what the other targets made, but no results and no baselines.
	rm -rf $(VENV) .asv/env .asv/html .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage
