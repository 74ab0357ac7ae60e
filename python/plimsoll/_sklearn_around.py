# SPDX-License-Identifier: Apache-2.0
"""The estimators of plimsoll.sklearn that stand around an estimator of the user's: calibrated probabilities, sets, intervals."""
from __future__ import annotations

import warnings
from typing import Any, Mapping

from . import errors
from ._errors import PlimsollWarning

try:
    import numpy as np
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
    from sklearn.exceptions import NotFittedError
    from sklearn.utils import check_random_state
    from sklearn.utils.metaestimators import available_if
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
except ImportError as problem:
    raise errors.MissingPlugin(f"plimsoll.sklearn needs scikit-learn 1.6 or newer: {problem}", "pip install scikit-learn") from problem

__all__ = ["Calibrator", "ConformalClassifier", "ConformalRegressor"]


def _code(k: int) -> str:
    """Names of classes whose order is that of the classes."""
    return f"c{k:06d}"


def _seed(random_state: Any) -> int:
    if random_state is None:
        return 0
    if isinstance(random_state, (int, np.integer)):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


def _codes_of_lists(column: Any, width: int, prefix: str) -> Any:
    """A column of lists of class names as a table of flags, one column a class."""
    flags = np.zeros((len(column), width), dtype=bool)
    row = 0
    for chunk in column.chunks:
        items = chunk.flatten()
        lengths = np.diff(np.asarray(chunk.offsets))
        if hasattr(items, "dictionary"):
            names = np.array([int(name.removeprefix(prefix)) for name in items.dictionary.to_pylist()], dtype=np.int64)
            places = names[np.asarray(items.indices)] if len(names) else np.zeros(0, dtype=np.int64)
        else:
            places = np.array([int(name.removeprefix(prefix)) for name in items.to_pylist()], dtype=np.int64)
        flags[row + np.repeat(np.arange(len(lengths)), lengths), places] = True
        row += len(chunk)
    return flags


def _is_fitted(estimator: Any) -> bool:
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    except TypeError:  # no scikit-learn estimator, but it predicts
        return True
    return True


def _rows_of(X: Any, rows: Any) -> Any:
    return X.iloc[rows] if hasattr(X, "iloc") else np.asarray(X)[rows]


class _Conformal(BaseEstimator):  # type: ignore[misc]
    """What the two wrappers share: an estimator that is fitted already, or one that is fitted on a part of the rows."""

    def _fit_around(self, X: Any, y: Any, codes: Any = None) -> tuple[Any, Any]:
        """The fitted estimator and the rows that it has not seen."""
        rows = np.arange(len(y))
        if _is_fitted(self.estimator):
            self.estimator_ = self.estimator
            return X, rows
        draw = np.random.RandomState(_seed(self.random_state))
        held = np.zeros(len(y), dtype=bool)
        held[draw.permutation(len(y))[: int(len(y) * self.share)]] = True
        if codes is not None:  # a class that the estimator never sees could not be predicted
            for k in np.unique(codes):
                if held[codes == k].all():
                    held[np.flatnonzero(codes == k)[0]] = False
        if not held.any() or held.all():
            raise errors.TooFewRows(f"{len(y)} rows leave none to learn from or none to calibrate with (n_samples={len(y)})", "Give more rows, or an estimator that is fitted already.")
        self.estimator_ = clone(self.estimator).fit(_rows_of(X, rows[~held]), y[~held])
        return X, rows[held]

    def _calibrated(self, columns: Mapping[str, Any], **settings: Any) -> Any:
        import pyarrow

        from . import conformal

        parameters = {"alpha": self.alpha, "score": self.score_name, **settings.pop("parameters", {})}
        return conformal.Split(**parameters).fit(pyarrow.table(dict(columns)), progress=False, seed=_seed(self.random_state), **settings)

    def _answers(self, columns: Mapping[str, Any]) -> Any:
        import pyarrow

        return self.model_.apply(pyarrow.table(dict(columns)), progress=False).to_arrow()

    def _check_alpha(self) -> None:
        if not isinstance(self.alpha, (int, float, np.floating)):
            raise errors.BadParameter("'alpha' must be one number", "Wrap the estimator once for each level.", parameter="alpha")

    @property
    def certificate_(self) -> Any:
        """What is promised."""
        check_is_fitted(self)
        return self.model_.certificate

    def predict(self, X: Any) -> Any:
        """What the wrapped estimator predicts."""
        check_is_fitted(self)
        _validate_again(self, X)
        return self.estimator_.predict(X)


