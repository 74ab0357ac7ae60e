#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The wheel of the Python package into dist/, around the library of a build folder (default build/release). The platform in
# its name is the oldest C library that what it holds runs on.
set -euo pipefail
cd "$(dirname "$0")/.."
release=${1:-build/release}
out=${2:-dist}
python=build/venv/bin/python
library=$(readlink -f "$release/lib/libplimsoll.so")
tag=$("$python" python/pack.py --tag "$library")
mkdir -p "$out"
rm -f "$out"/plimsoll-*.whl
"$python" -m pip --disable-pip-version-check --quiet wheel ./python --no-deps --no-build-isolation \
  --wheel-dir "$out" -C "env._PYTHON_HOST_PLATFORM=$tag" -C "build-dir=$PWD/$release/wheel" -C "cmake.define.PLIMSOLL_PREBUILT=$library"
ls -l "$out"/plimsoll-*.whl | awk '{printf "%s  %.1f MB\n", $NF, $5 / 1e6}'
