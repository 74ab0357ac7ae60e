# SPDX-License-Identifier: Apache-2.0
"""calibrate.multiclass, a temperature for ten classes, against scikit-learn's temperature scaling; the floor is a read of the
probabilities. netcal, which has it too, needs torch and is not among the peers."""
PEERS = "calibration"


def cases(bench):
    n = bench.rows(1e5)
    found = bench.interleave({"ours": bench.ours(n), "sklearn": bench.peer("temperature", n)})
    mine, theirs = found["ours"], found["sklearn"]
    if abs(mine["temperature"] - theirs["temperature"]) > 1e-2:
        raise SystemExit(f"the two sides differ, {mine['temperature']} and {theirs['temperature']}")
    yield bench.row(f"calibrate.multiclass {n:.0e} x 10", "temperature, fit + apply", mine["fit"] + mine["apply"], theirs["cpu"], "scikit-learn", mine["peak_mb"], theirs["peak_mb"], mine["floor"])


def peer(kind, rows):
    import numpy as np
    from measure import Measured, normal, uniform
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.frozen import FrozenEstimator

    n, k = int(float(rows)), 10
    z = normal(31, n * k).reshape(n, k)
    truth = np.exp(2 * z)
    y = np.minimum((np.cumsum(truth, 1) <= (uniform(32, n) * truth.sum(1))[:, None]).sum(1), k - 1)
    p = np.exp(3 * z)
    p /= p.sum(1, keepdims=True)

    class Given(ClassifierMixin, BaseEstimator):
        """The probabilities are the features."""

        def fit(self, x, y):
            self.classes_ = np.arange(k)
            return self

        def predict_proba(self, x):
            return x

        def predict(self, x):
            return x.argmax(1)

    given = Given().fit(p, y)
    with Measured() as m:
        model = CalibratedClassifierCV(FrozenEstimator(given), method="temperature").fit(p, y)
        model.predict_proba(p)
    return {"cpu": m.cpu, "peak_mb": m.peak, "temperature": 1 / float(model.calibrated_classifiers_[0].calibrators[0].beta_)}
