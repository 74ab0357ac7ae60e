# SPDX-License-Identifier: Apache-2.0
"""Frames in and out: pyarrow, pandas, polars, DuckDB, any object with the Arrow PyCapsule interface, files."""
import datetime
import decimal

import duckdb
import numpy as np
import pandas as pd
import polars
import pyarrow as pa
import pyarrow.parquet
import pytest

import plimsoll as pl

ROWS = 1000


def columns(rows=ROWS):
    draw = np.random.default_rng(5)
    mu = draw.normal(size=rows)
    kind = draw.integers(0, 3, size=rows)
    return {"mu": mu, "y": mu + draw.normal(size=rows), "kind": np.array(["bay", "sea", "lake"])[kind]}


class Foreign:
    """A frame of a library that nobody has heard of yet."""

    def __init__(self, table):
        self.table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__()


class OneBatch:
    def __init__(self, batch):
        self.batch = batch

    def __arrow_c_array__(self, requested_schema=None):
        return self.batch.__arrow_c_array__()


def batches(table):
    return pa.RecordBatchReader.from_batches(table.schema, iter(table.to_batches(max_chunksize=97)))


TABLE = pa.table(columns())
FRAMES = {
    "pyarrow": lambda: TABLE,
    "pyarrow in chunks": lambda: pa.concat_tables([TABLE.slice(0, 300), TABLE.slice(300)]),
    "a record batch": lambda: TABLE.to_batches()[0],
    "a reader": lambda: batches(TABLE),
    "pandas": lambda: pd.DataFrame(columns()),
    "pandas after a split": lambda: pd.DataFrame(columns()).sample(frac=1, random_state=0).sort_index(kind="stable").set_index(np.arange(7, 7 + ROWS)[::1] * 3),
    "polars": lambda: polars.DataFrame(columns()),
    "polars in chunks": lambda: polars.concat([polars.DataFrame(columns())[:400], polars.DataFrame(columns())[400:]], rechunk=False),
    "polars categories": lambda: polars.DataFrame(columns()).with_columns(polars.col("kind").cast(polars.Categorical)),
    "duckdb": lambda: duckdb.connect().from_arrow(TABLE),
    "foreign": lambda: Foreign(TABLE),
    "one batch": lambda: OneBatch(TABLE.to_batches()[0]),
}


@pytest.fixture(scope="module")
def model():
    return pl.conformal.Split(alpha=0.2).fit(TABLE, target="y", prediction="mu")


@pytest.fixture(scope="module")
def answer(model):
    return model.apply(TABLE, keep="all").to_arrow()


@pytest.mark.parametrize("name", FRAMES)
def test_every_frame_gives_the_same_model_and_the_same_answer(name, model, answer):
    if name == "duckdb":
        connection = duckdb.connect()
        frames = [connection.from_arrow(TABLE), connection.from_arrow(TABLE)]
    else:
        frames = [FRAMES[name](), FRAMES[name]()]
    fitted = pl.conformal.Split(alpha=0.2).fit(frames[0], target="y", prediction="mu")
    assert fitted.certificate == model.certificate
    out = fitted.apply(frames[1], keep="all").to_arrow()
    assert out.column_names == answer.column_names
    for column in ("lower", "upper", "mu", "y"):
        assert out[column].to_pylist() == answer[column].to_pylist()
    assert [str(value) for value in out["kind"].to_pylist()] == columns()["kind"].tolist()


def test_out_to_each_library_without_loss(model, answer):
    out = model.apply(TABLE)
    assert out.to_polars().to_arrow()["upper"].to_pylist() == answer["upper"].to_pylist()
    assert polars.DataFrame(out)["upper"].to_list() == answer["upper"].to_pylist()
    assert pa.table(out)["upper"].to_pylist() == answer["upper"].to_pylist()
    assert out.to_pandas()["upper"].tolist() == answer["upper"].to_pylist()
    assert pd.DataFrame.from_arrow(out)["upper"].tolist() == answer["upper"].to_pylist()
    assert out.to_duckdb(duckdb.connect()).aggregate("count(*)").fetchall() == [(ROWS,)]
    again = model.apply(TABLE)
    assert len(again) == ROWS and again.table.rows == ROWS and "upper" in again.columns and again.rows is again.table


