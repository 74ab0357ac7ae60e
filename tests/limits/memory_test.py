# SPDX-License-Identifier: Apache-2.0
"""A Parquet file of 1 GB goes through conformal.split fit and apply with --memory 256MB, peak resident memory under the limit.

Usage: memory_test.py PLIMSOLL [ROWS]. Each command has its own time-out: under a tight limit a reader may wait for ever.
"""
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

LIMIT_MB = 256
CLASSES = 10


def write_table(path, rows):
    """Row groups of a million rows, as pyarrow writes them by default; random probabilities do not compress."""
    rng = np.random.default_rng(1)
    names = [f"p_{k}" for k in range(CLASSES)]
    writer = None
    for begin in range(0, rows, 1 << 20):
        count = min(1 << 20, rows - begin)
        p = rng.random((count, CLASSES))
        p /= p.sum(axis=1, keepdims=True)
        y = (p.cumsum(axis=1) < rng.random((count, 1))).sum(axis=1).clip(max=CLASSES - 1)
        table = pa.table({**{n: p[:, k].copy() for k, n in enumerate(names)}, "y": y})
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table, row_group_size=1 << 20)
    writer.close()


def stays_under(command):
    """Runs the command and watches its high-water mark (ru_maxrss would count this process before the exec)."""
    process = subprocess.Popen(command)
    begin = time.monotonic()
    peak = 0.0
    while process.poll() is None:
        if time.monotonic() - begin > 180:
            process.kill()
            raise TimeoutError(command[1])
        try:
            with open(f"/proc/{process.pid}/status") as status:
                peak = max([peak] + [int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM")])
        except FileNotFoundError:
            pass
        time.sleep(0.01)
    print(f"{command[1]}: exit {process.returncode}, peak {peak:.0f} MB", flush=True)
    return process.returncode == 0 and 0 < peak < LIMIT_MB


def main():
    program = sys.argv[1]
    rows = int(float(sys.argv[2])) if len(sys.argv) > 2 else 12_000_000
    with tempfile.TemporaryDirectory(dir=".") as folder:
        data, model, out = (os.path.join(folder, n) for n in ("data.parquet", "model.plim", "out.parquet"))
        write_table(data, rows)
        print(f"{os.path.getsize(data) / 1e9:.2f} GB", flush=True)
        common = ["--memory", f"{LIMIT_MB}MB", "--quiet"]
        passed = stays_under([program, "fit", "conformal.split", data, "--target", "y", "--probability", "p_*", "-o", model, *common])
        passed = passed and stays_under([program, "apply", model, data, "--probability", "p_*", "-o", out, *common])
        assert passed, "a command failed or passed the memory limit"
        assert pq.read_metadata(out).num_rows == rows


if __name__ == "__main__":
    main()
