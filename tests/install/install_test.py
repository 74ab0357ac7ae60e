#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Installs into a scratch prefix, moves it, and uses it as strangers do.

    install_test.py BUILD SOURCE CXX [--subdirectory]

Without the flag: the program runs from the moved prefix, the library shows only its own symbols, and a project finds it
by find_package. With it: a project takes the source tree by add_subdirectory.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile


def run(*command, **options):
    result = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, **options)
    if result.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}\nended with {result.returncode}\n{result.stdout[-6000:]}")
    return result.stdout


def clean_environment():
    kept = {"PATH", "HOME", "TMPDIR", "LANG", "WERROR"}  # WERROR: every tree of one run compiles alike and shares the cache
    return {k: v for k, v in os.environ.items() if k in kept or k.startswith("CCACHE_")}


def build_consumer(source, folder, scratch, cxx, *definitions):
    run("cmake", "-S", source / "tests/install/consumer", "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
        f"-DCMAKE_CXX_COMPILER={cxx}", *definitions, env=clean_environment())
    run("cmake", "--build", folder, "--target", "consumer", env=clean_environment())
    programs = [p for p in folder.rglob("consumer") if p.is_file() and os.access(p, os.X_OK)]
    output = run(programs[0], env=clean_environment(), cwd=scratch)
    print(f"consumer: {output.strip()[:200]}")


def check_symbols(library):
    shown = run("nm", "-D", "--defined-only", "-C", library)
    foreign = [line for line in shown.splitlines() if not re.search(r"plimsoll::api::| plimsoll_[a-z_]+$", line)]
    if foreign:
        raise SystemExit("libplimsoll.so shows foreign symbols:\n" + "\n".join(foreign[:20]))
    count = len(shown.splitlines())
    if count == 0:
        raise SystemExit("libplimsoll.so shows nothing")
    print(f"libplimsoll.so shows {count} symbols, all of plimsoll::api and the C interface")


def check_moved(build, scratch, source, cxx):
    first = scratch / "first"
    run("cmake", "--install", build, "--prefix", first)
    prefix = scratch / "elsewhere"
    shutil.move(first, prefix)
    program = prefix / "bin/plimsoll"
    out = run(program, "methods", "--json", env=clean_environment(), cwd=scratch)
    if "risk.classifier" not in out:
        raise SystemExit(f"the installed program does not list its methods: {out[:500]}")
    origin = run("ldd", program)
    outside = [line for line in origin.splitlines() if re.search(r"lib(arrow|parquet)", line) and str(prefix) not in line]
    if outside:
        raise SystemExit("the installed program takes Arrow from elsewhere:\n" + "\n".join(outside))
    fitted = run(program, "prove", "risk.classifier", "--quick", "--seed", "7", env=clean_environment(), cwd=scratch)
    print(f"prove from the moved prefix: {fitted.strip()[:200]}")
    check_symbols(next((prefix / "lib").rglob("libplimsoll.so")))
    build_consumer(source, scratch / "consumer", scratch, cxx, f"-DCMAKE_PREFIX_PATH={prefix}")


def main(build, source, cxx, *flags):
    with tempfile.TemporaryDirectory() as folder:
        scratch = pathlib.Path(folder)
        if "--subdirectory" in flags:
            launcher = shutil.which("ccache")
            definitions = [f"-DCMAKE_CXX_COMPILER_LAUNCHER={launcher}"] if launcher else []
            # Beside the build folder: seen from there the sources have the same relative paths, so that the compiler's
            # cache knows them.
            folder = build.parent / "install_subdirectory"
            shutil.rmtree(folder, ignore_errors=True)
            build_consumer(source, folder, scratch, cxx, f"-DPLIMSOLL_SOURCE={source}", *definitions)
            shutil.rmtree(folder)
        else:
            check_moved(build, scratch, source, cxx)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), *sys.argv[3:])
