# SPDX-License-Identifier: Apache-2.0
"""conformal.group, absolute residuals of ten groups, calibrate and apply to as many new rows, against crepes."""
PEERS = "conformal"


def cases(bench):
    n = bench.rows(1e6)
    found = bench.interleave({"ours": bench.ours(n, 10), "crepes": bench.peer("crepes", n, 10)})
    mine, theirs = found["ours"], found["crepes"]
    if abs(mine["coverage"] - theirs["coverage"]) > 1e-4:
        raise SystemExit(f"the two sides differ: {mine['coverage']} and {theirs['coverage']}")
    yield bench.row(f"conformal.group {n:.0e}, 10 groups", "calibrate + apply", mine["fit"] + mine["apply"], theirs["cpu"], "crepes", mine["peak_mb"], theirs["peak_mb"], mine["floor"])


def peer(kind, rows, groups):
    import numpy as np
    from crepes import ConformalRegressor
    from measure import Measured, normal, uniform

    n, groups = int(float(rows)), int(groups)

    def draw(stream):
        f = normal(stream, n)
        g = (uniform(stream + 1, n) * groups).astype(np.int64)
        return f + (0.5 + g) * normal(stream + 2, n), f, g

    y, f, g = draw(31)
    y_new, f_new, g_new = draw(41)
    with Measured() as m:
        model = ConformalRegressor().fit(y - f, bins=g)
        out = model.predict_int(f_new, bins=g_new, confidence=0.9)
    return {"cpu": m.cpu, "peak_mb": m.peak, "coverage": float(((out[:, 0] <= y_new) & (y_new <= out[:, 1])).mean())}
