# SPDX-License-Identifier: Apache-2.0
"""A regressor of plimsoll.sklearn: a number with an interval around it (risk.regressor)."""
from __future__ import annotations

import warnings
from typing import Any, Mapping

from . import errors
from ._errors import PlimsollWarning
from ._sklearn_around import _seed
from ._sklearn_tables import LearnsTables, features_of

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

# Below this, setting rows aside would leave too few to learn from.
_FEWEST_ROWS = 50
_WHY = "the estimator has too few rows to set some aside: its prediction is the learner's own and no interval is certified"


class Regressor(RegressorMixin, LearnsTables, BaseEstimator):  # type: ignore[misc]
    """A number learned by boosted trees or ridge regression, with intervals of proven coverage (``risk.regressor``).

    Rows are cut at random into those that the learner sees and those that calibrate the intervals. With fewer than 50 rows none are
    set aside: a warning says so, and there are no intervals.

    Parameters
    ----------
    learner : {"trees", "linear"}
    interval : {"automatic", "absolute", "normalised", "cqr", "cqr_asymmetric"}
    alpha : float
        Miscoverage of the intervals.
    rounds, learning_rate, max_depth : int, float, int
        Of the trees.
    l2 : float
        Ridge on leaf values of trees, or on coefficients.
    share_learning, share_spread : float
        Shares of rows that the learner sees, and that teach the spread where one is needed; the rest calibrates the intervals.
    parameters : mapping or None
        Further parameters of ``pl.risk.Regressor``.
    random_state : int, RandomState or None
        None is 0: the same rows give the same model.
    n_jobs : int or None
        Threads; None is 1 and -1 all. Results do not depend on them.

    Attributes
    ----------
    n_features_in_, feature_names_in_
    model_ : the fitted plimsoll model, with its certificate
    calibrated_ : bool
        Whether rows were set aside.

    Notes
    -----
    Weights count in learning. The intervals count rows: exchangeable rows have no weights.
    """

    def __init__(
        self,
        learner: str = "trees",
        *,
        interval: str = "automatic",
        alpha: float = 0.1,
        rounds: int = 200,
        learning_rate: float = 0.05,
        max_depth: int = 4,
        l2: float = 1.0,
        share_learning: float = 0.6,
        share_spread: float = 0.2,
        parameters: Mapping[str, Any] | None = None,
        random_state: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.learner = learner
        self.interval = interval
        self.alpha = alpha
        self.rounds = rounds
        self.learning_rate = learning_rate
        self.max_depth = max_depth
        self.l2 = l2
        self.share_learning = share_learning
        self.share_spread = share_spread
        self.parameters = parameters
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Regressor:
        """Learns from rows and their numbers; weights of 0 or more."""
        X, y = self._validated(X, y, numeric=True)
        y = np.asarray(y, dtype=np.float64)
        weight = None if sample_weight is None else _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        if X.shape[0] == 1:
            raise ValueError("Regressor can't learn from n_samples = 1 row. Give at least two.")
        if weight is not None:
            kept = weight > 0
            if not kept.any():
                raise ValueError("Sample weights must contain at least one non-zero number.")
            if not kept.all():  # a row of weight zero is no row
                X, y, weight = X[kept], y[kept], weight[kept]
        self.calibrated_ = len(y) >= _FEWEST_ROWS
        self.model_ = self._learned(self._parameters(), self._table(X, y, weight), weight is not None) if self.calibrated_ else self._fit_learner(X, y, weight)
        return self

    def predict(self, X: Any) -> Any:
        """The learned mean."""
        return self._applied(X)["prediction"].to_numpy()

    def predict_interval(self, X: Any) -> Any:
        """Two columns, lower and upper ends: the truth lies between them with probability 1 - alpha."""
        check_is_fitted(self)
        if not self.calibrated_:
            raise errors.TooFewRows(f"there are no intervals: {_WHY}", f"Fit on at least {_FEWEST_ROWS} rows.")
        table = self._applied(X)
        return np.column_stack([table["lower"].to_numpy(), table["upper"].to_numpy()])

    @property
    def certificate_(self) -> Any:
        """What is promised of the intervals; None where no rows were set aside."""
        check_is_fitted(self)
        return self.model_.certificate if self.calibrated_ else None

    def _parameters(self) -> dict[str, Any]:
        own: dict[str, Any] = {
            "learner": self.learner, "interval": self.interval, "alpha": self.alpha, "small_n": "infinite",
            "share_learning": self.share_learning, "share_spread": self.share_spread,
            "trees": {"rounds": self.rounds, "learning_rate": self.learning_rate, "max_depth": self.max_depth, "l2": self.l2 if self.learner == "trees" else 1.0},
        }  # fmt: skip
        if self.learner != "trees":
            own["linear"] = {"l2": self.l2}
        own.update(self.parameters or {})
        return own

    def _learned(self, parameters: Mapping[str, Any], table: Any, weight: bool, calibration: Any = None, allow_overlap: str | None = None) -> Any:
        from . import risk

        return risk.Regressor(**parameters).fit(
            table, calibration=calibration, target="y", weight="w" if weight else None, seed=_seed(self.random_state),
            threads=self._threads(), allow_overlap=allow_overlap, progress=False,
        )  # fmt: skip

    def _table(self, X: Any, y: Any, weight: Any) -> Any:
        import pyarrow

        columns = features_of(X)
        columns["y"] = pyarrow.array(y)
        if weight is not None:
            columns["w"] = pyarrow.array(weight)
        return pyarrow.table(columns)

    def _fit_learner(self, X: Any, y: Any, weight: Any) -> Any:
        """All rows to the learner. Equal rows become one with their summed weight, in an order of their own: what is learned is a
        function of the weighted rows, however they are ordered and repeated."""
        warnings.warn(_WHY, PlimsollWarning, stacklevel=3)
        weight = np.ones(len(y)) if weight is None else weight
        if isinstance(X, np.ndarray):
            distinct, place = np.unique(np.column_stack([X, y]), axis=0, return_inverse=True)
            weight = np.bincount(place.ravel(), weights=weight)
            X, y = np.ascontiguousarray(distinct[:, :-1]), np.ascontiguousarray(distinct[:, -1])
        table = self._table(X, y, weight)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PlimsollWarning)
            parameters = {**self._parameters(), "interval": "absolute", "diagnostics": False}
            return self._learned(parameters, table, True, table.slice(0, 2), _WHY)
