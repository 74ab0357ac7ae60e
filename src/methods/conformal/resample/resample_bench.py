# SPDX-License-Identifier: Apache-2.0
"""conformal.resample, CV+ with five folds, against MAPIE and puncc at 10^4 rows; alone at 150,000, where they would need hundreds of GB."""
PEERS = "conformal"
ALPHA = 0.1


def cases(bench):
    small, large = bench.rows(1e4), bench.rows(150_000)
    found = bench.interleave({"ours": bench.ours(small), "large": bench.ours(large), "mapie": bench.peer("mapie", small), "puncc": bench.peer("puncc", small)})
    for name in ("mapie", "puncc"):
        if abs(found[name]["coverage"] - found["ours"]["coverage"]) > 0.02:
            raise SystemExit(f"{name} covers {found[name]['coverage']}, ours {found['ours']['coverage']}")
        yield bench.row(f"conformal.resample CV+ K=5, n=m={small}", "fit + apply", found["ours"]["cpu"], found[name]["cpu"], name, found["ours"]["peak_mb"], found[name]["peak_mb"])
    yield bench.row(f"conformal.resample CV+ K=5, n=m={large}", "fit + apply", found["large"]["cpu"], None, "", found["large"]["peak_mb"], None, found["large"]["floor"])


def peer(kind, rows):
    import warnings

    import numpy as np
    from measure import Measured, normal
    from sklearn.base import BaseEstimator, RegressorMixin

    warnings.filterwarnings("ignore")
    n = int(rows)
    x, xt = normal(11, n), normal(13, n)
    y, yt = x + (0.5 + 0.5 * np.abs(x)) * normal(12, n), xt + (0.5 + 0.5 * np.abs(xt)) * normal(14, n)

    class Given(RegressorMixin, BaseEstimator):
        def fit(self, features, target=None):
            self.shift_ = 0.0 if target is None else 1e-3 * float(np.mean(target[:100]))
            self.n_features_in_ = features.shape[1]
            return self

        def predict(self, features):
            return features[:, 0] + self.shift_

        def __sklearn_is_fitted__(self):
            return hasattr(self, "shift_")

    with Measured() as measured:
        if kind == "mapie":
            from mapie.regression import CrossConformalRegressor

            model = CrossConformalRegressor(Given(), confidence_level=1 - ALPHA, method="plus", cv=5, random_state=1)
            model.fit_conformalize(x[:, None], y)
            ends = model.predict_interval(xt[:, None])[1]
            low, high = ends[:, 0, 0], ends[:, 1, 0]
        else:
            from deel.puncc.api.prediction import BasePredictor
            from deel.puncc.regression import CVPlus

            model = CVPlus(BasePredictor(Given()), K=5, random_state=1)
            model.fit(X=x[:, None], y=y)
            _, low, high = model.predict(xt[:, None], alpha=ALPHA)
    return {"cpu": measured.cpu, "peak_mb": measured.peak, "coverage": float(((low <= yt) & (yt <= high)).mean()), "width": float((high - low).mean())}
