# SPDX-License-Identifier: Apache-2.0
"""The estimators of plimsoll.sklearn: scikit-learn's own checks, and what the estimators promise beyond them."""
import copy
import os
import pathlib
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_classification, make_regression
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_dataframe_column_names_consistency, estimator_checks_generator

import plimsoll as pl

ESTIMATORS = [
    pl.sklearn.Classifier(rounds=20),
    pl.sklearn.Classifier("logistic"),
    pl.sklearn.Regressor(rounds=100),
    pl.sklearn.Regressor("linear"),
    pl.sklearn.Calibrator(GaussianNB(), cv=3),
    pl.sklearn.ConformalClassifier(LogisticRegression()),
    pl.sklearn.ConformalRegressor(LinearRegression()),
]
# Checks of check_estimator that are left out, each with its reason. scikit-learn skips check_array_api_input by itself where
# SciPy's array interface is not switched on.
EXCLUDED: dict[str, str] = {}
# These must be among the checks that run for the classifiers.
HARD = {"check_fit_idempotent", "check_sample_weight_equivalence_on_dense_data", "check_sample_weights_list", "check_n_features_in", "check_estimator_cloneable", "check_pipeline_consistency"}


def name_of(check):
    return getattr(check, "func", check).__name__


def every_check():
    for estimator in ESTIMATORS:
        for made, check in estimator_checks_generator(estimator, expected_failed_checks=EXCLUDED, mark="skip"):
            if name_of(check) != "check_array_api_input":
                yield pytest.param(made, check, id=f"{type(estimator).__name__}-{name_of(check)}")


@pytest.mark.parametrize("estimator, check", list(every_check()))
def test_scikit_learns_own_check(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pl.PlimsollWarning)
        check(estimator)


def test_the_hard_checks_are_run():
    ran = {name_of(check) for _, check in estimator_checks_generator(pl.sklearn.Classifier())}
    assert HARD <= ran and not HARD & set(EXCLUDED)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
@pytest.mark.filterwarnings("ignore::plimsoll.PlimsollWarning")
def test_column_names_of_frames(estimator):
    check_dataframe_column_names_consistency(type(estimator).__name__, clone(estimator))


@pytest.mark.parametrize("interval", ["absolute", "normalised", "cqr"])
def test_intervals_of_the_regressor(interval):
    X, y = make_regression(n_samples=2400, n_features=6, noise=20, random_state=2)
    fitted = pl.sklearn.Regressor("linear", interval=interval, rounds=40).fit(X[:1200], y[:1200])
    assert fitted.calibrated_ and fitted.score(X[1200:], y[1200:]) > 0.9 and fitted.certificate_.level == pytest.approx(0.9)
    ends = fitted.predict_interval(X[1200:])
    covered = np.mean((ends[:, 0] <= y[1200:]) & (y[1200:] <= ends[:, 1]))
    # 240 rows calibrate the intervals, 1200 are new: six deviations of the coverage's beta-binomial law.
    assert abs(covered - 0.9) < 6 * np.sqrt(0.09 * (1 / 240 + 1 / 1200)) + 1 / 241
    again = pickle.loads(pickle.dumps(fitted))
    assert (again.predict(X[1200:]) == fitted.predict(X[1200:])).all()
    with pytest.warns(pl.PlimsollWarning):
        few = pl.sklearn.Regressor("linear").fit(X[:30], y[:30])
    assert few.certificate_ is None
    with pytest.raises(pl.errors.TooFewRows):
        few.predict_interval(X)


@pytest.fixture(scope="module")
def classes():
    return make_classification(n_samples=2400, n_features=8, n_informative=5, n_classes=3, random_state=1)


