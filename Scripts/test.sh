#!/bin/bash
# Every test, in passes: test.sh SWIFT TEST OPTION…
#
# Tests that run servers, clients and the programs themselves wait for one another, so they do not share the cores with
# those that calculate, nor all of them with each other. A pass that fails does not keep the next from running; what
# failed is told again at the end.
set -uo pipefail

logs=.build/test-logs
mkdir -p "$logs"
rm -f "$logs"/*

waiting='Archive|Client|Cloud|Database|Kinesis|LiveCommand|Process|Redis|Schema|Serving|Storage|Streams|Transport'
failed=0

# pass NAME OPTION…
pass() {
  local name=$1
  shift
  "${command[@]}" "$@" 2>&1 | tee "$logs/$name.log" || failed=1
}

command=("$@")
pass calculating --skip "^($waiting)Tests\."
# Without a build there is nothing to go on with.
grep -q 'Test run with' "$logs/calculating.log" || exit 1
command+=(--skip-build)
pass stores --filter '^(Archive|Cloud|Database|Schema|Storage)Tests\.'
pass streams --filter '^(Kinesis|Redis|Serving|Streams)Tests\.'
pass clients --filter '^(Client|Transport)Tests\.'
pass verbs --filter '^LiveCommandTests\.'
pass processes --filter '^ProcessTests\.' --skip '^ProcessTests\.SteadyTests'
# Programs that are starved of time hold more memory.
pass steady --filter '^ProcessTests\.SteadyTests'

((failed)) || exit 0
printf '\n== what failed; all of it is in %s\n' "$logs"
# What was found and expected may stand in the next line.
grep -hE -A1 --no-group-separator '^✘|error:' "$logs"/*.log | cut -c1-2000
exit 1
