# SPDX-License-Identifier: Apache-2.0
"""Estimators with the manners of scikit-learn.

>>> from sklearn.model_selection import cross_val_score
>>> cross_val_score(pl.sklearn.Classifier(), X, y, scoring="neg_log_loss")
>>> sets = pl.sklearn.ConformalClassifier(any_fitted_classifier, alpha=0.1).fit(X_held_out, y_held_out).predict_set(X_new)

Classifier            learns a risk and calibrates it (risk.classifier)
ConformalClassifier   prediction sets around any classifier (conformal.split)
ConformalRegressor    prediction intervals around any regressor (conformal.split)
"""
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

__all__ = ["Classifier", "ConformalClassifier", "ConformalRegressor"]

# Below these, setting rows aside would leave too few of a class to learn from.
_FEWEST_ROWS = 50
_FEWEST_OF_A_CLASS = 10
_WHY = "the estimator has too few rows to set some aside: its probabilities are the learner's own and nothing is certified"


def _code(k: int) -> str:
    """Names of classes whose order is that of the classes."""
    return f"c{k:06d}"


def _seed(random_state: Any) -> int:
    if random_state is None:
        return 0
    if isinstance(random_state, (int, np.integer)):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


def _is_frame_of_many_types(X: Any) -> bool:
    """A pandas frame with columns that are no numbers: text and categories go to the engine as they are."""
    if type(X).__module__.split(".")[0] != "pandas" or not hasattr(X, "dtypes"):
        return False
    return any(str(kind) in ("category", "string", "str", "object") or str(kind).startswith("datetime") for kind in X.dtypes)


def _features(X: Any) -> Any:
    """Columns by the names x0, x1, ..., so that the fit is the same for arrays and frames."""
    import pyarrow

    if isinstance(X, np.ndarray):
        return {f"x{j}": pyarrow.array(np.ascontiguousarray(X[:, j])) for j in range(X.shape[1])}
    table = pyarrow.Table.from_pandas(X, preserve_index=False)
    return {f"x{j}": table.column(j) for j in range(table.num_columns)}


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


def _two_classes(classes: Any) -> None:
    if len(classes) < 2:
        raise ValueError(f"Classifier can't train when only one class is present: {classes[0]!r}. Give rows of at least two classes.")


def _is_fitted(estimator: Any) -> bool:
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    except TypeError:  # no scikit-learn estimator, but it predicts
        return True
    return True


class Classifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
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

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Classifier:
        """Learns from rows and their classes; weights of 0 or more."""
        X, y = self._validated(X, y)
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

    def _validated(self, X: Any, y: Any) -> tuple[Any, Any]:
        if not _is_frame_of_many_types(X):
            X, y = validate_data(self, X, y, dtype=[np.float64, np.float32], ensure_all_finite="allow-nan")
            return np.asarray(X), y
        validate_data(self, X, skip_check_array=True)
        y = np.asarray(y).ravel()
        if len(y) != len(X):
            raise ValueError(f"X has {len(X)} rows, y has {len(y)}.")
        return _Rows(X), y

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

    def _threads(self) -> int:
        return 1 if self.n_jobs is None else max(0, self.n_jobs)

    def _learned(self, parameters: Mapping[str, Any], table: Any, weight: bool, calibration: Any = None, allow_overlap: str | None = None) -> Any:
        from . import risk

        return risk.Classifier(**parameters).fit(
            table, calibration=calibration, target="y", weight="w" if weight else None, seed=_seed(self.random_state),
            threads=self._threads(), allow_overlap=allow_overlap, progress=False,
        )  # fmt: skip

    def _table(self, X: Any, codes: Any, weight: Any) -> Any:
        import pyarrow

        columns = _features(X if isinstance(X, np.ndarray) else X.frame)
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

    def _applied(self, X: Any) -> Any:
        check_is_fitted(self)
        if _is_frame_of_many_types(X):
            validate_data(self, X, reset=False, skip_check_array=True)
        else:
            X = np.asarray(validate_data(self, X, reset=False, dtype=[np.float64, np.float32], ensure_all_finite="allow-nan"))
        import pyarrow

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PlimsollWarning)
            return self.model_.apply(pyarrow.table(_features(X)), threads=self._threads(), progress=False).to_arrow()


class _Rows:
    """A frame of many types that is indexed by flags, as an array is."""

    def __init__(self, frame: Any) -> None:
        self.frame = frame
        self.shape = frame.shape

    def __len__(self) -> int:
        return len(self.frame)

    def __getitem__(self, kept: Any) -> _Rows:
        return _Rows(self.frame.loc[np.asarray(kept)])


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
