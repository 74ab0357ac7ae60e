# SPDX-License-Identifier: Apache-2.0
"""Fits and applies on Apache Spark, with the answer of one machine.

>>> model = pl.spark.fit(pl.conformal.Split(alpha=0.1), frame, target="y", probability="p_*")
>>> scored = pl.spark.apply(model, new)                      # a Spark DataFrame, computed when it is asked for

A fit runs where the rows lie: each partition becomes one partial state, states are merged in a tree, and one state a pass
reaches the driver. What is a function of the rows alone (class A) gives the artifact of a fit on one machine byte for byte,
however the rows are cut and ordered; what adds up blocks of consecutive rows (class B) does so when ``order`` names the column
that orders them. What would mean something else on a cluster is refused, with the advice that mends it.

PySpark 4.0 or newer and this package must be installed on every machine of the cluster.
"""
from __future__ import annotations

import json
import warnings
from typing import Any, Iterator, Mapping

from . import _core
from ._call import CallBuilder, Columns, plain
from ._errors import PlimsollError, PlimsollWarning, of_json

__all__ = ["apply", "fit"]

_BLOCK = 4096            # rows of a block of class B
_CHUNK = 64 * _BLOCK     # rows that one task adds up under class B
_STATES = "bucket int, error string, state binary"


def fit(
    method: Any,
    frame: Any,
    *,
    order: str | None = None,
    inputs: Mapping[str, Any] | None = None,
    seed: int = 0,
    allow_overlap: str | None = None,
    **roles: Columns | None,
) -> Any:
    """Fits a method on the rows of a Spark DataFrame.

    Parameters
    ----------
    method
        A method with its parameters, such as ``pl.conformal.Split(alpha=0.1)``. Its fit must be mergeable.
    frame
        A Spark DataFrame. All its columns count, as they do on one machine: select what the fit is to see.
    order
        The column whose values, all different, order the rows. Needed by what is of class B; what draws at random for each row
        needs this or an ``id`` role.
    inputs
        Further inputs of the fit by name (``{"learned": table}``): local frames or paths, read on the driver.
    seed, allow_overlap
        As in the method's own ``fit``.
    **roles
        Which columns play which role: ``target="y"``, ``probability="p_*"``.

    Returns
    -------
    The fitted model, in the class of its method.
    """
    from . import errors
    from ._model import Method

    if not isinstance(method, Method):
        raise errors.WrongKind(f"a method is wanted, got {type(method).__name__}", "Give one with its parameters, such as pl.conformal.Split(alpha=0.1).", parameter="method")
    session = _session_of(frame)
    job = _Job("fit", method.id, method._given(), roles, {"seed": plain(seed), "allow_overlap": allow_overlap, "threads": 1})
    _check_order(frame, order)
    schema = _arrow_schema(frame)
    job.check(schema, numbered=order is not None)
    numbered = _number(frame, order) if order is not None else None
    state = job.start()
    try:
        return _finish(job, state, schema, inputs, session, frame, numbered)
    finally:
        if numbered is not None:
            numbered[0].unpersist()


def apply(
    model: Any,
    frame: Any,
    *,
    output: str | None = None,
    seed: int = 0,
    allow_overlap: str | None = None,
    **settings: Any,
) -> Any:
    """Applies a model, or a method that needs no fit, to the rows of a Spark DataFrame.

    Rows that are independent are taken batch by batch where they lie; rows of groups are brought together by the ``group`` role.

    Parameters
    ----------
    model
        A fitted model, or a method with its parameters.
    frame
        A Spark DataFrame.
    output
        Which output table; the first if not said.
    seed, allow_overlap
        As in the model's own ``apply``.
    **settings
        Roles (``id="row"``) and options of the method's apply (``keep="all"``).

    Returns
    -------
    A Spark DataFrame, computed when it is asked for.
    """
    from . import errors
    from ._model import Method, Model

    _session_of(frame)
    if not isinstance(model, (Method, Model)):
        raise errors.WrongKind(f"a model is wanted, got {type(model).__name__}", "Give what fit returned, or a method that needs no fit.", parameter="model")
    method = model.id if isinstance(model, Method) else str(model.info()["method"])
    roles, options = _split_settings(method, settings)
    if isinstance(model, Method):
        options = {**model._given(), **options}
    data = model.to_bytes() if isinstance(model, Model) else None
    job = _Job("apply", method, options, roles, {"seed": plain(seed), "allow_overlap": allow_overlap, "threads": 1}, data)
    schema = _arrow_schema(frame)
    shape = job.check(schema, numbered=False)
    return _spread(frame, job, schema, output, shape["roles"]["group"] if shape["rows"] == "grouped" else [])