def test_probabilities_and_sets_of_the_classifier(classes):
    X, y = classes
    fitted = pl.sklearn.Classifier(rounds=60).fit(X[:1200], np.array(["a", "b", "c"])[y[:1200]])
    p = fitted.predict_proba(X[1200:])
    assert fitted.calibrated_ and list(fitted.classes_) == ["a", "b", "c"] and fitted.n_features_in_ == 8
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-9)
    assert (fitted.predict(X[1200:]) == fitted.classes_[p.argmax(axis=1)]).all()
    truth = y[1200:]
    assert np.mean(fitted.predict(X[1200:]) == np.array(["a", "b", "c"])[truth]) > 0.6
    # 240 rows calibrate the sets, 1200 are new: six deviations of the coverage's beta-binomial law.
    covered = fitted.predict_set(X[1200:])[np.arange(1200), truth].mean()
    assert covered > 0.9 - 6 * np.sqrt(0.09 * (1 / 240 + 1 / 1200))
    assert fitted.certificate_.level == pytest.approx(0.9)
    for other in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)):
        assert (other.predict_proba(X[1200:]) == p).all()
    with pytest.raises(NotFittedError):
        clone(fitted).predict(X)


def test_scores_grids_and_pipelines(classes):
    X, y = classes
    X, y = X[:600], y[:600]
    scores = cross_val_score(make_pipeline(StandardScaler(), pl.sklearn.Classifier("logistic")), X, y, cv=3, scoring="neg_log_loss")
    assert len(scores) == 3 and (scores > -1.1).all()  # better than the log loss of guessing three classes, ln 3 = 1.0986
    search = GridSearchCV(pl.sklearn.Classifier(rounds=20), {"learner": ["trees", "logistic"], "max_depth": [2, 4]}, cv=2).fit(X, y)
    assert set(search.best_params_) == {"learner", "max_depth"} and search.best_score_ > 0.5
    assert hasattr(search.best_estimator_, "model_")


def test_weights_are_rows_to_the_last_digit_where_none_are_set_aside(classes):
    X, y = classes[0][:24], (classes[1][:24] > 0).astype(int)
    weight = np.random.default_rng(0).integers(0, 4, size=24)
    again = np.random.default_rng(1).permutation(np.repeat(np.arange(24), weight))
    with pytest.warns(pl.PlimsollWarning, match="too few rows"):
        weighted = pl.sklearn.Classifier().fit(X, y, sample_weight=weight)
    with pytest.warns(pl.PlimsollWarning, match="too few rows"):
        repeated = pl.sklearn.Classifier().fit(X[again], y[again])
    assert len(again) < 50 and (weighted.predict_proba(X) == repeated.predict_proba(X)).all()
    assert weighted.certificate_ is None and weighted.predict_proba(X).std() > 0.01
    with pytest.raises(pl.TooFewRows, match="too few rows"):
        weighted.predict_set(X)


def test_weights_count_where_rows_are_cut(classes):
    X, y = classes
    y = (y > 0).astype(int)
    plain = pl.sklearn.Classifier("logistic", calibrator="platt").fit(X, y)
    heavy = pl.sklearn.Classifier("logistic", calibrator="platt").fit(X, y, sample_weight=np.where(y == 1, 5.0, 1.0))
    even = pl.sklearn.Classifier("logistic", calibrator="platt").fit(X, y, sample_weight=np.full(len(y), 3.0))
    # Five times as many events at the same features: the odds rise about fivefold.
    odds = lambda fitted: np.median(np.log(fitted.predict_proba(X)[:, 1] / fitted.predict_proba(X)[:, 0]))
    assert odds(heavy) - odds(plain) == pytest.approx(np.log(5), abs=0.6)
    assert even.calibrated_ and odds(even) == pytest.approx(odds(plain), abs=0.1)


def test_frames_with_text_and_missing_values():
    draw = np.random.default_rng(3)
    frame = pd.DataFrame({"age": draw.normal(40, 10, 800), "job": draw.choice(["clerk", "cook", "smith"], 800)})
    y = (draw.uniform(size=800) < np.where(frame["job"] == "cook", 0.9, 0.1)).astype(int)
    frame.loc[::7, "age"] = np.nan
    fitted = pl.sklearn.Classifier(rounds=40).fit(frame, y)
    assert list(fitted.feature_names_in_) == ["age", "job"]
    assert np.mean(fitted.predict(frame) == y) > 0.85  # the job alone tells 0.9
    with pytest.raises(ValueError, match="feature names"):
        fitted.predict(frame.rename(columns={"job": "trade"}))


