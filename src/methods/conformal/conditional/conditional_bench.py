# SPDX-License-Identifier: Apache-2.0
"""conformal.conditional, the threshold of a row, against the same linear program solved anew for each row by SciPy's HiGHS."""
PEERS = "conformal"


def cases(bench):
    for n, fresh in ((500, 40), (2000, 20)):
        found = bench.interleave({"ours": bench.ours(n, 7, fresh), "highs": bench.peer("highs", n, 7, fresh)})
        mine, theirs = found["ours"], found["highs"]
        if abs(mine["mean"] - theirs["mean"]) > 1e-5:
            raise SystemExit(f"the two sides differ: {mine['mean']} and {theirs['mean']}")
        yield bench.row(f"conformal.conditional {n} x 8", "threshold of a row", mine["row"], theirs["cpu"], "SciPy HiGHS")


def peer(kind, rows, features, fresh):
    import numpy as np
    from measure import Measured, normal
    from scipy.optimize import linprog

    n, width, fresh, alpha = int(float(rows)), int(features) + 1, int(fresh), 0.1

    def draw(stream, count):
        basis = normal(stream, count * width).reshape(count, width)
        basis[:, 0] = 1
        return basis

    basis, new = draw(71, n), draw(72, fresh)
    scores = np.abs(normal(73, n)) * np.exp(0.5 * basis[:, 1])
    total = 0.0
    with Measured() as m:
        for phi in new:
            found = linprog(-scores, A_eq=basis.T, b_eq=-(1 - alpha) * (1 - 1e-9) * phi, bounds=(-alpha, 1 - alpha), method="highs")
            total += float(-found.eqlin.marginals @ phi)
    return {"cpu": m.cpu / fresh, "mean": total / fresh}