class _Job:
    """One verb with all that a worker must know of it; travels as a pickle."""

    def __init__(self, verb: str, method: str, parameters: Mapping[str, Any], roles: Mapping[str, Columns | None], options: Mapping[str, Any], model: bytes | None = None) -> None:
        self.verb = verb
        self.method = method
        self.parameters = dict(parameters)
        self.roles = dict(roles)
        self.options = dict(options)
        self.model = model

    def builder(self, model: Any = None) -> CallBuilder:
        if model is None and self.model is not None:
            model = _core.Model.from_bytes(self.model)
        builder = CallBuilder(self.verb, self.method, model)
        return builder.roles(self.roles).parameters(self.parameters).options(self.options)

    def check(self, schema: Any, numbered: bool) -> dict[str, Any]:
        """Whether rows in pieces keep the meaning; raises what mends it."""
        builder = self.builder()
        builder.core.stream(None, schema.empty_table().__arrow_c_stream__(), False)
        shape: dict[str, Any] = json.loads(_core.cluster_check(builder.core, numbered))
        return shape

    def start(self) -> Any:
        return _core.Partial.start(self.builder().core)

    def update(self, state: Any, reader: Any, first_row: int = -1, inputs: Mapping[str, Any] | None = None) -> None:
        builder = self.builder()
        builder.core.stream(None, reader.__arrow_c_stream__(), False)
        for name, frame in (inputs or {}).items():
            builder._table(name, frame, None)
        state.update(builder.core, first_row)

    def applied(self, model: Any, table: Any, output: str | None) -> Any:
        import pyarrow

        builder = self.builder(model)
        builder.core.stream(None, table.__arrow_c_stream__(), False)
        reply = builder.core.run(None)
        return pyarrow.RecordBatchReader.from_stream(_Capsule(reply.table(output))).read_all()


class _Capsule:
    def __init__(self, capsule: object) -> None:
        self.capsule = capsule

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self.capsule


# ---- the session and the frame ---------------------------------------------------------------------------------------


def _session_of(frame: Any) -> Any:
    """The frame's session, which must be open."""
    from . import errors

    if not hasattr(frame, "mapInArrow") or not hasattr(frame, "sparkSession"):
        mend = "Give a Spark DataFrame (PySpark 4.0 or newer); a local frame goes to the method's own fit and apply."
        raise errors.WrongKind(f"a Spark DataFrame is wanted, got {type(frame).__name__}", mend, parameter="frame")
    session = frame.sparkSession
    closed = getattr(session, "is_stopped", None)
    if closed is None:
        context = getattr(session, "_sc", None)
        java = getattr(context, "_jsc", None)
        closed = context is not None and (java is None or bool(java.sc().isStopped()))
    if closed:
        raise errors.Unavailable("the Spark session of this frame is closed", "Open a session and read the frame in it again.", parameter="frame")
    return session


def _arrow_schema(frame: Any) -> Any:
    from . import errors
    from pyspark.errors import PySparkException
    from pyspark.sql.pandas.types import to_arrow_schema

    try:
        return to_arrow_schema(frame.schema)
    except PySparkException as problem:
        raise errors.WrongType(f"a column of the frame has no Arrow form: {problem}", "Leave it out with frame.drop(...), or cast it to a number or text.") from problem


def _spark_schema(schema: Any) -> Any:
    from pyspark.sql.pandas.types import from_arrow_schema

    return from_arrow_schema(schema)


