# SPDX-License-Identifier: Apache-2.0
"""A file to a table, Parquet and CSV, against pyarrow's own readers (the same library underneath)."""
import os

PEERS = "conformal"
WIDTH = 30


def cases(bench):
    folder = bench.folder()
    if not os.path.exists(os.path.join(folder, "table.csv")):
        bench.run(bench.peer("make", folder, bench.rows(1e6)))
    for name in ("table.parquet", "table.csv"):
        path = os.path.join(folder, name)
        found = bench.interleave({"ours": bench.ours(path), "pyarrow": bench.peer("read", path)})
        yield bench.row(f"read {name}", "file to table", found["ours"]["read"], found["pyarrow"]["cpu"], "pyarrow", found["ours"]["peak_mb"], found["pyarrow"]["peak_mb"])


def peer(kind, *arguments):
    import pyarrow
    import pyarrow.csv
    import pyarrow.parquet
    from measure import Measured, normal

    if kind == "make":
        folder, rows = arguments[0], int(arguments[1])
        x = normal(5, rows * WIDTH).reshape(rows, WIDTH)
        table = pyarrow.table({f"x{c}": x[:, c].copy() for c in range(WIDTH)})
        pyarrow.parquet.write_table(table, os.path.join(folder, "table.parquet"))
        pyarrow.csv.write_csv(table, os.path.join(folder, "table.csv"))
        return {"rows": rows}
    path = arguments[0]
    with Measured() as m:
        table = (pyarrow.csv.read_csv if path.endswith(".csv") else pyarrow.parquet.read_table)(path)
    return {"cpu": m.cpu, "rows": table.num_rows, "peak_mb": m.peak}
