# SPDX-License-Identifier: Apache-2.0
# Everything a contributor types. `make demo` and `make test` set a bare Debian 12
# machine up by themselves (root or sudo); each says what it installs.
JOBS ?= $(shell nproc)
WERROR ?= OFF
SEEDS ?= 1 2 3 4 5 6 7 8 9 10
RELEASE := build/release
PROGRAM := $(RELEASE)/bin/plimsoll

# Trees that hold the same sources share compiled objects, wherever they lie.
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1

.PHONY: help demo wheel build test check test-sanitized test-full bench clean

help:
	@echo "make demo            set up, build, and run the main job end to end on data with known truth"
	@echo "make test            set up, build, and run every test (under 30 minutes on 2 cores)"
	@echo "make build           the program in build/release/bin/plimsoll"
	@echo "make check           build and run the fast tests: minutes, while working"
	@echo "make wheel           the Python package as a wheel in dist/"
	@echo "make test-sanitized  clang 16 with sanitizers (address, undefined; threads for base): tests, fuzzers, outputs compared with the g++ build"
	@echo "make test-full       experiments at full size, ten seeds, long fuzz, benchmarks (hours)"
	@echo "make bench           ours and the named peers on the same work"
	@echo "make clean           remove the build folders (keeps the Python environment)"

build:
	@tools/setup.sh build
	@cmake --preset release -DPLIMSOLL_WERROR=$(WERROR) --log-level=WARNING >/dev/null
	@cmake --build $(RELEASE) -j $(JOBS) --target plimsoll_program

demo: build
	@$(PROGRAM) demo

wheel:
	@tools/setup.sh test
	@cmake --preset release -DPLIMSOLL_WERROR=$(WERROR) --log-level=WARNING >/dev/null
	@cmake --build $(RELEASE) -j $(JOBS) --target plimsoll_shared
	@tools/build_wheel.sh $(RELEASE) dist

$(RELEASE)-tests:
	@tools/setup.sh test
	@cmake --preset release -DPLIMSOLL_TESTS=ON -DPLIMSOLL_WERROR=$(WERROR) --log-level=WARNING >/dev/null
	@cmake --build $(RELEASE) -j $(JOBS)
.PHONY: $(RELEASE)-tests

test: $(RELEASE)-tests
	@tools/run_tests.sh $(RELEASE) $(JOBS)

check: $(RELEASE)-tests
	@tools/run_tests.sh $(RELEASE) $(JOBS) -L fast

test-sanitized:
	@tools/setup.sh sanitized
	@cmake --preset release -DPLIMSOLL_WERROR=$(WERROR) --log-level=WARNING >/dev/null
	@cmake --build $(RELEASE) -j $(JOBS) --target plimsoll_program
	@cmake --preset sanitized -DPLIMSOLL_WERROR=$(WERROR) --log-level=WARNING >/dev/null
	@cmake --build build/sanitized -j $(JOBS)
	@tools/run_tests.sh build/sanitized $(JOBS) -LE release_only
	@cmake --preset tsan -DPLIMSOLL_WERROR=$(WERROR) --log-level=WARNING >/dev/null
	@cmake --build build/tsan -j $(JOBS) --target test_base
	@TSAN_OPTIONS=halt_on_error=1:ignore_noninstrumented_modules=1 build/tsan/bin/test_base --gtest_brief=1
	@tools/run_fuzzers.sh build/sanitized/fuzz 20
	@tools/compare_builds.sh $(PROGRAM) build/sanitized/bin/plimsoll

test-full: test
	@$(PROGRAM) prove --all --seed 7
	@for seed in $(SEEDS); do $(PROGRAM) prove --all --quick --seed $$seed || exit 1; done
	@for seed in $(SEEDS); do $(RELEASE)/bin/plimsoll_spoiled --seed $$seed || exit 1; done
	@cd $(RELEASE) && PLIMSOLL_SPARK_ROWS=100000000 PLIMSOLL_SOURCE_DIR=$(CURDIR) PYTHONPATH=$(CURDIR)/$(RELEASE)/python $(CURDIR)/build/venv/bin/python -m pytest -q -p no:cacheprovider $(CURDIR)/tests/python/test_spark.py
	@$(MAKE) test-sanitized
	@tools/run_fuzzers.sh build/sanitized/fuzz 600
	@$(MAKE) bench

bench:
	@tools/setup.sh bench
	@cmake --preset release -DPLIMSOLL_TESTS=ON --log-level=WARNING >/dev/null
	@cmake --build $(RELEASE) -j $(JOBS)
	@bench/run

clean:
	rm -rf build/release build/debug build/clang build/sanitized build/tsan build/web
