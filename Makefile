SHELL := /bin/bash
.DEFAULT_GOAL := help

CHECKS := --explicit-target-dependency-import-check error
SOURCES := Package.swift Sources Tests
CANDLECAST := .build/release/candlecast
CANDLES ?= Data/BTCUSDT_binance_spot_1m_20240117_20240331.csv.zst
PORT ?= 8080
# Tests see internals, which costs speed, so their build is not the one that is shipped.
SWIFT_TEST := swift test -c release -Xswiftc -enable-testing --scratch-path .build/tests $(CHECKS)

.PHONY: help run report test setup build programs bench bench-peers bench-postgres bench-serving bench-training soak lint format docs clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: programs ## everything at once, from a simulator, with a page on PORT (8080); LIVE=1: from Binance
	@$(CANDLECAST) run $(if $(LIVE),--live,--demo) --port $(PORT)

report: programs ## import the bundled candles, train, replay the last days, print the results
	@Scripts/report.sh $(CANDLECAST)

test: setup lint ## set-up, format check and every test in release; warnings and undeclared imports are errors
	@Scripts/test.sh $(SWIFT_TEST)

soak: setup ## the same tests with far larger counts
	@CANDLECAST_SOAK=1 Scripts/test.sh $(SWIFT_TEST)

setup: ## what Swift packages cannot give: Debian packages, libraries out of wheels (cached, resumable)
	@Scripts/setup.sh

build: setup ## .build/release/candlecast
	swift build -c release $(CHECKS)

# Without benchmarks. Left to itself the package manager compiles what is in C last, and half of the modules wait for it.
programs: export CANDLECAST_BUILD = programs
programs: setup
	@for part in CDuckDB CProcessor; do swift build -c release $(CHECKS) --quiet --target $$part || exit; done
	swift build -c release $(CHECKS)

bench: build ## speed of our parts, to .build/bench/results.json
	.build/release/candlecast-bench $(CANDLES) .build/bench/results.json
	@Scripts/bench-redis.sh .build/release/candlecast-bench .build/bench/redis.json

bench-peers: build ## the same work in TA-Lib, XGBoost and PyTorch, then ours, with ratios
	@Scripts/bench-peers.sh .build/release/candlecast-bench $(CANDLES) .build/bench/results.json

bench-postgres: build ## the store in PostgreSQL beside what the server itself takes, to .build/bench/postgres.json
	@Scripts/bench-postgres.sh .build/release/candlecast-bench $(CANDLES) .build/bench/postgres.json

bench-training: build ## a whole training on CANDLES (up to TO), then the same fits in Python
	@Scripts/bench-training.sh $(CANDLECAST) $(CANDLES) $(TO)

bench-serving: build ## the server under load beside FastAPI with the same trees, to .build/bench/serving.json
	@Scripts/bench-serving.sh .build/release/candlecast-bench .build/bench/serving.json

lint: ## check the format
	@swift format lint --strict --recursive --parallel $(SOURCES)

format: ## put the sources in format
	@swift format --in-place --recursive --parallel $(SOURCES)

docs: setup ## reference pages in .build/docs
	@Scripts/docs.sh

clean: ## remove what was built; the store, the models and the download cache stay
	rm -rf .build
