# SPDX-License-Identifier: Apache-2.0
"""Split conformal sets (LAC) from class probabilities: class_sets.py numpy|mapie ROWS CLASSES"""
import sys
import warnings

import numpy as np

from measure import Measured, class_table, say

warnings.filterwarnings("ignore")
kind, n, classes, alpha = sys.argv[1], int(float(sys.argv[2])), int(sys.argv[3]), 0.1
p_cal, y_cal = class_table(1, n, classes)
p_new, y_new = class_table(3, n, classes)


def with_numpy():
    scores = 1 - p_cal[np.arange(n), y_cal]
    k = int(np.ceil((n + 1) * (1 - alpha))) - 1
    return p_new >= 1 - np.partition(scores, k)[k]


def with_mapie():
    from mapie.classification import SplitConformalClassifier
    from sklearn.base import BaseEstimator, ClassifierMixin

    class Given(ClassifierMixin, BaseEstimator):
        classes_ = np.arange(classes)

        def fit(self, x, y):
            return self

        def predict_proba(self, x):
            return x

        def predict(self, x):
            return np.argmax(x, 1)

        def __sklearn_is_fitted__(self):
            return True

    conformal = SplitConformalClassifier(Given(), confidence_level=1 - alpha, conformity_score="lac", prefit=True)
    conformal.conformalize(p_cal, y_cal)
    return conformal.predict_set(p_new)[1][:, :, 0]


run = {"numpy": with_numpy, "mapie": with_mapie}[kind]
with Measured() as floor:
    p_cal.sum() + p_new.sum()
with Measured() as m:
    sets = run()
say(cpu=m.cpu, floor=floor.cpu, peak_mb=m.peak, coverage=float(sets[np.arange(n), y_new].mean()), size=float(sets.sum(1).mean()))
