# SPDX-License-Identifier: Apache-2.0
"""pyarrow's readers: read_tables.py FILE, or read_tables.py make FOLDER ROWS to write the files."""
import sys

from measure import Measured, normal, say


def make(folder, rows, width=30):
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    x = normal(5, rows * width).reshape(rows, width)
    table = pa.table({f"x{c}": x[:, c].copy() for c in range(width)})
    pyarrow.parquet.write_table(table, f"{folder}/table.parquet")
    pyarrow.csv.write_csv(table, f"{folder}/table.csv")


if sys.argv[1] == "make":
    make(sys.argv[2], int(float(sys.argv[3])))
else:
    import pyarrow.csv
    import pyarrow.parquet

    with Measured() as m:
        read = pyarrow.csv.read_csv if sys.argv[1].endswith(".csv") else pyarrow.parquet.read_table
        table = read(sys.argv[1])
    say(cpu=m.cpu, rows=table.num_rows, peak_mb=m.peak)
