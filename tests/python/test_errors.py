# SPDX-License-Identifier: Apache-2.0
"""Bad input: the typed error, where it is, and the mend."""
import json
import pickle

import numpy as np
import pandas as pd
import polars
import pyarrow as pa
import pytest

import plimsoll as pl
from plimsoll import _core, _errors

GOOD = pa.table({"mu": np.arange(100.0), "y": np.arange(100.0) + 0.5})


def fit(frame=GOOD, **keywords):
    return pl.conformal.Split().fit(frame, **{"target": "y", "prediction": "mu", **keywords})


def test_every_line_of_the_error_table_has_its_class():
    for line in json.loads(_core.error_table()):
        kind = getattr(pl, _errors.class_name(line["code"]))
        assert issubclass(kind, pl.PlimsollError) and kind.code == line["code"]
        assert kind.__name__ in pl.errors.__all__


@pytest.mark.parametrize("frame, mend", [
    ({"mu": [1.0], "y": [1.0]}, "pyarrow.table"),
    ([[1, 2]], "names for its columns"),
    (np.ones((3, 2)), "columns"),
    (polars.DataFrame({"mu": [1.0]}).lazy(), "collect"),
    (pd.Series([1.0]), "to_frame"),
    (7, "__arrow_c_stream__"),
])  # fmt: skip
def test_what_is_no_frame(frame, mend):
    with pytest.raises(pl.WrongKind) as caught:
        fit(frame)
    assert mend in caught.value.mend and caught.value.parameter == "data" and isinstance(caught.value, TypeError)


def test_none_is_a_missing_input():
    with pytest.raises(pl.MissingInput) as caught:
        fit(None)
    assert caught.value.parameter == "data"


def test_an_object_column_of_mixed_types_names_column_and_row():
    with pytest.raises(pl.WrongType) as caught:
        fit(pd.DataFrame({"mu": [1.0, 2.0, 3.0], "y": pd.Series([1.0, None, "three"], dtype=object)}))
    error = caught.value
    assert error.column == "y" and error.row == 2 and "astype" in error.mend and "float and str" in error.what


def test_an_object_column_of_what_no_table_holds():
    with pytest.raises(pl.WrongType) as caught:
        fit(pd.DataFrame({"mu": [1.0, 2.0], "y": [object(), object()]}))
    assert caught.value.column == "y"


def test_a_column_of_an_unsupported_type():
    with pytest.raises(pl.WrongType) as caught:
        fit(pa.table({"mu": np.arange(3.0), "y": pa.array([{"a": 1}] * 3)}))
    assert caught.value.column == "y" and caught.value.mend


def test_a_missing_column_has_its_name_and_candidates():
    with pytest.raises(pl.MissingColumn) as caught:
        fit(prediction="mu_")
    error = caught.value
    assert error.column == "mu_" and error.row is None and error.candidates == ["mu"] and isinstance(error, LookupError)
    assert "prediction=" in error.mend and "--" not in str(error)


def test_a_missing_role():
    with pytest.raises(pl.MissingInput) as caught:
        pl.conformal.Split().fit(GOOD, prediction="mu")
    assert caught.value.parameter == "target" and 'target="COLUMN"' in caught.value.mend


def test_a_null_names_column_and_row():
    with pytest.raises(pl.NullValue) as caught:
        fit(pa.table({"mu": [1.0, 2.0, None], "y": [1.0, 2.0, 3.0]}))
    assert caught.value.column == "mu" and caught.value.row == 2


def test_bad_parameters():
    with pytest.raises(pl.BadParameter, match=r"in \(0, 1\)") as caught:
        pl.conformal.Split(alpha=2).fit(GOOD, target="y", prediction="mu")
    assert caught.value.parameter == "alpha" and isinstance(caught.value, ValueError)
    with pytest.raises(pl.BadParameter) as caught:
        pl.conformal.Split(score="lca").fit(GOOD, target="y", prediction="mu")
    assert "lac" in str(caught.value)
    with pytest.raises(pl.BadParameter):
        pl.conformal.Split(alpha={1, object()}).fit(GOOD, target="y", prediction="mu")
    with pytest.raises(TypeError):
        pl.conformal.Split(alfa=0.1)
    with pytest.raises(TypeError):
        fit(tarhget="y")
    with pytest.raises(pl.BadParameter):
        fit(seed=-1)
    with pytest.raises(pl.BadParameter):
        fit(threads=100_000)


def test_too_few_rows_and_vacuous_promises():
    tiny = GOOD.slice(0, 3)
    with pytest.raises(pl.TooFewRows):
        pl.conformal.Split(alpha=0.1, small_n="error").fit(tiny, target="y", prediction="mu")


def test_files_that_are_no_models(tmp_path):
    (tmp_path / "not.plim").write_bytes(b"\x08\0\0\0\0\0\0\0{}      ")
    with pytest.raises(pl.PlimsollError) as caught:
        pl.load(tmp_path / "not.plim")
    assert caught.value.code == "corrupt_file" and isinstance(caught.value, ValueError)
    with pytest.raises(pl.NotFound):
        pl.load(tmp_path / "absent.plim")
    good = fit().to_bytes()
    for cut in (0, 7, 8, 100, len(good) - 1):
        with pytest.raises(pl.PlimsollError):
            pl.Model.from_bytes(good[:cut])
    flipped = bytearray(good)
    flipped[-3] ^= 1
    with pytest.raises(pl.CorruptFile):
        pl.Model.from_bytes(bytes(flipped))


def test_names_that_are_not_there():
    with pytest.raises(AttributeError):
        pl.conformal.Spilt
    with pytest.raises(AttributeError):
        pl.no_such_family
    with pytest.raises(AttributeError):
        pl.NoSuchError
    with pytest.raises(pl.UnknownName) as caught:
        pl.method("conformal.spilt")
    assert "conformal.split" in caught.value.candidates
    with pytest.raises(AttributeError):
        fit().apply(GOOD).no_such_output


def test_errors_pickle():
    with pytest.raises(pl.MissingColumn) as caught:
        fit(prediction="mu_")
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is pl.MissingColumn and str(again) == str(caught.value) and again.candidates == ["mu"]


def test_advice_speaks_python():
    assert _errors.for_python("State why this is right: --allow-overlap REASON.") == 'State why this is right: allow_overlap="REASON".'
    assert _errors.for_python("Raise --memory, or give fewer rows.") == "Raise memory=, or give fewer rows."
