SHELL := /bin/bash
.DEFAULT_GOAL := help

CHECKS := --explicit-target-dependency-import-check error
SOURCES := Package.swift Sources Tests
CANDLECAST := .build/release/candlecast

.PHONY: help run test setup build bench bench-peers soak lint format docs clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## import the bundled candles, train, replay the last days, print the results
	@Scripts/run.sh $(CANDLECAST)

test: setup lint ## set-up, format check and every test, in release, warnings and undeclared imports as errors
	swift test -c release $(CHECKS)

soak: setup ## the same tests with far larger counts
	CANDLECAST_SOAK=1 swift test -c release $(CHECKS)

setup: ## what Swift packages cannot give: Debian packages, libraries out of wheels (cached, resumable)
	@Scripts/setup.sh

build: setup ## .build/release/candlecast
	swift build -c release $(CHECKS)

bench: build ## speed of features, training and prediction, to .build/bench/results.json
	@Scripts/bench.sh $(CANDLECAST)

bench-peers: build ## the same work in TA-Lib, XGBoost and PyTorch beside ours, with ratios
	@Scripts/bench-peers.sh $(CANDLECAST)

lint: ## check the format
	@swift format lint --strict --recursive --parallel $(SOURCES)

format: ## put the sources in format
	@swift format --in-place --recursive --parallel $(SOURCES)

docs: setup ## reference pages in .build/docs
	@Scripts/docs.sh

clean: ## remove what was built; the store, the models and the download cache stay
	rm -rf .build
