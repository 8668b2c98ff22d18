# Everything sets itself up: `make demo` and `make test` work on a fresh clone.
# Needs Python 3.11 or newer; demo, bench and the tests on a real broker also Java 17 and Maven.

PYTHON ?= python3
BENCH ?=

VENV := .venv
BIN := $(VENV)/bin
PACKAGES := $(VENV)/.packages
VIGIL := $(VENV)/.vigil
PAINTED := pictures/node_modules/.package-lock.json
NEIGHBOURS := $(VENV)/.neighbours
PINNED := --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url \
  --no-emit-trusted-host --no-emit-find-links --no-emit-options
JARS := .build/kafka/libs/.complete

.DEFAULT_GOAL := help
.PHONY: help demo test lint format docs pictures bench venv jars programs requirements clean

help: ## what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VIGIL) $(JARS) ## a simulated day through a real Kafka, with a summary
	@$(BIN)/vigil demo

test: lint $(JARS) $(NEIGHBOURS) programs ## everything: lint, unit, property and real-broker tests
	@$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(VIGIL) ## style, types, and which way dependencies point
	@$(BIN)/ruff format --check -q . || { echo "run: make format"; exit 1; }
	@$(BIN)/ruff check -q .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo >.build/lint-imports.log || { cat .build/lint-imports.log; exit 1; }

format: $(VIGIL) ## rewrite the code in the house's style
	@$(BIN)/ruff format -q .
	@$(BIN)/ruff check -q --fix .

docs: $(VIGIL) ## what is written from the code: two pages, the schema of rule files, the boards
	@mkdir -p .build
	@$(BIN)/python -m streams.patterns.catalogue_page >.build/catalogue.md
	@$(BIN)/python -m streams.metrics.page >.build/metrics.md
	@$(BIN)/python -m streams.patterns.rule_schema >.build/rule.schema.json
	@mv .build/catalogue.md docs/catalogue.md
	@mv .build/metrics.md docs/metrics.md
	@mv .build/rule.schema.json streams/patterns/rule.schema.json
	@$(BIN)/python -m dashboards

pictures: $(VIGIL) $(JARS) $(PAINTED) ## of the boards, in docs/pictures, as a demo fills them
	@command -v prometheus >/dev/null || { echo "prometheus is missing: apt-get install prometheus"; exit 1; }
	@command -v chromium >/dev/null || { echo "chromium is missing: apt-get install chromium"; exit 1; }
	@CHROMIUM=$$(command -v chromium) node pictures/take.mjs $(BIN)/vigil demo --stay --rate 6000

bench: $(VIGIL) $(JARS) ## the benchmarks, all or BENCH='job …'
	@$(BIN)/python -m streams.bench $(BENCH)

venv: $(VIGIL) ## the virtual environment in .venv

jars: $(JARS) ## the jars of the embedded Kafka

# Packages of the system: installed where that may be done, named where it may not.
programs: ## Debian's prometheus, promtool and kubectl, for the tests
	@lacking= ; for pair in prometheus=prometheus promtool=prometheus kubectl=kubernetes-client; do \
	  command -v $${pair%=*} >/dev/null || lacking="$$lacking $${pair#*=}"; done; \
	[ -z "$$lacking" ] || { [ "$$(id -u)" = 0 ] && apt-get update -qq \
	  && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$lacking >/dev/null; } \
	  || { echo "programs for the tests are missing: apt-get install$$lacking"; exit 1; }

# Packages, exactly those of the hash-pinned list. A stamp makes the second time instant.
$(PACKAGES): requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "Python 3.11 or newer is missing: apt-get install python3 (or set PYTHON=)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "Python's venv module is missing: apt-get install python3-venv"; exit 1; }
	@echo "Setting up $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

$(VIGIL): $(PACKAGES) pyproject.toml
	@mkdir -p .build
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# What one test runs beside us: two of its packages come as source, so it isn't part of $(PACKAGES).
$(NEIGHBOURS): requirements-neighbours.txt | $(VIGIL)
	@command -v c++ >/dev/null \
	  || { echo "A C++ compiler is missing: apt-get install g++ python3-dev"; exit 1; }
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r $<
	@touch $@

# Grafana's components and what they need: for pictures alone.
$(PAINTED): pictures/package-lock.json
	@command -v npm >/dev/null && node -e 'let [a, b] = process.versions.node.split("."); process.exit(a * 100 + +b < 2019 ? 1 : 0)' \
	  || { echo "Node.js 20.19 or newer, with npm, is missing (Debian 12 has an older one)"; exit 1; }
	@npm ci --prefix pictures --loglevel=error
	@touch $@

# It says which Debian package is missing, if one is.
$(JARS): deploy/kafka/pom.xml | $(VIGIL)
	@$(BIN)/python -m streams.embedded

requirements: $(VIGIL) ## pin the newest allowed packages anew
	@for out in requirements requirements-dev requirements-neighbours; do \
	  case $$out in \
	    requirements) more= ;; \
	    *-dev) more='--extra dev --constraint requirements.txt' ;; \
	    *) more='--extra neighbours --constraint requirements-dev.txt' ;; \
	  esac; \
	  $(BIN)/pip-compile -q --upgrade $(PINNED) $$more -o $$out.txt pyproject.toml || exit 1; \
	done
	@echo hatchling | $(BIN)/pip-compile -q $(PINNED) --constraint requirements-dev.txt \
	  -o requirements-build.txt -

clean: ## remove what was built; a running embedded Kafka is stopped first
	@[ ! -x $(BIN)/vigil ] || $(BIN)/vigil kafka stop >/dev/null 2>&1 || true
	@rm -rf $(VENV) .build pictures/node_modules dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
