# SPDX-License-Identifier: Apache-2.0
"""The wheel as people get it: installed where no compiler is, beside other libraries of the same names."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile

import pytest

ROOT = pathlib.Path(os.environ["PLIMSOLL_SOURCE_DIR"])
BUILD = pathlib.Path(os.environ["PLIMSOLL_BUILD_DIR"])
SYSTEM = re.compile(r"^(ld-linux|libc|libm|libdl|libpthread|librt|libstdc\+\+|libgcc_s|libz)[.-]")
OTHERS = sorted((ROOT / "build").glob("pyarrow-*"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    if shutil.which("patchelf") is None:
        pytest.skip("no patchelf here: tools/setup.sh test installs it")
    out = tmp_path_factory.mktemp("dist")
    made = subprocess.run([ROOT / "tools/build_wheel.sh", os.path.relpath(BUILD, ROOT), out], capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr
    (wheel,) = out.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def clean(wheel, tmp_path_factory):
    """A fresh environment with the wheel; other people's packages come from ours, compilers from nowhere."""
    home = tmp_path_factory.mktemp("clean")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    python = home / "bin/python"
    subprocess.run([sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", "--python", python, "install", "--no-index", "--no-deps", wheel], check=True)
    (site,) = home.glob("lib/python3*/site-packages")
    (site / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    environment = {"PATH": str(home / "bin"), "HOME": str(home), "LC_ALL": "C.UTF-8"}
    assert not any(shutil.which(name, path=environment["PATH"]) for name in ("cc", "gcc", "c++", "ld", "cmake"))

    def run(*words, **more):
        return subprocess.run([python, *words], env={**environment, **more}, capture_output=True, text=True, cwd=home)

    run.package = site / "plimsoll"
    return run


def test_what_the_wheel_holds(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for part in ("__init__.py", "__init__.pyi", "py.typed", "_core.pyi", "errors.py", "conformal.py", "risk.py", "LICENSE"):
        assert f"plimsoll/{part}" in names
    assert any(name.startswith("plimsoll/_core.") and name.endswith(".so") for name in names)
    assert any(name.startswith("plimsoll/licences/pyarrow") for name in names)
    assert re.search(r"manylinux_2_\d+_", wheel.name), wheel.name
    assert wheel.stat().st_size < 100e6


def test_every_library_has_a_name_of_its_own_and_finds_the_others(clean):
    libraries = {path.name: path for path in (clean.package / "_libs").iterdir()}
    assert {"libplimsoll.so.0", "libplimsoll-xgboost.so", "libplimsoll-highs.so"} <= set(libraries)
    for name, path in libraries.items():
        head = subprocess.run(["readelf", "-d", path], capture_output=True, text=True, check=True).stdout
        assert name.startswith("libplimsoll") and re.search(rf"soname: \[{re.escape(name)}\]", head)
        assert re.findall(r"PATH\).*\[(.*)\]", head) == ["$ORIGIN"], name
        for needed in re.findall(r"NEEDED.*\[(.*)\]", head):
            assert needed in libraries or SYSTEM.match(needed), f"{name} needs {needed}"


def test_only_our_symbols_are_seen(clean):
    shown = subprocess.run(["nm", "-D", "--defined-only", "-C", clean.package / "_libs/libplimsoll.so.0"], capture_output=True, text=True, check=True).stdout
    names = [line.split(" ", 2)[2] for line in shown.splitlines()]
    assert len([name for name in names if name.startswith("plimsoll_")]) > 40
    assert not [name for name in names if not re.match(r"plimsoll_[a-z_]+$|(typeinfo for |vtable for )?plimsoll::api::", name)]


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "examples/python").glob("*.py") if "spark" not in path.name))
def test_examples_run_from_the_wheel(clean, name, tmp_path):
    shutil.copytree(ROOT / "examples/python", tmp_path / "python")
    shutil.copytree(ROOT / "examples/data", tmp_path / "data")
    adult = [tmp_path / "data/adult"] if name.startswith("adult") else []
    shown = clean(tmp_path / "python" / name, *adult, tmp_path / "out")
    assert shown.returncode == 0, shown.stdout + shown.stderr


BOTH = """
import sys
first, version = sys.argv[1:]
if first == "ours":
    import plimsoll as pl, pyarrow as pa
else:
    import pyarrow as pa, plimsoll as pl
assert pa.__version__ == version, pa.__version__
import numpy as np, pyarrow.dataset, pyarrow.parquet, tempfile, os, datetime, decimal
n = 20_000
table = pa.table({
    "mu": np.arange(float(n)), "y": np.arange(float(n)) + np.resize([-1.0, 0.5, 2.0], n), "text": pa.array(["a", None] * (n // 2)),
    "coded": pa.array(["x", "y"] * (n // 2)).dictionary_encode(), "when": pa.array([datetime.datetime(2026, 1, 1)] * n),
    "exact": pa.array([decimal.Decimal("1.25")] * n), "list": pa.array([["p"], None] * (n // 2)), "nested": pa.array([{"k": 1}] * n)})
model = pl.conformal.Split().fit(table, target="y", prediction="mu")
out = pa.table(model.apply(table, keep="all"))
for name in table.column_names:
    assert out[name].to_pylist() == table[name].to_pylist(), name
given = table["mu"].chunk(0).buffers()[1].address
assert given <= out["mu"].chunk(0).buffers()[1].address < given + 8 * n
path = os.path.join(tempfile.mkdtemp(), "t.parquet")
pa.parquet.write_table(table.select(["mu", "y"]), path)
assert model.apply(path).to_arrow()["upper"].to_pylist() == out["upper"].to_pylist()
assert pa.dataset.dataset(path).to_table().num_rows == n
try:
    model.apply(pa.table({"nu": [1.0]}))
except pl.PlimsollError as error:
    assert error.mend
else:
    raise AssertionError
try:
    pa.array([1, "x"])
except pa.ArrowInvalid:
    pass
mapped = {line.split("/")[-1].strip() for line in open("/proc/self/maps") if "arrow.so" in line}
assert any(name.startswith("libplimsoll-arrow") for name in mapped) and any(name.startswith("libarrow") for name in mapped), mapped
print("both", sorted(mapped))
"""


@pytest.mark.parametrize("first", ["ours", "theirs"])
def test_beside_the_same_pyarrow(clean, first):
    import pyarrow

    shown = clean("-c", BOTH, first, pyarrow.__version__)
    assert shown.returncode == 0 and "both" in shown.stdout, shown.stderr


@pytest.mark.parametrize("first", ["ours", "theirs"])
def test_beside_another_pyarrow(clean, first):
    if not OTHERS:
        pytest.skip("no other pyarrow in build/: tools/setup.sh test puts it there")
    shown = clean("-c", BOTH, first, OTHERS[0].name.partition("-")[2], PYTHONPATH=str(OTHERS[0]))
    assert shown.returncode == 0 and "both" in shown.stdout, shown.stderr


def test_beside_the_users_own_xgboost(clean):
    pytest.importorskip("xgboost")
    code = """
import xgboost, numpy as np, pyarrow as pa, plimsoll as pl
x = np.random.default_rng(0).normal(size=(600, 2))
xgboost.train({"nthread": 1}, xgboost.DMatrix(x, x[:, 0]), 3)
model = pl.risk.Classifier(trees={"rounds": 5}).fit(pa.table({"a": x[:, 0], "b": x[:, 1], "y": np.where(x[:, 0] > 0, "up", "down")}), target="y")
mapped = {line.split("/")[-1].strip() for line in open("/proc/self/maps") if "xgboost" in line and ".so" in line}
assert {"libxgboost.so", "libplimsoll-xgboost.so"} <= mapped, mapped
print("both")
"""
    shown = clean("-c", code)
    assert shown.returncode == 0 and "both" in shown.stdout, shown.stderr


MEMORY = """
import gc, numpy as np, pyarrow as pa, plimsoll as pl

def resident():
    gc.collect()
    pa.default_memory_pool().release_unused()
    return next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmRSS"))

def columns(rows):
    draw = np.random.default_rng(0)
    return pa.table({name: draw.random(rows) for name in ("mu", "y", "a", "b")})

model = pl.conformal.Split().fit(columns(1000), target="y", prediction="mu")
table = columns(10_000_000)
model.apply(table.slice(0, 1_000_000), threads=2)  # pools and caches of the libraries are filled
before = resident()
out = model.apply(table, threads=2).to_arrow()
added = resident() - before
print(added, out.nbytes, table.nbytes)
assert added - out.nbytes < 0.05 * table.nbytes, (added, out.nbytes, table.nbytes)
"""


def test_apply_adds_little_memory_beyond_its_output(clean):
    shown = clean("-c", MEMORY)
    print(shown.stdout)
    assert shown.returncode == 0, shown.stdout + shown.stderr