def _has_proba(self: Any) -> bool:
    return hasattr(getattr(self, "estimator_", self.estimator), "predict_proba")


class ConformalClassifier(ClassifierMixin, _Conformal):  # type: ignore[misc]
    """Prediction sets around any classifier with ``predict_proba`` (``conformal.split``).

    Parameters
    ----------
    estimator
        A classifier. Fitted already: ``fit`` gives it rows that it has not seen, and leaves it as it is (scikit-learn's ``clone``
        forgets a fit; ``FrozenEstimator`` keeps it). Not fitted: ``fit`` fits a copy on one part of the rows and calibrates on the rest.
    alpha : float
        Miscoverage: the truth is outside of at most this share of sets.
    score_name : str
        Class score of ``pl.conformal.Split``: lac, aps, raps, saps, margin, topk or log.
    share : float
        Share of rows that calibrate, where the estimator is not fitted yet.
    random_state : int, RandomState or None
        Of the cut; None is 0.

    Attributes
    ----------
    estimator_ : the fitted estimator
    model_ : the fitted plimsoll model, with its certificate
    classes_, n_features_in_, feature_names_in_

    Notes
    -----
    Exchangeable rows have no weights, so ``fit`` takes none; fit the wrapped estimator with weights beforehand.
    """

    def __init__(self, estimator: Any, *, alpha: float = 0.1, score_name: str = "lac", share: float = 0.3, random_state: Any = None) -> None:
        self.estimator = estimator
        self.alpha = alpha
        self.score_name = score_name
        self.share = share
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> ConformalClassifier:
        """Calibrates on rows with their classes."""
        self._check_alpha()
        _validate_outer(self, X, y)
        y = np.asarray(y).ravel() if not hasattr(y, "to_numpy") else y.to_numpy().ravel()
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"ConformalClassifier can't calibrate when only one class is present: {self.classes_[0]!r}")
        X, rows = self._fit_around(X, y, codes)
        if not hasattr(self.estimator_, "predict_proba"):
            raise errors.WrongKind("the estimator has no predict_proba", "Wrap a classifier that gives probabilities.", parameter="estimator")
        if hasattr(self.estimator_, "classes_"):
            self.classes_ = np.unique(np.concatenate([self.classes_, np.asarray(self.estimator_.classes_)]))
            codes = np.searchsorted(self.classes_, y)
        columns = {**self._columns(_rows_of(X, rows)), "y": codes[rows].astype(np.int64)}
        self.model_ = self._calibrated(columns, target="y", probability="p_*", parameters={"classes": [str(k) for k in range(len(self.classes_))]})
        return self

    def predict_set(self, X: Any) -> Any:
        """Prediction sets as a table of flags, one column a class in the order of ``classes_``."""
        check_is_fitted(self)
        return _codes_of_lists(self._answers(self._columns(X))["set"], len(self.classes_), "")

    @available_if(_has_proba)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Any:
        """Probabilities of the wrapped estimator, one column a class in the order of ``classes_``."""
        check_is_fitted(self)
        _validate_again(self, X)
        given = np.asarray(self.estimator_.predict_proba(X), dtype=np.float64)
        known = getattr(self.estimator_, "classes_", None)
        if known is None or len(known) == len(self.classes_):
            return given
        out = np.zeros((len(given), len(self.classes_)))
        out[:, np.searchsorted(self.classes_, known)] = given
        return out

    def _columns(self, X: Any) -> dict[str, Any]:
        p = self.predict_proba(X)
        width = len(str(p.shape[1] - 1))
        return {f"p_{k:0{width}d}": np.ascontiguousarray(p[:, k]) for k in range(p.shape[1])}


def _validate_outer(estimator: Any, X: Any, y: Any) -> None:
    """Shapes, names and counts as scikit-learn has them; what values are allowed is the wrapped estimator's business."""
    if hasattr(X, "iloc"):
        validate_data(estimator, X, y, skip_check_array=True)
        if len(X) != len(y):
            raise ValueError(f"X has {len(X)} rows, y has {len(y)}.")
    else:
        validate_data(estimator, X, y, dtype=None, ensure_all_finite=False, y_numeric=False)


