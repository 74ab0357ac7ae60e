#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Bundles the report's script and compiles its figure templates into build/web.
# The packages are fetched once, by exactly the versions of package-lock.json.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
out=${PLIMSOLL_WEB_OUT:-$root/build/web}
mkdir -p "$out"
exec 9>"$out/.lock"  # several build folders share this one
flock 9
cd "$root/web/report"
lock=$(sha256sum package-lock.json | cut -d' ' -f1)
if [ "$(cat node_modules/.lock-read 2>/dev/null || true)" != "$lock" ]; then
  echo "Fetching the packages of web/report/package-lock.json"
  npm ci --no-audit --no-fund --loglevel=error
  echo "$lock" > node_modules/.lock-read
fi
npm run --silent build -- "$out"
