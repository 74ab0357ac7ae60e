# SPDX-License-Identifier: Apache-2.0
"""Fits in parts through the C interface, without a cluster: what a worker does, in one process."""
import json

import numpy as np
import pyarrow as pa
import pytest

import plimsoll as pl
from plimsoll import _core, spark

ROLES = {"target": "label", "probability": "p_*"}


def rows(count, seed=0):
    draw = np.random.default_rng(seed)
    p = draw.uniform(size=count)
    return pa.table({"row": np.arange(count) + seed * 10**6, "p_0": 1 - p, "p_1": p, "label": (draw.uniform(size=count) < p).astype(np.int64)})


def job_of(method, **roles):
    return spark._Job("fit", method.id, method._given(), {**ROLES, **roles}, {"seed": 5, "threads": 1})


def fit_in_parts(job, tables, first_rows=None, inputs=None, passes=None):
    state = job.start()
    while True:
        start, merged = state.bytes(), None
        for i, table in reversed(list(enumerate(tables))):
            part = _core.Partial.from_bytes(start)
            job.update(part, table, -1 if first_rows is None else first_rows[i], inputs if i == 0 else None)
            part = _core.Partial.from_bytes(part.bytes())
            if merged is None:
                merged = part
            else:
                merged.merge(part)
        state = merged
        if passes is not None:
            passes.append(state.pass_number)
        assert state.rows == sum(map(len, tables))
        model = state.finish()
        if model is not None:
            return model.bytes()


@pytest.mark.parametrize("parameters", [{"alpha": 0.1}, {"alpha": (0.1, 0.01), "keep_scores": True}, {"score": "margin"}])
@pytest.mark.parametrize("parts", [1, 2, 7])
def test_shuffled_parts_give_the_bytes_of_one_machine(parameters, parts):
    table = rows(30_000)
    method = pl.conformal.Split(**parameters)
    whole = method.fit(table, seed=5, progress=False, **ROLES).to_bytes()
    mixed = table.take(pa.array(np.random.default_rng(parts).permutation(len(table))))
    cuts = np.linspace(0, len(table), parts + 1).astype(int)
    assert fit_in_parts(job_of(method), [mixed.slice(a, b - a) for a, b in zip(cuts, cuts[1:])]) == whole


def test_sorted_rows_take_more_passes_and_give_the_same_bytes():
    # Each part sees only its own stretch of the scores, so that no bracket of a part holds the rank of all.
    table = rows(400_000)
    order = np.argsort(np.where(table["label"].to_numpy() == 1, table["p_0"].to_numpy(), table["p_1"].to_numpy()), kind="stable")
    whole = pl.conformal.Split(alpha=0.1).fit(table, seed=5, progress=False, **ROLES).to_bytes()
    table = table.take(pa.array(order))
    passes = []
    assert fit_in_parts(job_of(pl.conformal.Split(alpha=0.1)), [table.slice(at, 100_000) for at in range(0, 400_000, 100_000)], passes=passes) == whole
    assert len(passes) >= 2 and passes == list(range(1, len(passes) + 1))


def test_numbered_parts_may_draw_by_row():
    table = rows(20_000)
    method = pl.conformal.Split(score="aps", randomized=True)
    whole = method.fit(table, seed=5, progress=False, **ROLES).to_bytes()
    cuts = [0, 4096, 3 * 4096, 20_000]
    parts = [table.slice(a, b - a) for a, b in zip(cuts, cuts[1:])]
    assert fit_in_parts(job_of(method), parts, first_rows=cuts) == whole
    with pytest.raises(pl.MissingInput) as raised:
        fit_in_parts(job_of(method), parts)
    assert raised.value.parameter == "id" and "id=COLUMN" in raised.value.mend
    by_id = method.fit(table, id="row", seed=5, progress=False, **ROLES).to_bytes()
    assert fit_in_parts(job_of(method, id="row"), parts[::-1]) == by_id


def test_side_tables_stand_in_one_part():
    table, learned = rows(5_000), rows(800, seed=1)
    method = pl.conformal.Split()
    whole = method.fit(table, learned=learned, seed=5, progress=False, **ROLES).to_bytes()
    assert fit_in_parts(job_of(method), [table.slice(0, 2_000), table.slice(2_000)], inputs={"learned": learned}) == whole


def test_what_cannot_be_cut_is_refused():
    with pytest.raises(pl.WrongKind, match="all its rows at once"):
        spark._Job("fit", "risk.classifier", {}, {}, {}).start()
    with pytest.raises(pl.CorruptFile):
        _core.Partial.from_bytes(b"no state")
    state = job_of(pl.conformal.Split()).start()
    with pytest.raises(pl.BadParameter, match="different fits"):
        state.merge(job_of(pl.conformal.Split(alpha=0.2)).start())
    job = job_of(pl.conformal.Split())
    job.update(state, rows(10))
    with pytest.raises(pl.BadValue, match="different columns"):
        job.update(state, rows(10).append_column("more", pa.array(range(10))))
    assert job.check(rows(1).schema, False) == {"law": "A", "roles": {"target": ["label"], "probability": ["p_0", "p_1"]}}
    assert json.loads(spark._error_json(pl.BadValue("what", "mend", column="c"))) == {"code": "bad_value", "what": "what", "mend": "mend", "column": "c"}


def test_a_frame_that_is_not_sparks():
    with pytest.raises(pl.WrongKind, match="Spark DataFrame"):
        pl.spark.fit(pl.conformal.Split(), rows(5), **ROLES)
    with pytest.raises(pl.WrongKind, match="Spark DataFrame"):
        pl.spark.apply(pl.conformal.Split(), rows(5))
