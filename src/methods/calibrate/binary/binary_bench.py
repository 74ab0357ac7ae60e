# SPDX-License-Identifier: Apache-2.0
"""calibrate.binary, fit and apply to as many new rows, against scikit-learn; the floor is std::sort of the scores."""
PEERS = "calibration"


def cases(bench):
    n = bench.rows(1e6)
    for method in ("isotonic", "platt"):
        found = bench.interleave({"ours": bench.ours(method, n, 3), "sklearn": bench.peer(method, n)})
        mine, theirs = found["ours"], found["sklearn"]
        if abs(mine["mean"] - theirs["mean"]) > 1e-4:  # scikit-learn stops at a tolerance of 1e-4
            raise SystemExit(f"{method}: the two sides differ, {mine['mean']} and {theirs['mean']}")
        yield bench.row(f"calibrate.binary {n:.0e}", f"{method}, fit + apply", mine["fit"] + mine["apply"], theirs["cpu"], "scikit-learn", mine["peak_mb"], theirs["peak_mb"], mine["floor"], "sort")


def peer(method, rows):
    import numpy as np
    from measure import Measured, scored_events

    n = int(float(rows))

    p, y = scored_events(21, n)
    t, _ = scored_events(23, n)
    if method == "isotonic":
        from sklearn.isotonic import IsotonicRegression

        with Measured() as m:
            out = IsotonicRegression(out_of_bounds="clip").fit(p, y).predict(t)
    else:
        from sklearn.linear_model import LogisticRegression

        with Measured() as m:
            model = LogisticRegression(C=np.inf).fit(np.log(p / (1 - p))[:, None], y)
            out = model.predict_proba(np.log(t / (1 - t))[:, None])[:, 1]
    return {"cpu": m.cpu, "peak_mb": m.peak, "mean": float(out.mean())}