def _validate_again(estimator: Any, X: Any) -> None:
    if hasattr(X, "iloc"):
        validate_data(estimator, X, reset=False, skip_check_array=True)
    else:
        validate_data(estimator, X, reset=False, dtype=None, ensure_all_finite=False)


class ConformalRegressor(RegressorMixin, _Conformal):  # type: ignore[misc]
    """Prediction intervals around any regressor (``conformal.split``).

    Parameters
    ----------
    estimator
        A regressor, fitted already or not: see ConformalClassifier.
    alpha : float
        Miscoverage: the truth is outside of at most this share of intervals.
    score_name : {"absolute", "signed", "relative"}
        One width to both sides, a tail of alpha / 2 at each side, or widths in proportion to the prediction.
    share, random_state
        See ConformalClassifier.

    Attributes
    ----------
    estimator_, model_, n_features_in_, feature_names_in_
    """

    def __init__(self, estimator: Any, *, alpha: float = 0.1, score_name: str = "absolute", share: float = 0.3, random_state: Any = None) -> None:
        self.estimator = estimator
        self.alpha = alpha
        self.score_name = score_name
        self.share = share
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> ConformalRegressor:
        """Calibrates on rows with their outcomes."""
        self._check_alpha()
        _validate_outer(self, X, y)
        y = np.asarray(y, dtype=np.float64)
        if y.ndim == 2 and y.shape[1] == 1:
            from sklearn.utils.validation import column_or_1d

            y = column_or_1d(y, warn=True)
        X, rows = self._fit_around(X, y)
        columns = {"mu": self._prediction(_rows_of(X, rows)), "y": np.ascontiguousarray(y[rows])}
        self.model_ = self._calibrated(columns, target="y", prediction="mu")
        return self

    def predict_interval(self, X: Any) -> Any:
        """Lower and upper ends, one row each."""
        check_is_fitted(self)
        answers = self._answers({"mu": self._prediction(X)})
        return np.column_stack([answers["lower"].to_numpy(), answers["upper"].to_numpy()])

    def _prediction(self, X: Any) -> Any:
        return np.ascontiguousarray(np.asarray(self.estimator_.predict(X), dtype=np.float64).ravel())


