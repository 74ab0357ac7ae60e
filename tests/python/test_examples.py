# SPDX-License-Identifier: Apache-2.0
"""Every example runs: those in Python here (and again from the wheel, test_wheel.py), the one in C as plain C11."""
import csv
import os
import pathlib
import random
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(os.environ["PLIMSOLL_SOURCE_DIR"])
BUILD = pathlib.Path(os.environ["PLIMSOLL_BUILD_DIR"])
ADULT = [path.name for path in sorted((ROOT / "examples/python").glob("adult_*.py"))]


@pytest.mark.parametrize("name", ADULT)
def test_the_main_job(name, tmp_path):
    for module in ("pandas", "polars", "duckdb"):
        if module in name:
            pytest.importorskip(module)
    shown = subprocess.run([sys.executable, ROOT / "examples/python" / name, ROOT / "examples/data/adult", tmp_path], capture_output=True, text=True)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "with probability at least 90 %" in shown.stdout and (tmp_path / "adult.html").stat().st_size > 20_000
    assert (tmp_path / "adult.plim").stat().st_size > 10_000


def test_the_examples_learn_one_model(tmp_path):
    """pandas and polars hand over the same values, so the engine learns the same bytes."""
    models = []
    for name in ("adult_pandas.py", "adult_polars.py"):
        out = tmp_path / name
        subprocess.run([sys.executable, ROOT / "examples/python" / name, ROOT / "examples/data/adult", out], capture_output=True, check=True)
        import plimsoll as pl

        models.append(pl.load(out / "adult.plim"))
    assert models[0].certificate == models[1].certificate


def test_a_model_of_the_users_own(tmp_path):
    pytest.importorskip("xgboost")
    shown = subprocess.run([sys.executable, ROOT / "examples/python/own_xgboost.py", tmp_path], capture_output=True, text=True)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    held = float(shown.stdout.split("held ")[1].split()[0])
    # 2,000 calibration rows and 20,000 rows to judge by: five standard deviations of both.
    assert abs(held - 0.9) < 5 * (0.09 / 2000 + 0.09 / 20_000) ** 0.5 and (tmp_path / "houses.html").exists()


def table(path, rows, seed):
    draw = random.Random(seed)
    with open(path, "w", newline="") as out:
        lines = csv.writer(out)
        lines.writerow(["id", "mu", "y"])
        for row in range(rows):
            mu = draw.gauss(0, 1)
            lines.writerow([seed * 10_000 + row, repr(mu), repr(mu + draw.gauss(0, 0.5))])


def test_plain_c(tmp_path):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler here")
    program = tmp_path / "main_job"
    warnings = ["-std=c11", "-pedantic-errors", "-Wall", "-Wextra", "-Werror"]
    library = BUILD / "lib"
    subprocess.run([compiler, *warnings, ROOT / "examples/c/main_job.c", f"-I{ROOT / 'include'}", f"-L{library}", "-lplimsoll",
                    f"-Wl,-rpath,{library}", "-Wl,--allow-shlib-undefined", "-o", program], check=True)  # fmt: skip
    table(tmp_path / "past.csv", 500, 1)
    table(tmp_path / "new.csv", 50, 2)
    words = [program, tmp_path / "past.csv", tmp_path / "new.csv", "y", "mu", tmp_path / "c.plim", tmp_path / "c.csv"]
    shown = subprocess.run(words, capture_output=True, text=True)
    assert shown.returncode == 0 and "probability at least 0.9" in shown.stdout, shown.stdout + shown.stderr
    assert len((tmp_path / "c.csv").read_text().splitlines()) == 51

    import plimsoll as pl

    same = pl.conformal.Split(alpha=0.1).fit(tmp_path / "past.csv", target="y", prediction="mu", seed=7)
    assert same.to_bytes() == (tmp_path / "c.plim").read_bytes()  # one engine, whoever calls
    command = subprocess.run([BUILD / "bin/plimsoll", "fit", "conformal.split", tmp_path / "past.csv", "--alpha", "0.1", "--target", "y",
                              "--prediction", "mu", "--seed", "7", "-o", tmp_path / "cli.plim"], capture_output=True)  # fmt: skip
    assert command.returncode == 0 and (tmp_path / "cli.plim").read_bytes() == same.to_bytes()

    words[3] = "outcome"
    shown = subprocess.run(words, capture_output=True, text=True)
    assert shown.returncode == 1 and shown.stderr.startswith("missing_column")
