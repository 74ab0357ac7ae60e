# SPDX-License-Identifier: Apache-2.0
"""Estimators with the manners of scikit-learn.

>>> from sklearn.model_selection import cross_val_score
>>> cross_val_score(pl.sklearn.Classifier(), X, y, scoring="neg_log_loss")
>>> sets = pl.sklearn.ConformalClassifier(any_fitted_classifier, alpha=0.1).fit(X_held_out, y_held_out).predict_set(X_new)

Classifier            learns a risk and calibrates it (risk.classifier)
Regressor             learns a number with an interval (risk.regressor)
Calibrator            calibrates the probabilities of any classifier (calibrate.binary, calibrate.multiclass)
ConformalClassifier   prediction sets around any classifier (conformal.split)
ConformalRegressor    prediction intervals around any regressor (conformal.split)
"""
from __future__ import annotations

import warnings
from typing import Any, Mapping

from . import errors
from ._errors import PlimsollWarning
from ._sklearn_around import Calibrator, ConformalClassifier, ConformalRegressor, _code, _codes_of_lists, _seed  # first: says what is missing

from ._sklearn_tables import LearnsTables, features_of
from ._sklearn_regressor import Regressor

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

__all__ = ["Calibrator", "Classifier", "ConformalClassifier", "ConformalRegressor", "Regressor"]

# Below these, setting rows aside would leave too few of a class to learn from.
_FEWEST_ROWS = 50
_FEWEST_OF_A_CLASS = 10
_WHY = "the estimator has too few rows to set some aside: its probabilities are the learner's own and nothing is certified"


def _two_classes(classes: Any) -> None:
    if len(classes) < 2:
        raise ValueError(f"Classifier can't train when only one class is present: {classes[0]!r}. Give rows of at least two classes.")