class OwnModel(ClassifierMixin, BaseEstimator):
    """A user's model that needs no fit."""

    classes_ = np.array([0, 1])

    def __sklearn_is_fitted__(self):
        return True

    def fit(self, X, y):
        raise AssertionError("a fitted estimator is left as it is")

    def predict_proba(self, X):
        p = 1 / (1 + np.exp(-np.asarray(X)[:, 0]))
        return np.column_stack([1 - p, p])

    def predict(self, X):
        return (np.asarray(X)[:, 0] > 0).astype(int)


def logistic_rows(rows, seed):
    draw = np.random.default_rng(seed)
    X = draw.normal(size=(rows, 2))
    return X, (draw.uniform(size=rows) < 1 / (1 + np.exp(-X[:, 0]))).astype(int)


def test_sets_around_a_fitted_estimator_equal_the_method_itself():
    X, y = logistic_rows(1500, 5)
    fresh, truth = logistic_rows(1500, 6)
    wrapped = pl.sklearn.ConformalClassifier(OwnModel(), alpha=0.2).fit(X, y)
    p = OwnModel().predict_proba(X)
    scores = np.sort(1 - p[np.arange(1500), y])
    threshold = scores[int(np.ceil(1501 * 0.8)) - 1]
    q = OwnModel().predict_proba(fresh)
    wanted = 1 - q <= threshold
    wanted[~wanted.any(axis=1), :] = (q >= q.max(axis=1, keepdims=True))[~wanted.any(axis=1), :]
    assert (wrapped.predict_set(fresh) == wanted).all()
    assert wrapped.predict_set(fresh)[np.arange(1500), truth].mean() > 0.8 - 6 * np.sqrt(0.16 * 2 / 1500)
    assert (wrapped.predict(fresh) == OwnModel().predict(fresh)).all() and wrapped.certificate_.n == 1500


def test_a_fitted_estimator_stays_as_it_is():
    X, y = logistic_rows(400, 7)
    inner = LogisticRegression().fit(X[:200], y[:200])
    before = inner.coef_.copy()
    wrapped = pl.sklearn.ConformalClassifier(inner).fit(X[200:], y[200:])
    assert wrapped.estimator_ is inner and (inner.coef_ == before).all() and wrapped.model_.certificate.n == 200
    frozen = clone(pl.sklearn.ConformalClassifier(FrozenEstimator(inner))).fit(X[200:], y[200:])
    assert frozen.model_ == wrapped.model_
    unfitted = pl.sklearn.ConformalClassifier(LogisticRegression(), share=0.25).fit(X, y)
    assert unfitted.model_.certificate.n == 100 and unfitted.estimator_ is not unfitted.estimator


def test_intervals_around_a_regressor():
    X, y = make_regression(n_samples=3000, n_features=5, noise=20, random_state=2)
    inner = LinearRegression().fit(X[:1000], y[:1000])
    wrapped = pl.sklearn.ConformalRegressor(inner, alpha=0.1).fit(X[1000:2000], y[1000:2000])
    ends = wrapped.predict_interval(X[2000:])
    bound = np.sort(np.abs(y[1000:2000] - inner.predict(X[1000:2000])))[int(np.ceil(1001 * 0.9)) - 1]
    np.testing.assert_allclose(ends, np.column_stack([inner.predict(X[2000:]) - bound, inner.predict(X[2000:]) + bound]), rtol=0, atol=1e-9)
    covered = np.mean((ends[:, 0] <= y[2000:]) & (y[2000:] <= ends[:, 1]))
    assert covered > 0.9 - 6 * np.sqrt(0.09 * 2 / 1000)
    grid = GridSearchCV(pl.sklearn.ConformalRegressor(LinearRegression()), {"alpha": [0.1, 0.2], "estimator__fit_intercept": [True, False]}, cv=2).fit(X[:300], y[:300])
    assert grid.best_score_ > 0.5


