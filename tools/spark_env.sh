#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Makes the Python environment build/spark (pyspark, about 500 MB) unless it stands already, and prints its Python. Java 17
# comes from tools/setup.sh test.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
env=$root/build/spark
pins=$root/tools/requirements-spark.txt
key=$(sha256sum "$pins" | cut -d' ' -f1)
mkdir -p "$root/build"
exec 9>"$root/build/.spark-lock"
flock 9
if [ "$(cat "$env/.made" 2>/dev/null || true)" != "$key" ]; then
  rm -rf "$env"
  python3 -m venv "$env" >&2
  "$env/bin/python" -m pip --disable-pip-version-check --quiet install -r "$pins" >&2
  echo "$key" > "$env/.made"
fi
echo "$env/bin/python"