class Classifier(ClassifierMixin, LearnsTables, BaseEstimator):  # type: ignore[misc]
    """Calibrated risks of classes, learned by boosted trees or logistic regression (``risk.classifier``).

    Rows are cut at random into those that the learner sees, those that calibrate its probabilities and those that calibrate the
    prediction sets. With fewer than 50 rows, or fewer than 10 of a class, none are set aside: probabilities are the learner's
    own, a warning says so, and there are no sets.

    Parameters
    ----------
    learner : {"trees", "logistic"}
    calibrator : {"auto", "identity", "temperature", "platt", "beta", "isotonic", "venn_abers"}
    alpha : float
        Miscoverage of the prediction sets.
    set_score : str
        Class score of the prediction sets.
    rounds, learning_rate, max_depth : int, float, int
        Of the trees.
    l2 : float
        Ridge on leaf values of trees, or on coefficients.
    share_learning, share_probability : float
        Shares of rows that the learner sees, and that calibrate probabilities; the rest calibrates the sets.
    parameters : mapping or None
        Further parameters of ``pl.risk.Classifier``.
    random_state : int, RandomState or None
        None is 0: the same rows give the same model.
    n_jobs : int or None
        Threads; None is 1 and -1 all. Results do not depend on them.

    Attributes
    ----------
    classes_, n_features_in_, feature_names_in_
    model_ : the fitted plimsoll model, with its certificate
    calibrated_ : bool
        Whether rows were set aside.

    Notes
    -----
    Weights count in learning and in calibrating probabilities. Where no rows are set aside a weight of 2 equals a row given twice
    to the last digit; where rows are cut at random it does so up to the cut. The sets count rows: exchangeable rows have no weights.
    """

    def __init__(
        self,
        learner: str = "trees",
        *,
        calibrator: str = "auto",
        alpha: float = 0.1,
        set_score: str = "lac",
        rounds: int = 200,
        learning_rate: float = 0.05,
        max_depth: int = 4,
        l2: float = 1.0,
        share_learning: float = 0.6,
        share_probability: float = 0.2,
        parameters: Mapping[str, Any] | None = None,
        random_state: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.learner = learner
        self.calibrator = calibrator
        self.alpha = alpha
        self.set_score = set_score
        self.rounds = rounds
        self.learning_rate = learning_rate
        self.max_depth = max_depth
        self.l2 = l2
        self.share_learning = share_learning
        self.share_probability = share_probability
        self.parameters = parameters
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Classifier:
        """Learns from rows and their classes; weights of 0 or more."""
        X, y = self._validated(X, y, numeric=False)
        check_classification_targets(y)
        weight = None if sample_weight is None else _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        if X.shape[0] == 1:
            raise ValueError("Classifier can't learn from n_samples = 1 row. Give rows of at least two classes.")
        self.classes_, codes = np.unique(y, return_inverse=True)
        if weight is not None:
            kept = weight > 0
            if not kept.any():
                raise ValueError("Sample weights must contain at least one non-zero number.")
            if not kept.all():  # a row of weight zero is no row
                X, codes, weight = X[kept], codes[kept], weight[kept]
        present = np.unique(codes)
        _two_classes(self.classes_[present])
        counts = np.bincount(codes, minlength=len(self.classes_))[present]
        self.calibrated_ = len(codes) >= _FEWEST_ROWS and int(counts.min()) >= _FEWEST_OF_A_CLASS
        # Names of risk.classifier's classes are in the order of classes_; those without a row of weight have none.
        self._present = present
        self.model_ = self._fit_parts(X, codes, weight) if self.calibrated_ else self._fit_learner(X, codes, weight)
        return self

    def predict_proba(self, X: Any) -> Any:
        """Calibrated probabilities, one column a class in the order of ``classes_``."""
        table = self._applied(X)
        out = np.zeros((table.num_rows, len(self.classes_)))
        if len(self._present) == 2:
            risk = table["probability"].to_numpy()
            out[:, self._present[0]], out[:, self._present[1]] = 1 - risk, risk
        else:
            for k in self._present:
                name = f"probability.{_code(k)}"
                if name in table.column_names:
                    out[:, k] = table[name].to_numpy()
        return out

    def predict(self, X: Any) -> Any:
        """The most probable class."""
        probabilities = self.predict_proba(X)
        return self.classes_[np.argmax(probabilities, axis=1)]

    def predict_set(self, X: Any) -> Any:
        """Prediction sets as a table of flags, one column a class: the truth is in the set with probability 1 - alpha."""
        check_is_fitted(self)
        if not self.calibrated_:
            raise errors.TooFewRows(f"there are no prediction sets: {_WHY}", f"Fit on at least {_FEWEST_ROWS} rows and {_FEWEST_OF_A_CLASS} of each class.")
        return _codes_of_lists(self._applied(X)["set"], len(self.classes_), "c")

    @property
    def certificate_(self) -> Any:
        """What is promised of the prediction sets; None where no rows were set aside."""
        check_is_fitted(self)
        return self.model_.certificate if self.calibrated_ else None

    def _parameters(self) -> dict[str, Any]:
        own: dict[str, Any] = {
            "learner": self.learner, "calibrator": self.calibrator, "alpha": self.alpha, "score": self.set_score, "small_n": "infinite",
            "share_learning": self.share_learning, "share_probability": self.share_probability,
            "trees": {"rounds": self.rounds, "learning_rate": self.learning_rate, "max_depth": self.max_depth, "l2": self.l2},
            "logistic": {"l2": self.l2},
        }  # fmt: skip
        own.pop("logistic" if self.learner == "trees" else "trees")
        own.update(self.parameters or {})
        return own

    def _learned(self, parameters: Mapping[str, Any], table: Any, weight: bool, calibration: Any = None, allow_overlap: str | None = None) -> Any:
        from . import risk

        return risk.Classifier(**parameters).fit(
            table, calibration=calibration, target="y", weight="w" if weight else None, seed=_seed(self.random_state),
            threads=self._threads(), allow_overlap=allow_overlap, progress=False,
        )  # fmt: skip

    def _table(self, X: Any, codes: Any, weight: Any) -> Any:
        import pyarrow

        columns = features_of(X)
        names = pyarrow.array([_code(k) for k in range(len(self.classes_))])
        columns["y"] = pyarrow.DictionaryArray.from_arrays(pyarrow.array(codes.astype(np.int32)), names).cast(pyarrow.string())
        if weight is not None:
            columns["w"] = pyarrow.array(weight)
        return pyarrow.table(columns)

    def _fit_parts(self, X: Any, codes: Any, weight: Any) -> Any:
        return self._learned(self._parameters(), self._table(X, codes, weight), weight is not None)

    def _fit_learner(self, X: Any, codes: Any, weight: Any) -> Any:
        """All rows to the learner. Equal rows become one with their summed weight, in an order of their own: what is learned is a
        function of the weighted rows, however they are ordered and repeated."""
        warnings.warn(_WHY, PlimsollWarning, stacklevel=3)
        weight = np.ones(len(codes)) if weight is None else weight
        if isinstance(X, np.ndarray):
            distinct, place = np.unique(np.column_stack([X, codes]), axis=0, return_inverse=True)
            weight = np.bincount(place.ravel(), weights=weight)
            X, codes = np.ascontiguousarray(distinct[:, :-1]), distinct[:, -1].astype(np.int64)
        # The method wants rows to calibrate with; an identity map learns nothing from them, and nothing is promised.
        firsts = np.concatenate([np.flatnonzero(codes == k)[:2] for k in np.unique(codes)])
        again = np.repeat(firsts, 32)
        table = self._table(X, codes, weight)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PlimsollWarning)
            return self._learned({**self._parameters(), "calibrator": "identity"}, table, True, table.take(again), _WHY)
