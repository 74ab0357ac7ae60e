# SPDX-License-Identifier: Apache-2.0
"""Frames on their way into the engine: whatever speaks the Arrow PyCapsule interface, without a copy."""
from __future__ import annotations

import os
from typing import Any, Protocol, Union, runtime_checkable


@runtime_checkable
class ArrowStream(Protocol):
    """Any frame that hands its columns over by the Arrow PyCapsule interface."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


@runtime_checkable
class ArrowArray(Protocol):
    """A single record batch of the Arrow PyCapsule interface."""

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]: ...


# A frame (pyarrow, pandas, polars, DuckDB, ...) or the path of a CSV, Parquet, JSON lines or Arrow file.
Frame = Union[ArrowStream, ArrowArray, str, "os.PathLike[str]"]

_MENDS = {
    "LazyFrame": "Collect it first: frame.collect().",
    "Series": "Give a frame: series.to_frame().",
    "dict": "Make a frame of it first: pyarrow.table(columns), polars.DataFrame(columns) or pandas.DataFrame(columns).",
    "list": "Make a frame of it first, with names for its columns: pandas.DataFrame(rows, columns=[...]).",
    "ndarray": "Give its columns names first: pandas.DataFrame(array, columns=[...]).",
    "DuckDBPyConnection": "Give a relation: connection.sql('select ...').",
}


def _is_pandas(frame: object) -> bool:
    return type(frame).__module__.split(".")[0] == "pandas" and hasattr(frame, "columns") and hasattr(frame, "dtypes")


def _mixed_row(column: Any) -> int | None:
    """The first value of an object column whose type is not that of the values before it."""
    first: type | None = None
    for row, value in enumerate(column):
        if value is None or value != value:
            continue
        if first is None:
            first = type(value)
        elif type(value) is not first:
            return row
    return None


def _pandas_column_error(frame: Any, problem: Exception, port: str) -> Exception:
    from . import errors

    import pyarrow

    for place, name in enumerate(frame.columns):
        column = frame.iloc[:, place]
        try:
            pyarrow.Array.from_pandas(column)
        except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError, pyarrow.ArrowNotImplementedError):
            row = _mixed_row(column) if column.dtype == object else None
            kinds = "" if row is None else ": " + " and ".join(sorted({type(v).__name__ for v in column.iloc[: row + 1] if v is not None}))
            what = f"the column {str(name)!r} of '{port}' mixes types{kinds}" if row is not None else f"the column {str(name)!r} of '{port}' holds what is neither number, text nor time"
            mend = f"Bring it to one type: frame[{name!r}].astype(str), or pandas.to_numeric(frame[{name!r}])."
            return errors.WrongType(what, mend, column=str(name), row=row)
    return errors.WrongType(f"'{port}' does not become a table: {problem}", "Bring its columns to numbers, text or times.")


def _pandas_stream(frame: Any, port: str) -> object:
    """pandas makes a column of a frame's index where one was kept after a split; an index is no feature, so it stays behind."""
    from . import errors

    try:
        import pyarrow
    except ImportError as problem:
        raise errors.MissingPlugin("pandas hands its frames over by way of pyarrow, which is not installed", "pip install pyarrow") from problem
    try:
        return pyarrow.Table.from_pandas(frame, preserve_index=False).__arrow_c_stream__()
    except (pyarrow.ArrowException, TypeError, ValueError) as problem:
        raise _pandas_column_error(frame, problem, port) from problem


def _array_stream(frame: Any) -> object:
    import pyarrow

    return pyarrow.table(pyarrow.record_batch(frame)).__arrow_c_stream__()


def is_path(frame: object) -> bool:
    return isinstance(frame, (str, os.PathLike))


def reads_once(frame: object) -> bool:
    """A stream that is spent when it was read."""
    return type(frame).__name__ in {"RecordBatchReader", "RecordBatchFileReader", "DuckDBPyRelation"}


def stream_capsule(frame: object, port: str) -> object:
    """The Arrow stream of a frame; the typed error when it has none."""
    from . import errors

    if _is_pandas(frame):
        return _pandas_stream(frame, port)
    kind = type(frame).__name__
    try:
        if hasattr(frame, "__arrow_c_stream__") and kind != "Series":
            return frame.__arrow_c_stream__()
        if hasattr(frame, "__arrow_c_array__"):
            return _array_stream(frame)
    except errors.PlimsollError:
        raise
    except Exception as problem:
        what = f"the {type(frame).__name__} given as '{port}' does not hand its columns over: {problem}"
        raise errors.WrongType(what, "Bring its columns to numbers, text or times.") from problem
    mend = _MENDS.get(kind, "Give a frame of pyarrow, pandas, polars or DuckDB, any object with __arrow_c_stream__, or the path of a file.")
    raise errors.WrongKind(f"'{port}' wants a table, got {kind}", mend, parameter=port)
