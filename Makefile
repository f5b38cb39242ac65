# make demo    sets up what is needed and presses Example 1 on the simulated line
# make test    sets up what the tests need and runs everything that CI runs
# make sweep   installs what `pressline sweep` needs besides
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test setup sweep setup-test system lint typecheck imports pytest format lock clean

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

# ---------------------------------------------------------------- setting up; each stamp says that its lock file is installed

$(VENV)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "pressline needs Python 3.11 or newer; `make PYTHON=python3.12 demo` names another one")'
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "pressline needs Python's venv module; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --root-user-action=ignore

$(VENV)/run: requirements/run.lock pyproject.toml | $(VENV)/pip
	@echo "setting up the virtual environment in $(VENV)"
	@$(INSTALL) --require-hashes -r requirements/run.lock
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/sweep: requirements/sweep.lock $(VENV)/run
	@echo "installing what sweeps need"
	@$(INSTALL) --require-hashes -r requirements/sweep.lock
	@touch $@

$(VENV)/test: requirements/dev.lock requirements/peers.lock $(VENV)/run
	@echo "installing the test tools"
	@$(INSTALL) --require-hashes -r requirements/dev.lock
	@$(INSTALL) --no-deps --require-hashes -r requirements/peers.lock
	@touch $@

$(VENV)/mutation: requirements/mutation.lock $(VENV)/test
	@echo "installing the mutation operators"
	@$(INSTALL) --no-deps --require-hashes -r requirements/mutation.lock
	@touch $@

setup: $(VENV)/run
sweep: $(VENV)/sweep
setup-test: $(VENV)/test system

system:
	@sh tests/system-packages.sh

# ---------------------------------------------------------------- the two commands

demo: setup
	@$(BIN)/pressline run recipes/library/honda-example-1.yaml --simulate --speed 20 --seed 1 --store demo.sqlite

test: setup-test lint typecheck imports pytest

# ---------------------------------------------------------------- the checks

lint:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

typecheck:
	$(BIN)/mypy

imports:
	$(BIN)/lint-imports

pytest:
	$(BIN)/python -m tests

# ---------------------------------------------------------------- campaigns: longer than CI has time for
# make campaign          SEEDS=20 JOBS=2      plays every fault on the simulated line, and an observer of the physics judges
# make campaign-recipes  SEEDS=100000 JOBS=2  tries to break the reader and the planner with damaged files
# make campaign-truth    SEEDS=1000 JOBS=2    holds certificates of dry runs near the bounds against the simulated truth
# make campaign-laws     RECIPES=50 JOBS=2    holds the vectorised law against dry runs of random recipes
# make campaign-frames   FRAMES=1000000 JOBS=2 holds our side of every protocol against damaged answers
# make campaign-crash    JOBS=2               cuts the power at every write of the journal, and kills real controllers and services
# make campaign-api      EXAMPLES=200         asks a running API everything that its document allows, and what it does not
# make campaign-client                        makes a client from the OpenAPI document and lets it talk to a running API
# make campaign-service HOURS=24               hosts a line for hours of virtual time with faults: memory flat, no task left
# make campaign-telemetry HOURS=13             kills the broker of a line for hours, and again: everything once, in order
# make campaign-plant ROUNDS=20               pulls the cables between lines and the plant's database, in network namespaces (root)
# make mutation          MODULES="..." JOBS=2 changes the guard, the states, the interlocks and the rule engine, and the tests must notice
# make bench-validate                         measures reading and planning
# make bench-dry-run                          measures a dry run beside looptime and plain loops
# make bench-laws                             measures the vectorised compaction law
# make bench-sweep                            measures a sweep on one process and on two
# make bench-schedule                         measures the schedule of 20 laminates beside a solver's best
# make bench-polling                          measures polling beside pymodbus, libmodbus and the line rate
# make bench-historian                        measures trends: writing, reading, what the loop pays
# make bench-stream                           measures 100 listeners of the stream, 10 of them frozen, beside a bare broadcast
# make bench-sign-in                          measures how late the loop is while people sign in, beside nobody
# make bench-records                          measures what the API reads of journals of 1e5 and 1e6 records
# make bench-reaction                         measures the time from a bad sample to the hold command on the wire
# make bench-service                          measures polls and reactions of a whole service in use beside the bare line
# make bench-start                            measures --help, the start of the service, and its memory
# make bench-telemetry                        measures MQTT beside aiomqtt alone, and the way of a value to a subscriber

