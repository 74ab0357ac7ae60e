# SPDX-License-Identifier: Apache-2.0
"""What the estimators that learn from tables share: how rows come in, and how a fitted model is applied."""
from __future__ import annotations

import warnings
from typing import Any

from ._errors import PlimsollWarning

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data


def _is_frame_of_many_types(X: Any) -> bool:
    """A pandas frame with columns that are no numbers: text and categories go to the engine as they are."""
    if type(X).__module__.split(".")[0] != "pandas" or not hasattr(X, "dtypes"):
        return False
    return any(str(kind) in ("category", "string", "str", "object") or str(kind).startswith("datetime") for kind in X.dtypes)


def features_of(X: Any) -> Any:
    """Columns by the names x0, x1, ..., so that the fit is the same for arrays and frames."""
    import pyarrow

    if isinstance(X, np.ndarray):
        return {f"x{j}": pyarrow.array(np.ascontiguousarray(X[:, j])) for j in range(X.shape[1])}
    table = pyarrow.Table.from_pandas(X.frame if isinstance(X, _Rows) else X, preserve_index=False)
    return {f"x{j}": table.column(j) for j in range(table.num_columns)}


class LearnsTables:
    """An estimator with ``model_``, a fitted plimsoll model, and ``n_jobs``."""

    n_jobs: int | None
    model_: Any

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.allow_nan = True
        return tags

    def _threads(self) -> int:
        return 1 if self.n_jobs is None else max(0, self.n_jobs)

    def _validated(self, X: Any, y: Any, numeric: bool) -> tuple[Any, Any]:
        if not _is_frame_of_many_types(X):
            X, y = validate_data(self, X, y, dtype=[np.float64, np.float32], ensure_all_finite="allow-nan", y_numeric=numeric)
            return np.asarray(X), y
        validate_data(self, X, skip_check_array=True)
        y = np.asarray(y).ravel()
        if len(y) != len(X):
            raise ValueError(f"X has {len(X)} rows, y has {len(y)}.")
        return _Rows(X), y

    def _applied(self, X: Any) -> Any:
        check_is_fitted(self)
        if _is_frame_of_many_types(X):
            validate_data(self, X, reset=False, skip_check_array=True)
        else:
            X = np.asarray(validate_data(self, X, reset=False, dtype=[np.float64, np.float32], ensure_all_finite="allow-nan"))
        import pyarrow

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PlimsollWarning)
            return self.model_.apply(pyarrow.table(features_of(X)), threads=self._threads(), progress=False).to_arrow()


class _Rows:
    """A frame of many types that is indexed by flags, as an array is."""

    def __init__(self, frame: Any) -> None:
        self.frame = frame
        self.shape = frame.shape

    def __len__(self) -> int:
        return len(self.frame)

    def __getitem__(self, kept: Any) -> _Rows:
        return _Rows(self.frame.loc[np.asarray(kept)])