def test_calibrating_a_bold_model():
    """A model whose log-odds are twice too large: Platt's map halves them."""

    class Bold(OwnModel):
        def predict_proba(self, X):
            p = 1 / (1 + np.exp(-2 * np.asarray(X)[:, 0]))
            return np.column_stack([1 - p, p])

    X, y = logistic_rows(4000, 11)
    fresh, truth = logistic_rows(4000, 12)
    fitted = pl.sklearn.Calibrator(Bold()).fit(X, y)
    loss = lambda p: -np.mean(np.log(p[np.arange(len(truth)), truth]))
    assert loss(fitted.predict_proba(fresh)) < loss(Bold().predict_proba(fresh)) - 0.01
    right = 1 / (1 + np.exp(-fresh[:, 0]))
    assert np.abs(fitted.predict_proba(fresh)[:, 1] - right).max() < 0.06
    weighted = pl.sklearn.Calibrator(Bold()).fit(X, y, sample_weight=np.where(y == 1, 4.0, 1.0))
    shift = np.log(weighted.predict_proba(fresh)[:, 1] / weighted.predict_proba(fresh)[:, 0]) - fresh[:, 0]
    assert np.median(shift) == pytest.approx(np.log(4), abs=0.25)


def test_calibrating_three_classes_across_folds(classes):
    X, y = classes
    fitted = pl.sklearn.Calibrator(GaussianNB(), method="temperature", cv=4).fit(X[:1600], y[:1600])
    plain = GaussianNB().fit(X[:1600], y[:1600])
    loss = lambda p: -np.mean(np.log(np.maximum(p[np.arange(800), y[1600:]], 1e-12)))
    np.testing.assert_allclose(fitted.predict_proba(X[1600:]).sum(axis=1), 1, atol=1e-9)
    assert loss(fitted.predict_proba(X[1600:])) < loss(plain.predict_proba(X[1600:]))
    assert (fitted.predict(X[1600:]) == plain.predict(X[1600:])).all()  # one temperature keeps the order of classes


def test_bad_input_gets_a_typed_error():
    X, y = logistic_rows(100, 8)
    with pytest.raises(pl.WrongKind, match="predict_proba"):
        pl.sklearn.ConformalClassifier(LinearRegression().fit(X, y)).fit(X, y)
    with pytest.raises(pl.BadParameter, match="one number"):
        pl.sklearn.ConformalClassifier(OwnModel(), alpha=[0.1, 0.2]).fit(X, y)
    with pytest.raises(pl.BadParameter):
        pl.sklearn.ConformalClassifier(OwnModel(), alpha=1.5).fit(X, y)
    with pytest.raises(pl.BadParameter, match="learner"):
        pl.sklearn.Classifier("forest").fit(X, y)
    with pytest.raises(ValueError, match="weight"):
        pl.sklearn.Classifier().fit(X, y, sample_weight=-np.ones(100))


def test_the_example_runs():
    source = pathlib.Path(os.environ.get("PLIMSOLL_SOURCE_DIR", pathlib.Path(__file__).parent.parent.parent))
    shown = subprocess.run([sys.executable, source / "examples/python/sklearn_pipeline.py"], capture_output=True, text=True)
    assert shown.returncode == 0 and "the sets hold the truth" in shown.stdout, shown.stdout + shown.stderr


def test_scikit_learn_is_imported_only_when_asked_for():
    code = "import plimsoll, sys; assert 'sklearn' not in sys.modules and 'numpy' not in sys.modules; plimsoll.sklearn.Classifier; assert 'sklearn' in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    hidden = "import sys; sys.modules['sklearn.base'] = None\nimport plimsoll\ntry:\n    plimsoll.sklearn\nexcept plimsoll.MissingPlugin as e:\n    assert 'pip install scikit-learn' in e.mend\nelse:\n    raise SystemExit('no error')"
    subprocess.run([sys.executable, "-c", hidden], check=True)
