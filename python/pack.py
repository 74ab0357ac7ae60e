#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Gathers libplimsoll.so and every library it needs into one folder, each under a name of its own.

    pack.py LIBPLIMSOLL FOLDER    fills FOLDER
    pack.py --tag LIBPLIMSOLL     the oldest C library that all of them run on, as a wheel's tag: manylinux_2_36_x86_64

A process holds one library a soname: pyarrow and ours would be given whichever came first, built together or not. So
libarrow.so.2600 becomes libplimsoll-arrow.so.2600, in its own head and wherever it is asked for, and both stand side by
side. What every Linux of the tag has (C, C++ and math libraries, zlib) stays the system's.
"""
import pathlib
import platform
import re
import shutil
import subprocess
import sys

SYSTEM = re.compile(r"^(linux-vdso|ld-linux|libc|libm|libdl|libpthread|librt|libstdc\+\+|libgcc_s|libz)[.-]")
OPENED = {"libxgboost.so": "libplimsoll-xgboost.so", "libhighs.so": "libplimsoll-highs.so"}  # on first use, by these names


def run(*command, check=True):
    return subprocess.run(command, capture_output=True, text=True, check=check).stdout


def needed(path):
    """Name and place of every library that this one draws in, at any depth."""
    found = {}
    for line in run("ldd", path).splitlines():
        name, _, rest = line.strip().partition(" => ")
        if "not found" in rest:
            sys.exit(f"pack.py: {path} needs {name}, which is not found")
        if rest.startswith("/") and not SYSTEM.match(name):
            found[name] = pathlib.Path(rest.split(" (")[0])
    return found


def runpath(path):
    return [pathlib.Path(part) for part in run("patchelf", "--print-rpath", path).strip().split(":") if part]


def own_name(name):
    return "libplimsoll-" + re.sub("^lib", "", name)


def gather(library):
    """Our library and all others, by the names they have now."""
    found = {library.resolve(): library.name}
    for name, place in needed(library).items():
        found.setdefault(place.resolve(), name)
    for name in OPENED:
        place = next((folder / name for folder in runpath(library) if (folder / name).exists()), None)
        if place is None:
            sys.exit(f"pack.py: {name} stands in no folder of {library}'s run path")
        found.setdefault(place.resolve(), name)
        for inner, inner_place in needed(place).items():
            found.setdefault(inner_place.resolve(), inner)
    return found


def pack(library, folder):
    library, folder = pathlib.Path(library), pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    soname = run("patchelf", "--print-soname", library).strip()
    found = gather(library)
    names = {name: OPENED.get(name, own_name(name)) for name in found.values()}
    names[library.name] = soname
    for place, name in found.items():
        target = folder / names[name]
        shutil.copyfile(place, target)
        target.chmod(0o755)
        if place == library.resolve():
            subprocess.run(["strip", "--strip-unneeded", target], check=False)
        asked = [line.strip() for line in run("patchelf", "--print-needed", target).splitlines()]
        # One change at a time: patchelf 0.14 gives a library the name of what it needs when told both at once.
        run("patchelf", "--set-soname", names[name], target)
        run("patchelf", "--set-rpath", "$ORIGIN", target)
        for old in asked:
            if old in names:
                run("patchelf", "--replace-needed", old, names[old], target)
    licences(library, folder.parent / "licences")
    print(f"packed {len(found)} libraries, {sum(path.stat().st_size for path in folder.iterdir()) / 1e6:.0f} MB: {' '.join(sorted(names.values()))}")


def licences(library, folder):
    """The words that each library came with: of the wheel it lies in, or of Debian's package."""
    folder.mkdir(exist_ok=True)
    for place in gather(library):
        if "site-packages" in place.parts:
            site = pathlib.Path(*place.parts[: place.parts.index("site-packages") + 1])
            package = place.relative_to(site).parts[0].removesuffix(".libs")
            for words in site.glob(f"{package}*.dist-info/**/*"):
                if words.is_file() and re.match("(LICENSE|NOTICE)", words.name):
                    shutil.copyfile(words, folder / f"{package}-{words.name}")
        else:
            for owner in run("dpkg", "-S", place.name, check=False).splitlines() if shutil.which("dpkg") else ():
                package = owner.split(":")[0]
                words = pathlib.Path("/usr/share/doc", package, "copyright")
                if owner.endswith(place.name) and words.exists():
                    shutil.copyfile(words, folder / f"{package}-copyright")


def tag(library):
    newest = (2, 17)
    for path in gather(pathlib.Path(library)):
        for major, minor in re.findall(r"GLIBC_(\d+)\.(\d+)", run("readelf", "--version-info", path)):
            newest = max(newest, (int(major), int(minor)))
    print(f"manylinux_{newest[0]}_{newest[1]}_{platform.machine()}")


if __name__ == "__main__":
    tag(sys.argv[2]) if sys.argv[1] == "--tag" else pack(*sys.argv[1:])
