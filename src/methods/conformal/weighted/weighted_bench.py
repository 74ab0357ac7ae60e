# SPDX-License-Identifier: Apache-2.0
"""conformal.weighted, absolute residuals: fixed weights against puncc, the weight and threshold of each new row against NumPy
(no library of the six has that form on tables of numbers)."""
PEERS = "conformal"


def cases(bench):
    n = bench.rows(1e6)
    for kind, name in (("fixed", "puncc"), ("given", "NumPy")):
        found = bench.interleave({"ours": bench.ours(n, kind), "peer": bench.peer(kind, n)})
        mine, theirs = found["ours"], found["peer"]
        if abs(mine["coverage"] - theirs["coverage"]) > 1e-4:
            raise SystemExit(f"{kind}: the two sides differ, {mine['coverage']} and {theirs['coverage']}")
        yield bench.row(f"conformal.weighted {n:.0e}", f"{kind} weights, calibrate + apply", mine["fit"] + mine["apply"], theirs["cpu"], name, mine["peak_mb"], theirs["peak_mb"], mine["floor"])


def peer(kind, rows):
    import numpy as np
    from measure import Measured, normal

    n = int(float(rows))

    def draw(stream, centre):
        f = centre + normal(stream, n)
        return f + np.exp(0.5 * f) * normal(stream + 1, n), f

    y, f = draw(51, 0)
    y_new, f_new = draw(61, 0.5)
    if kind == "fixed":
        from deel.puncc.api.prediction import BasePredictor
        from deel.puncc.regression import SplitCP

        class Given(BasePredictor):
            def fit(self, X, y, **kwargs):
                pass

            def predict(self, X, **kwargs):
                return X[:, 0]

        with Measured() as m:
            model = SplitCP(Given(None, is_trained=True), train=False, weight_func=lambda x: 1 / (1 + np.exp(-x[:, 0])))
            model.fit(X_calib=f[:, None], y_calib=y)
            _, low, high = model.predict(f_new[:, None], alpha=0.1)
    else:
        with Measured() as m:
            w, w_new = 1 / (1 + np.exp(-f)), 1 / (1 + np.exp(-f_new))
            scores = np.abs(y - f)
            order = np.argsort(scores)
            reached = np.cumsum(w[order])
            at = np.searchsorted(reached, 0.9 * (reached[-1] + w_new))
            q = np.append(scores[order], np.inf)[at]
            low, high = f_new - q, f_new + q
    return {"cpu": m.cpu, "peak_mb": m.peak, "coverage": float(((low <= y_new) & (y_new <= high)).mean())}
