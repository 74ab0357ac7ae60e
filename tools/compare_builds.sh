#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tools/compare_builds.sh PROGRAM_A PROGRAM_B: runs one list of commands with both
# programs, each in a folder of its own with the same relative paths, and compares
# every file written and everything said on standard output, byte for byte.
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
first=$(readlink -f "$1") second=$(readlink -f "$2")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export ARROW_DEFAULT_MEMORY_POOL=system
export LSAN_OPTIONS=suppressions=$root/tools/lsan.supp:print_suppressions=0
mkdir "$scratch/a" "$scratch/b"
python3 "$root/tools/sample_tables.py" "$scratch/a"
cp -r "$scratch/a/." "$scratch/b"

# What is run; @ stands for the program.
commands=(
  "@ methods --json"
  "@ methods risk.classifier"
  "@ fit risk.classifier past.csv --target default --seed 3 --learner trees -o trees.plim --json"
  "@ fit risk.classifier past.csv --target default --seed 3 --learner logistic -o logistic.plim --json"
  "@ inspect trees.plim --json"
  "@ apply trees.plim new.csv -o scored.csv"
  "@ apply trees.plim new.csv -o scored.parquet"
  "@ apply logistic.plim new.csv -o scored_logistic.jsonl"
  "@ report trees.plim scored.csv -o report.html"
  "@ report trees.plim new.csv --target default -o report.json"
  "@ fit conformal.split predicted.csv --target y --probability p_a,p_b,p_c --prefix p_ --alpha 0.1 -o split.plim --json"
  "@ apply split.plim predicted_new.csv --probability p_a,p_b,p_c -o sets.csv"
  "@ apply conformal.select pool.csv --labelled labelled.csv --prediction prediction --target target --id id --c 0.5 --q 0.2 -o selected.csv"
  "@ prove --all --quick --seed 7 --json"
)
number=0
differ=0
for command in "${commands[@]}"; do
  number=$((number + 1))
  for side in a b; do
    program=$first
    [ "$side" = b ] && program=$second
    # shellcheck disable=SC2086
    (cd "$scratch/$side" && ${command/@/$program} >"out_$number.txt" 2>"$scratch/err_$side" </dev/null
     echo "exit $?" >>"out_$number.txt")
  done
  if grep -q '^exit 0$' "$scratch/a/out_$number.txt"; then
    echo "ran      ${command/@/plimsoll}"
  else
    echo "FAILED   ${command/@/plimsoll}"
    tail -5 "$scratch/err_a"
    differ=$((differ + 1))
  fi
done
compared=0
while IFS= read -r file; do
  compared=$((compared + 1))
  if ! cmp "$scratch/a/$file" "$scratch/b/$file"; then
    echo "DIFFERS  $file"
    differ=$((differ + 1))
  fi
done < <(cd "$scratch" && (cd a && find . -type f; cd ../b && find . -type f) | sort -u)
echo "$compared files of ${#commands[@]} commands compared, $differ faults"
[ "$differ" -eq 0 ]