def _check_order(frame: Any, order: str | None) -> None:
    from . import errors

    if order is not None and order not in frame.columns:
        from difflib import get_close_matches

        raise errors.MissingColumn(f"there is no column {order!r}", "Name the column that orders the rows.", column=order, candidates=get_close_matches(order, frame.columns))


# ---- a fit -----------------------------------------------------------------------------------------------------------


def _finish(job: _Job, state: Any, schema: Any, inputs: Mapping[str, Any] | None, session: Any, rows: Any, numbered: Any) -> Any:
    """Passes over the rows until the method has its model."""
    from ._model import model_of

    width = _width(session)
    while True:
        start = state.bytes()
        if numbered is None:
            parts = rows.mapInArrow(_PartialFit(job, start), _STATES)
        else:
            parts = numbered[1].mapInArrow(_NumberedFit(job, start), _STATES)
        merge = _Merge()
        merged = parts.repartition(width, "bucket").mapInArrow(merge, _STATES).repartition(1).mapInArrow(merge, _STATES)
        found = merged.toArrow()
        if found.num_rows:
            error = found["error"][0].as_py()
            if error is not None:
                raise of_json(error)
            state = _core.Partial.from_bytes(found["state"][0].as_py())
        else:
            job.update(state, schema.empty_table(), 0 if numbered is not None else -1)
        if inputs:
            _add_inputs(job, start, state, schema, inputs, numbered is not None)
        model = state.finish()
        if model is not None:
            fitted = model_of(model)
            fitted.warnings = list(fitted.info().get("warnings", []))
            for words in fitted.warnings:
                warnings.warn(words, PlimsollWarning, stacklevel=4)
            return fitted


def _add_inputs(job: _Job, start: bytes, state: Any, schema: Any, inputs: Mapping[str, Any], numbered: bool) -> None:
    """Side tables stand in one part only: one of no rows, made here."""
    part = _core.Partial.from_bytes(start)
    job.update(part, schema.empty_table(), 0 if numbered else -1, inputs)
    state.merge(part)


def _width(session: Any) -> int:
    """Tasks of the first level of merging."""
    try:
        return max(1, min(16, int(session.sparkContext.defaultParallelism)))
    except Exception:  # Spark Connect has no context
        return 8


def _task() -> int:
    from pyspark import TaskContext

    context = TaskContext.get()
    return 0 if context is None else int(context.partitionId())


def _state_batch(bucket: int, error: str | None, state: bytes | None) -> Any:
    import pyarrow

    return pyarrow.record_batch(
        {"bucket": pyarrow.array([bucket], pyarrow.int32()), "error": pyarrow.array([error], pyarrow.string()), "state": pyarrow.array([state], pyarrow.binary())}
    )


def _error_json(error: PlimsollError) -> str:
    facts = {"code": error.code, "what": error.what, "mend": error.mend, "file": error.file, "column": error.column, "parameter": error.parameter, "candidates": error.candidates}
    return json.dumps({name: value for name, value in facts.items() if value not in (None, [])})


