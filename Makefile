# Needs Python 3.11 to 3.13 and make; everything else is set up in .venv/ from the lock files.
python := .venv/bin/python
export CONSOLE_DATA ?= data

.PHONY: run demo lab histories test test-long check fix bench same setup setup-dev

run: setup            ## open the console with the built-in sandbox connected: http://127.0.0.1:8501
	@echo "Starting the console ..."
	@CONSOLE_SANDBOX=$${CONSOLE_SANDBOX:-true} $(python) -m integration console

demo: setup           ## sync every flow on a fresh sandbox, twice, and add up
	$(python) -m integration demo

test: setup-dev       ## pass all tests but the long ones
	scripts/browser
	scripts/test

test-long: setup-dev  ## pass those that are slow by nature, or with GROUP=runner, lab, browser, books or fidelity one group of them
	scripts/browser
	scripts/test long $(GROUP)

histories: setup-dev  ## run random tests with other seeds: GROUP=payments, days, orders, customers, stock, prices or lab; SEEDS=1000-1200
	$(python) -m tests.histories "$(or $(GROUP),all)" $(SEEDS)

lab: setup-dev        ## run 200 trials of the fault lab, over all flows and both databases
	scripts/lab

check: setup-dev      ## what a change must pass
	scripts/check

fix: setup-dev        ## repair what can be repaired by a program
	$(python) -m ruff check --fix . && $(python) -m ruff format .

bench: setup-dev      ## measure, as ratios within one run; PART=peers measures that alone
	$(python) -m benchmarks $(PART)

same: setup-dev       ## tell what the console does otherwise than when it was recorded; RECORD=1 records it anew
	$(python) -m tests.same $(if $(RECORD),--record)

setup:
	@scripts/setup

setup-dev:
	@scripts/setup dev
