# SPDX-License-Identifier: Apache-2.0
"""Artifacts of every release load and apply as recorded.

  check.py PLIMSOLL                  each tests/artifacts/VERSION/NAME: apply model.plim to input.csv, compare with expected.csv
  check.py PLIMSOLL --record VERSION makes that folder, once, when a release is made; it is never made again

Numbers are compared to 1e-12 (the last bit of libm may differ between processors), everything else exactly.
"""
import csv
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))

# What a release records: fit arguments, apply arguments, the tables of tools/sample_tables.py that they read.
RECORDS = {
    "risk.classifier-trees": ("past.csv", "new.csv", ["risk.classifier", "--target", "default", "--learner", "trees", "--trees.rounds", "5", "--seed", "3"], []),
    "risk.classifier-logistic": ("past.csv", "new.csv", ["risk.classifier", "--target", "default", "--learner", "logistic", "--seed", "3"], []),
    "conformal.split-lac": ("predicted.csv", "predicted_new.csv", ["conformal.split", "--target", "y", "--probability", "p_a,p_b,p_c", "--prefix", "p_"], ["--probability", "p_a,p_b,p_c"]),
}


def run(command, folder):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}")


def record(program, version):
    with tempfile.TemporaryDirectory() as tables:
        run([sys.executable, os.path.join(ROOT, "tools", "sample_tables.py"), tables], tables)
        for name, (past, new, fit, apply) in RECORDS.items():
            folder = os.path.join(HERE, version, name)
            os.makedirs(folder)
            with open(os.path.join(tables, new)) as source, open(os.path.join(folder, "input.csv"), "w") as target:
                target.writelines(source.readlines()[:41])
            run([program, "fit", fit[0], os.path.join(tables, past), *fit[1:], "-o", "model.plim", "--quiet"], folder)
            run([program, "apply", "model.plim", "input.csv", *apply, "-o", "expected.csv", "--quiet"], folder)
            with open(os.path.join(folder, "apply.json"), "w") as file:
                json.dump(apply, file)


def same(a, b):
    if a == b:
        return True
    try:
        x, y = float(a), float(b)
    except ValueError:
        return False
    return abs(x - y) <= 1e-12 * max(1.0, abs(x))


def check(program, folder):
    with open(os.path.join(folder, "apply.json")) as file:
        arguments = json.load(file)
    with tempfile.TemporaryDirectory() as scratch:
        out = os.path.join(scratch, "out.csv")
        run([program, "apply", "model.plim", "input.csv", *arguments, "-o", out, "--quiet"], folder)
        with open(out) as mine, open(os.path.join(folder, "expected.csv")) as recorded:
            got, wanted = list(csv.reader(mine)), list(csv.reader(recorded))
    assert len(got) == len(wanted), f"{folder}: {len(got)} lines, recorded {len(wanted)}"
    for line, (a, b) in enumerate(zip(got, wanted), 1):
        assert len(a) == len(b) and all(map(same, a, b)), f"{folder}, line {line}: {a}, recorded {b}"


def main():
    program = os.path.abspath(sys.argv[1])
    if sys.argv[2:3] == ["--record"]:
        return record(program, sys.argv[3])
    folders = sorted(os.path.dirname(os.path.join(path, name)) for path, _, names in os.walk(HERE) for name in names if name == "model.plim")
    assert folders, "no artifact is recorded"
    for folder in folders:
        check(program, folder)
        print("applies as recorded:", os.path.relpath(folder, HERE))


if __name__ == "__main__":
    main()
