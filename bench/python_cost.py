#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What Python costs: CPU of the main job beside the command line's, of the import, and memory of an apply.

    PYTHONPATH=build/release/python build/venv/bin/python bench/python_cost.py [FOLDER_OF_ADULT]

CPU seconds, both sides in turn, the least of five; the promises are 0.5 s, 0.15 s and 5 % of the table.
"""
import pathlib
import resource
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
NAMES = ("age workclass fnlwgt education education_num marital_status occupation relationship race sex capital_gain capital_loss "
         "hours_per_week native_country income").split()  # fmt: skip
FEATURES = [name for name in NAMES if name not in {"fnlwgt", "income"}]

READ = dict(header=False, names=NAMES, trim=True, null="?", strip_suffix="income=.")
PYTHON = f"""
import sys, warnings, plimsoll as pl
warnings.simplefilter("ignore")
past, later, out = sys.argv[1:]
model = pl.risk.Classifier(positive=">50K").fit(past, target="income", feature={FEATURES}, read={READ}, seed=7, threads=1)
model.save(out + "/p.plim")
model.apply(later, read={READ}, threads=1)
model.report(later, target="income", read={READ}, threads=1).save(out + "/p.html")
"""
PANDAS = PYTHON.replace("import sys, warnings", "import sys, warnings, pandas as pd").replace(f", read={READ}", "").replace("past, later, out = sys.argv[1:]", f"""
past, later, out = sys.argv[1:]
def adult(path):
    frame = pd.read_csv(path, names={NAMES}, skipinitialspace=True, na_values="?")
    frame["income"] = frame["income"].str.rstrip(".")
    return frame
past, later = adult(past), adult(later)
""")
MEMORY = """
import numpy as np, pyarrow as pa, plimsoll as pl, gc

def resident():
    gc.collect()
    return next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmRSS"))

def columns(rows):
    draw = np.random.default_rng(0)
    return pa.table({name: draw.random(rows) for name in ("mu", "y", "a", "b")})

model = pl.conformal.Split().fit(columns(1000), target="y", prediction="mu")
table = columns(10_000_000)
model.apply(table.slice(0, 1_000_000))
before = resident()
out = model.apply(table).to_arrow()
added = resident() - before
print(f"table {table.nbytes / 1e6:.0f} MB, output {out.nbytes / 1e6:.0f} MB, resident grew by {added / 1e6:.0f} MB: "
      f"{100 * (added - out.nbytes) / table.nbytes:.1f} % of the table beyond the output")
"""


def cpu(*commands):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for command in commands:
        subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(data):
    program = ROOT / "build/release/bin/plimsoll"
    past, later = data / "adult-train.csv", data / "adult-test.csv"
    read = ["--read.header=false", "--read.names", ",".join(NAMES), "--read.trim", "--read.null", "?", "--read.strip-suffix", "income=."]
    with tempfile.TemporaryDirectory() as out:
        line = [
            [program, "fit", "risk.classifier", past, "--positive", ">50K", "--target", "income", "--feature", ",".join(FEATURES), "--seed", "7", "--threads", "1", "-o", f"{out}/c.plim", *read],
            [program, "apply", f"{out}/c.plim", later, "-o", f"{out}/c.arrow", "--threads", "1", *read],
            [program, "report", f"{out}/c.plim", later, "--target", "income", "-o", f"{out}/c.html", "--threads", "1", *read],
        ]
        sides = {"command line": line, "Python, files": [[sys.executable, "-c", PYTHON, past, later, out]], "Python, pandas": [[sys.executable, "-c", PANDAS, past, later, out]],
                 "bare Python": [[sys.executable, "-c", "pass"]], "import plimsoll": [[sys.executable, "-c", "import plimsoll"]]}  # fmt: skip
        times = {name: [] for name in sides}
        for _ in range(5):
            for name, commands in sides.items():
                times[name].append(cpu(*commands))
        best = {name: min(seconds) for name, seconds in times.items()}
        same = pathlib.Path(out, "c.plim").read_bytes() == pathlib.Path(out, "p.plim").read_bytes()
    for name, seconds in best.items():
        print(f"{name:16} {seconds:.3f} s of CPU")
    print(f"Python adds {best['Python, files'] - best['command line']:.3f} s to the main job; the import takes {best['import plimsoll'] - best['bare Python']:.3f} s; same model: {same}")
    print(subprocess.run([sys.executable, "-c", MEMORY], check=True, capture_output=True, text=True).stdout, end="")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "examples/data/adult")
