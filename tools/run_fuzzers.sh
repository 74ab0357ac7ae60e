#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tools/run_fuzzers.sh FOLDER SECONDS: each fuzzer for that long, on a corpus that
# begins with tests/fuzz/corpus/NAME. Arrow's buffers come from the system's
# allocator, or the sanitizer would not see an overrun in them.
set -uo pipefail
folder=$(readlink -f "$1") seconds=$2
root=$(cd "$(dirname "$0")/.." && pwd)
export ARROW_DEFAULT_MEMORY_POOL=system
export UBSAN_OPTIONS=print_stacktrace=1 LSAN_OPTIONS=suppressions=$root/tools/lsan.supp:print_suppressions=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0
shopt -s nullglob
for fuzzer in "$folder"/fuzz_*; do
  name=$(basename "$fuzzer")
  mkdir -p "$scratch/$name"
  seeds=("$root/tests/fuzz/corpus/${name#fuzz_}")
  [ -d "${seeds[0]}" ] || seeds=()
  if (cd "$scratch" && "$fuzzer" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=10 -print_final_stats=1 \
        -artifact_prefix="$scratch/" "$scratch/$name" "${seeds[@]}" >"$scratch/$name.log" 2>&1 </dev/null); then
    passed=$((passed + 1))
    echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$scratch/$name.log") runs in $seconds s, nothing found"
  else
    failed=$((failed + 1))
    echo "$name: FAILED"
    tail -40 "$scratch/$name.log"
    for input in "$scratch"/crash-* "$scratch"/leak-* "$scratch"/timeout-* "$scratch"/oom-*; do
      echo "input, base64: $(base64 -w0 "$input")"
      rm -f "$input"
    done
  fi
done
echo "fuzzers: $passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
