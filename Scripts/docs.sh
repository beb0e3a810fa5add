#!/bin/bash
# Reference pages from the doc comments of every library, in .build/docs.
set -euo pipefail
graphs=.build/symbol-graphs
rm -rf "$graphs" .build/docs
swift package dump-symbol-graph --minimum-access-level package >/dev/null
mkdir -p "$graphs"
find -L .build -path '*/symbolgraph/*.symbols.json' ! -name '*Tests*' -exec cp {} "$graphs" \;
docc convert --fallback-display-name Candlecast --fallback-bundle-identifier candlecast \
  --additional-symbol-graph-dir "$graphs" --output-path .build/docs
echo "reference pages: .build/docs"