class Calibrator(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Probabilities of any classifier, brought to the rates at which they come true (``calibrate.binary``, ``calibrate.multiclass``).

    Parameters
    ----------
    estimator
        A classifier with ``predict_proba``. Fitted already: ``fit`` gives it rows that it has not seen. Not fitted: the map is
        learned from out-of-fold probabilities, and the estimator from all rows.
    method : str
        The map: platt, temperature, beta, isotonic, venn_abers, ... or auto.
    cv : int, splitter or iterable of (train, test)
        Folds for an estimator that is not fitted yet.
    random_state : int, RandomState or None
        Of the folds; None is 0.

    Attributes
    ----------
    estimator_, model_, classes_, n_features_in_, feature_names_in_
    """

    def __init__(self, estimator: Any, *, method: str = "platt", cv: Any = 5, random_state: Any = None) -> None:
        self.estimator = estimator
        self.method = method
        self.cv = cv
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Calibrator:
        """Learns the map from rows and their classes; weights of 0 or more."""
        _validate_outer(self, X, y)
        y = np.asarray(y).ravel()
        check_classification_targets(y)
        weight = None if sample_weight is None else _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        self.classes_, codes = np.unique(y, return_inverse=True)
        kept = np.ones(len(y), dtype=bool) if weight is None else weight > 0
        if not kept.any():
            raise ValueError("Sample weights must contain at least one non-zero number.")
        if len(np.unique(codes[kept])) < 2:
            raise ValueError(f"Calibrator can't learn when only one class is present: {y[kept][0]!r}")
        if _is_fitted(self.estimator):
            self.estimator_ = self.estimator
            p = _probabilities(self.estimator_, X, self.classes_)
        else:
            p = self._out_of_fold(X, y, codes, weight)
            self.estimator_ = _fitted_copy(self.estimator, X, y, weight)
        self._present = np.unique(codes[kept])
        self.model_ = self._fit_map(p[kept], codes[kept], None if weight is None else weight[kept])
        return self

    def predict_proba(self, X: Any) -> Any:
        """Calibrated probabilities, one column a class in the order of ``classes_``."""
        check_is_fitted(self)
        _validate_again(self, X)
        import pyarrow

        p = _probabilities(self.estimator_, X, self.classes_)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PlimsollWarning)
            answers = self.model_.apply(pyarrow.table(self._columns(p)), progress=False).to_arrow()
        out = np.zeros((len(p), len(self.classes_)))
        if len(self._present) == 2:
            out[:, self._present[1]] = answers["calibrated"].to_numpy()
            out[:, self._present[0]] = 1 - out[:, self._present[1]]
        else:
            for k in self._present:
                out[:, k] = answers[f"calibrated.{_code(k)}"].to_numpy()
        return out

    def predict(self, X: Any) -> Any:
        """The most probable class."""
        p = self.predict_proba(X)
        return self.classes_[np.argmax(p, axis=1)]

    def _columns(self, p: Any) -> dict[str, Any]:
        """Probabilities among the classes that have rows."""
        among = p[:, self._present]
        total = among.sum(axis=1, keepdims=True)
        among = np.where(total > 0, among / np.where(total > 0, total, 1), 1 / len(self._present))
        if len(self._present) == 2:
            return {"p": np.ascontiguousarray(among[:, 1])}
        return {f"p_{_code(k)}": np.ascontiguousarray(among[:, j]) for j, k in enumerate(self._present)}

    def _fit_map(self, p: Any, codes: Any, weight: Any) -> Any:
        import pyarrow

        from . import calibrate

        columns = self._columns(p)
        if weight is not None:
            columns["w"] = weight
        roles: dict[str, Any] = {"target": "y", "weight": "w" if weight is not None else None, "progress": False, "seed": _seed(self.random_state)}
        if len(self._present) == 2:
            table = pyarrow.table({**columns, "y": (codes == self._present[1]).astype(np.int64)})
            return calibrate.Binary(method=self.method).fit(table, probability="p", **roles)  # type: ignore[arg-type]
        table = pyarrow.table({**columns, "y": pyarrow.array([_code(k) for k in codes])})
        return calibrate.Multiclass(method=self.method).fit(table, probability="p_*", **roles)  # type: ignore[arg-type]

    def _out_of_fold(self, X: Any, y: Any, codes: Any, weight: Any) -> Any:
        """Probabilities of each row by a copy that has not seen it."""
        p = np.zeros((len(y), len(self.classes_)))
        for train, test in self._folds(X, y, codes):
            copy = _fitted_copy(self.estimator, _rows_of(X, train), y[train], None if weight is None else weight[train])
            p[test] = _probabilities(copy, _rows_of(X, test), self.classes_)
        return p

    def _folds(self, X: Any, y: Any, codes: Any) -> Any:
        from sklearn.model_selection import KFold, StratifiedKFold, check_cv

        if not isinstance(self.cv, int):
            return check_cv(self.cv, y, classifier=True).split(X, y)
        if len(y) < 2:
            raise ValueError(f"Calibrator can't cut n_samples = {len(y)} row into folds.")
        fewest = int(np.bincount(codes).min())
        folds = max(2, min(self.cv, fewest))
        kind = StratifiedKFold if fewest >= 2 else KFold
        return kind(folds, shuffle=True, random_state=_seed(self.random_state)).split(X, y)


def _fitted_copy(estimator: Any, X: Any, y: Any, weight: Any) -> Any:
    return clone(estimator).fit(X, y) if weight is None else clone(estimator).fit(X, y, sample_weight=weight)


def _probabilities(estimator: Any, X: Any, classes: Any) -> Any:
    """One column a class of `classes`, zero where the estimator does not know it."""
    if not hasattr(estimator, "predict_proba"):
        raise errors.WrongKind("the estimator has no predict_proba", "Wrap a classifier that gives probabilities.", parameter="estimator")
    given = np.asarray(estimator.predict_proba(X), dtype=np.float64)
    known = getattr(estimator, "classes_", None)
    if known is None or len(known) == len(classes):
        return given
    places = np.searchsorted(classes, known)
    out = np.zeros((len(given), len(classes)))
    inside = (places < len(classes)) & (np.asarray(classes)[np.minimum(places, len(classes) - 1)] == known)
    out[:, places[inside]] = given[:, inside]
    return out