class _PartialFit:
    """Rows of one partition to one state, or to the error that they give, which then reaches the driver as it is."""

    def __init__(self, job: _Job, start: bytes) -> None:
        self.job = job
        self.start = start

    def __call__(self, batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow

        first = next((batch for batch in batches if batch.num_rows), None)
        if first is None:
            return

        def all_batches() -> Iterator[Any]:
            yield first
            yield from batches

        try:
            state = _core.Partial.from_bytes(self.start)
            self.job.update(state, pyarrow.RecordBatchReader.from_batches(first.schema, all_batches()))
        except PlimsollError as error:
            for _ in batches:  # Spark wants its rows read
                pass
            yield _state_batch(_task(), _error_json(error), None)
            return
        yield _state_batch(_task(), None, state.bytes())


class _Merge:
    """States of many parts to one; the least of the errors, so that it does not depend on the order."""

    def __call__(self, batches: Iterator[Any]) -> Iterator[Any]:
        merged = None
        error: str | None = None
        for batch in batches:
            for failed, state in zip(batch.column("error"), batch.column("state")):
                if failed.is_valid:
                    error = failed.as_py() if error is None else min(error, failed.as_py())
                    continue
                if error is not None:
                    continue
                part = _core.Partial.from_bytes(state.as_py())
                try:
                    if merged is None:
                        merged = part
                    else:
                        merged.merge(part)
                except PlimsollError as problem:
                    error = _error_json(problem)
        if error is not None:
            yield _state_batch(0, error, None)
        elif merged is not None:
            yield _state_batch(0, None, merged.bytes())


# ---- class B: rows cut at the row numbers of one machine -------------------------------------------------------------

_NUMBER = "__plimsoll_row"
_CHUNK_COLUMN = "__plimsoll_chunk"


def _number(rows: Any, order: str) -> tuple[Any, Any]:
    """Rows with their numbers, those of one chunk in one partition and in order. Sorted rows are kept, so that they are cut once."""
    from . import errors
    from pyspark.sql import functions as sql
    from pyspark.sql.types import LongType, StructField, StructType

    ordered = rows.orderBy(order).persist()
    counted = ordered.mapInArrow(_Count(order), "part int, rows bigint, equal boolean, missing boolean").toArrow()
    if any(counted["missing"].to_pylist()):
        ordered.unpersist()
        raise errors.NullValue(f"the column {order!r} that orders the rows has missing values", "Give every row its place.", column=order)
    if any(counted["equal"].to_pylist()):
        ordered.unpersist()
        raise errors.BadValue(f"the column {order!r} that orders the rows has equal values, so their order is not known", "Order by a column whose values are all different.", column=order)
    begin, offsets = 0, {}
    for part, count in sorted(zip(counted["part"].to_pylist(), counted["rows"].to_pylist())):
        offsets[part] = begin
        begin += count
    schema = StructType([*rows.schema.fields, StructField(_NUMBER, LongType(), False)])
    numbered = ordered.mapInArrow(_Number(offsets), schema)
    chunked = numbered.withColumn(_CHUNK_COLUMN, sql.floor(sql.col(_NUMBER) / _CHUNK))
    return ordered, chunked.repartition(_CHUNK_COLUMN).sortWithinPartitions(_NUMBER).drop(_CHUNK_COLUMN)


class _Count:
    def __init__(self, order: str) -> None:
        self.order = order

    def __call__(self, batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow
        import pyarrow.compute as compute

        rows, equal, missing, last = 0, False, False, None
        for batch in batches:
            column = batch.column(batch.schema.get_field_index(self.order))
            rows += batch.num_rows
            missing = missing or column.null_count > 0
            if not batch.num_rows or missing:
                continue
            equal = equal or column[0] == last or bool(compute.any(compute.equal(column[1:], column[:-1])).as_py())
            last = column[len(column) - 1]
        yield pyarrow.record_batch(
            {"part": pyarrow.array([_task()], pyarrow.int32()), "rows": pyarrow.array([rows], pyarrow.int64()), "equal": [equal], "missing": [missing]}
        )


class _Number:
    def __init__(self, offsets: dict[int, int]) -> None:
        self.offsets = offsets

    def __call__(self, batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow

        at = self.offsets.get(_task(), 0)
        for batch in batches:
            numbers = pyarrow.array(range(at, at + batch.num_rows), pyarrow.int64())
            at += batch.num_rows
            yield batch.append_column(_NUMBER, numbers)


class _NumberedFit:
    """Chunks of one partition to one state: each chunk begins at a known multiple of 4,096."""

    def __init__(self, job: _Job, start: bytes) -> None:
        self.job = job
        self.start = start

    def __call__(self, batches: Iterator[Any]) -> Iterator[Any]:
        state = None
        try:
            for first, table in _chunks(batches):
                if state is None:
                    state = _core.Partial.from_bytes(self.start)
                self.job.update(state, table, first)
        except PlimsollError as error:
            for _ in batches:
                pass
            yield _state_batch(_task(), _error_json(error), None)
            return
        if state is not None:
            yield _state_batch(_task(), None, state.bytes())


def _chunks(batches: Iterator[Any]) -> Iterator[tuple[int, Any]]:
    """Tables of consecutive rows of one chunk, with the number of their first row."""
    import pyarrow

    waiting: list[Any] = []
    chunk = -1
    for batch in batches:
        while batch.num_rows:
            numbers = batch.column(batch.schema.get_field_index(_NUMBER))
            here = numbers[0].as_py() // _CHUNK
            if here != chunk and waiting:
                yield chunk * _CHUNK, pyarrow.Table.from_batches(waiting)
                waiting = []
            chunk = here
            count = _place(numbers, (here + 1) * _CHUNK)
            waiting.append(batch.slice(0, count).drop_columns([_NUMBER]))
            batch = batch.slice(count)
    if waiting:
        yield chunk * _CHUNK, pyarrow.Table.from_batches(waiting)


def _place(numbers: Any, bound: int) -> int:
    """How many of the rising numbers lie below the bound."""
    import pyarrow.compute as compute

    return int(compute.sum(compute.less(numbers, bound)).as_py())


# ---- apply -----------------------------------------------------------------------------------------------------------


def _split_settings(method: str, settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Roles and options of an apply: what the first table declares as a role is one."""
    about = json.loads(_core.method(method))["about"]
    if "apply" not in about:
        from . import errors

        raise errors.WrongKind(f"{method} has no verb 'apply'", "It has: " + ", ".join(sorted(about)) + ".", parameter="model")
    declared = {role["role"] for port in about["apply"]["inputs"] for role in port["roles"]}
    roles = {name: value for name, value in settings.items() if name in declared}
    return roles, {name: plain(value) for name, value in settings.items() if name not in declared}


def _flat_type(kind: Any) -> Any:
    """Types that Spark knows: no dictionaries, no large texts, no views."""
    import pyarrow

    types = pyarrow.types
    if types.is_dictionary(kind):
        return _flat_type(kind.value_type)
    if types.is_large_string(kind) or types.is_string_view(kind):
        return pyarrow.string()
    if types.is_list(kind) or types.is_large_list(kind):
        return pyarrow.list_(_flat_type(kind.value_type))
    if types.is_null(kind):
        return pyarrow.string()
    if types.is_unsigned_integer(kind):
        return pyarrow.int64()
    return kind


def _flat_schema(schema: Any) -> Any:
    import pyarrow

    return pyarrow.schema([pyarrow.field(field.name, _flat_type(field.type)) for field in schema])


def _output_schema(job: _Job, frame: Any, schema: Any, output: str | None) -> Any:
    """What the answer's columns are: of no rows, or, where a method wants some, of the first few."""
    model = _core.Model.from_bytes(job.model) if job.model is not None else None
    try:
        return _flat_schema(job.applied(model, schema.empty_table(), output).schema)
    except PlimsollError:
        return _flat_schema(job.applied(model, frame.limit(64).toArrow(), output).schema)


def _spread(frame: Any, job: _Job, schema: Any, output: str | None, groups: list[str]) -> Any:
    out = _output_schema(job, frame, schema, output)
    if groups:
        return frame.groupBy(*groups).applyInArrow(_of_groups(_BatchApply(job, output, out)), _spark_schema(out))
    return frame.mapInArrow(_BatchApply(job, output, out), _spark_schema(out))


class _BatchApply:
    """Independent rows: each batch for itself."""

    def __init__(self, job: _Job, output: str | None, schema: Any) -> None:
        self.job = job
        self.output = output
        self.schema = schema

    def _answer(self, model: Any, table: Any) -> Any:
        return self.job.applied(model, table, self.output).cast(self.schema)

    def __call__(self, batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow

        model = _core.Model.from_bytes(self.job.model) if self.job.model is not None else None
        for batch in batches:
            if batch.num_rows:
                yield from self._answer(model, pyarrow.Table.from_batches([batch])).to_batches()


def _of_groups(answers: _BatchApply) -> Any:
    """Rows of one group together; a plain function, because Spark counts its arguments."""

    def answer(table: Any) -> Any:
        model = _core.Model.from_bytes(answers.job.model) if answers.job.model is not None else None
        return answers._answer(model, table)

    return answer
