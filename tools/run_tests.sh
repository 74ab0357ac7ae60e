#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tools/run_tests.sh BUILD JOBS [ctest options]: runs ctest and closes with one
# line of totals that counts the cases inside each test program.
set -uo pipefail
build=$1 jobs=$2
shift 2
results=$(cd "$build" && pwd)/results
rm -rf "$results"
mkdir -p "$results"
export GTEST_OUTPUT="xml:$results/gtest/"
ctest --test-dir "$build" -j "$jobs" --output-on-failure --no-tests=error \
      --output-junit "$results/ctest.xml" "$@" </dev/null
status=$?
python3 "$(dirname "$0")/count_tests.py" "$results" || status=1
exit $status
