# SPDX-License-Identifier: Apache-2.0
"""conformal.split, LAC sets from class probabilities, against the NumPy one-liner and MAPIE."""
PEERS = "conformal"
ALPHA = 0.1


def cases(bench):
    n = bench.rows(1e7)
    found = bench.interleave({"ours": bench.ours(n, 10, "lac", 1), "plain": bench.ours(n, 10, "lac", 1, "plain"),
                              "numpy": bench.peer("numpy", n, 10), "mapie": bench.peer("mapie", n, 10)})
    for side, what in (("ours", "calibrate + apply, LAC"), ("plain", "the same without row fingerprint")):
        mine = found[side]["calibrate"] + found[side]["apply"]
        for name in ("numpy", "mapie"):
            yield bench.row(f"conformal.split {n:.0e} x 10", what, mine, found[name]["cpu"], name, found[side].get("peak_mb"), found[name]["peak_mb"], found[side]["floor"])


def peer(kind, rows, classes):
    import warnings

    import numpy as np
    from measure import Measured, class_table

    warnings.filterwarnings("ignore")
    n, classes = int(rows), int(classes)
    p_cal, y_cal = class_table(1, n, classes)
    p_new, y_new = class_table(3, n, classes)
    with Measured() as floor:
        p_cal.sum() + p_new.sum()
    with Measured() as m:
        sets = {"numpy": with_numpy, "mapie": with_mapie}[kind](p_cal, y_cal, p_new)
    return {"cpu": m.cpu, "floor": floor.cpu, "peak_mb": m.peak, "coverage": float(sets[np.arange(n), y_new].mean()), "size": float(sets.sum(1).mean())}


def with_numpy(p_cal, y_cal, p_new):
    import numpy as np

    n = len(y_cal)
    scores = 1 - p_cal[np.arange(n), y_cal]
    k = int(np.ceil((n + 1) * (1 - ALPHA))) - 1
    return p_new >= 1 - np.partition(scores, k)[k]


def with_mapie(p_cal, y_cal, p_new):
    import numpy as np
    from mapie.classification import SplitConformalClassifier
    from sklearn.base import BaseEstimator, ClassifierMixin

    class Given(ClassifierMixin, BaseEstimator):
        classes_ = np.arange(p_cal.shape[1])

        def fit(self, x, y):
            return self

        def predict_proba(self, x):
            return x

        def predict(self, x):
            return np.argmax(x, 1)

        def __sklearn_is_fitted__(self):
            return True

    conformal = SplitConformalClassifier(Given(), confidence_level=1 - ALPHA, conformity_score="lac", prefit=True)
    conformal.conformalize(p_cal, y_cal)
    return conformal.predict_set(p_new)[1][:, :, 0]