def test_no_copy_is_made_of_what_passes_through():
    table = pa.table({"mu": np.arange(100_000.0), "y": np.arange(100_000.0) + 1, "id": np.arange(100_000)})
    model = pl.conformal.Split().fit(table, target="y", prediction="mu")
    out = model.apply(table, keep="all")
    first, second = out.to_arrow(), out.to_arrow()  # asked for twice: the same memory, not a copy of it
    addresses = [[buffer.address for chunk in t["upper"].chunks for buffer in chunk.buffers() if buffer] for t in (first, second)]
    assert addresses[0] == addresses[1]
    given = [buffer.address for buffer in table["mu"].chunk(0).buffers() if buffer]
    passed = [buffer.address for buffer in first["mu"].chunk(0).buffers() if buffer]
    assert given[0] <= passed[0] < given[0] + 800_000  # the caller's own buffer, cut into batches


def test_types_that_frames_hold(model):
    rows = 20
    table = pa.table({
        "mu": np.arange(float(rows)), "a": pa.array([decimal.Decimal("1.5")] * rows), "b": pa.array([datetime.date(2026, 1, 1)] * rows),
        "c": pa.array([None] * rows, pa.null()), "d": pa.array(["x", None] * 10).dictionary_encode(), "e": pa.array([True, None] * 10),
        "f": pa.array([["p", "q"]] * rows), "g": pa.array(["x"] * rows, pa.large_string()), "h": pa.array(["x"] * rows, pa.string_view()),
        "i": pa.array([1.5] * rows, pa.float32()), "j": pa.array([7] * rows, pa.uint8()), "k": pa.array([{"s": 1}] * rows),
        "l": pa.array([datetime.datetime(2026, 1, 1)] * rows), "m": pa.array([b"x"] * rows)})
    out = model.apply(table, keep="all").to_arrow()
    for name in "abdefghijklm":
        assert out[name].to_pylist() == table[name].to_pylist(), name


def test_files(tmp_path, model, answer):
    pa.parquet.write_table(TABLE, tmp_path / "rows.parquet")
    (tmp_path / "rows.csv").write_text(pd.DataFrame(columns()).to_csv(index=False, sep=";"))
    assert model.apply(tmp_path / "rows.parquet").to_arrow()["upper"].to_pylist() == answer["upper"].to_pylist()
    read = model.apply(str(tmp_path / "rows.csv"), read={"delimiter": ";", "columns": ["mu"]})
    np.testing.assert_allclose(read.to_arrow()["upper"].to_numpy(), answer["upper"].to_numpy())
    with pytest.raises(pl.NotFound) as caught:
        model.apply(tmp_path / "none.parquet")
    assert isinstance(caught.value, FileNotFoundError) and caught.value.file.endswith("none.parquet")


def test_the_index_of_pandas_is_no_feature():
    draw = np.random.default_rng(1)
    frame = pd.DataFrame({"x": draw.normal(size=400), "y": np.where(draw.random(400) < 0.5, "a", "b")}).sample(frac=1, random_state=1)
    model = pl.risk.Classifier(learner="logistic").fit(frame, target="y")
    assert [column["name"] for column in model.info()["schema"]] == ["x", "y"]


def test_a_stream_that_fails_says_why(model):
    def failing():
        yield TABLE.to_batches()[0]
        raise RuntimeError("the lake ran dry")

    with pytest.raises(pl.PlimsollError, match="the lake ran dry"):
        model.apply(pa.RecordBatchReader.from_batches(TABLE.schema, failing()))


def test_empty_frames(model):
    out = model.apply(TABLE.slice(0, 0))
    assert len(out) == 0 and out and "upper" in out.columns and out.to_arrow().num_rows == 0
    with pytest.raises((pl.MissingInput, pl.MissingColumn)):
        model.apply(pa.table({"other": [1.0]}))