.PHONY: mutation campaign campaign-recipes campaign-truth campaign-laws campaign-frames campaign-crash campaign-api bench-validate bench-laws bench-sweep bench-schedule bench-polling bench-reaction bench-historian bench-telemetry bench-stream bench-dry-run bench-records campaign-client campaign-service bench-sign-in bench-service bench-start campaign-telemetry campaign-plant
JOBS ?= 1

campaign: $(VENV)/test
	$(BIN)/python -m tests.campaign.fault_campaign --seeds $(or $(SEEDS),3) --first $(or $(FIRST),1) --jobs $(JOBS)

campaign-recipes: $(VENV)/test
	$(BIN)/python -m tests.campaign.recipe_campaign --seeds $(or $(SEEDS),10000) --jobs $(JOBS)

campaign-truth: $(VENV)/test
	$(BIN)/python -m tests.campaign.truth_campaign --seeds $(or $(SEEDS),100) --jobs $(JOBS)

campaign-laws: $(VENV)/test
	$(BIN)/python -m tests.campaign.laws_campaign --recipes $(or $(RECIPES),50) --seed $(or $(SEED),0) --jobs $(JOBS)

campaign-crash: $(VENV)/test
	$(BIN)/python -m tests.crash.boundaries --jobs $(JOBS)
	$(BIN)/python -m tests.crash.resuming --points $(or $(POINTS),60)
	$(BIN)/python -m tests.crash.killing --kills $(or $(KILLS),8)
	$(BIN)/python -m tests.crash.service_killing --kills $(or $(KILLS),8)

campaign-frames: $(VENV)/test
	$(BIN)/python -m tests.campaign.frame_campaign --frames $(or $(FRAMES),10000) --seed $(or $(SEED),1) --jobs $(JOBS)

campaign-api: $(VENV)/test
	$(BIN)/python -m tests.campaign.api_campaign --examples $(or $(EXAMPLES),50)

campaign-client: $(VENV)/test
	$(BIN)/python -m tests.campaign.generated_client

campaign-telemetry: $(VENV)/test system
	$(BIN)/python -m tests.campaign.telemetry_campaign --hours $(or $(HOURS),13) --seed $(or $(SEED),1)

campaign-service: $(VENV)/test
	$(BIN)/python -m tests.campaign.service_campaign --hours $(or $(HOURS),24) --seed $(or $(SEED),1)

campaign-plant: $(VENV)/test
	$(BIN)/python -m tests.campaign.plant_campaign --rounds $(or $(ROUNDS),20) --seed $(or $(SEED),1)

mutation: $(VENV)/mutation
	$(BIN)/python -m tests.mutation.run $(MODULES) --jobs $(JOBS)

bench-validate: setup
	$(BIN)/python benchmarks/validate.py

bench-dry-run: $(VENV)/test
	$(BIN)/python benchmarks/dry_run.py

bench-laws: setup
	$(BIN)/python benchmarks/laws.py

bench-historian: setup
	$(BIN)/python benchmarks/historian.py

bench-sweep: setup
	$(BIN)/python benchmarks/sweep.py

bench-schedule: $(VENV)/test
	$(BIN)/python benchmarks/schedule.py

bench-polling: setup system
	$(BIN)/python benchmarks/polling.py

bench-stream: $(VENV)/test
	$(BIN)/python benchmarks/stream.py

bench-records: $(VENV)/test
	$(BIN)/python benchmarks/records.py

bench-sign-in: setup
	$(BIN)/python benchmarks/sign_in.py
bench-service: $(VENV)/test system
	$(BIN)/python benchmarks/service.py
bench-start: $(VENV)/test
	$(BIN)/python benchmarks/start.py

bench-reaction: setup
	$(BIN)/python benchmarks/reaction.py

bench-telemetry: $(VENV)/test system
	$(BIN)/python benchmarks/telemetry.py

# ---------------------------------------------------------------- for developers

format: $(VENV)/test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

LOCK = UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --quiet --upgrade

lock: $(VENV)/test
	$(LOCK) --group dev --extra sweep -o requirements/dev.lock
	$(LOCK) --group build -c requirements/dev.lock -o requirements/run.lock
	$(LOCK) --group build --extra sweep -c requirements/dev.lock -o requirements/sweep.lock
	$(subst pyproject.toml,requirements/mutation.in,$(LOCK)) -c requirements/dev.lock -o requirements/mutation.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
