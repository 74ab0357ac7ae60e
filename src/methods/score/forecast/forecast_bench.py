# SPDX-License-Identifier: Apache-2.0
"""CRPS of ensembles against properscoring (the fastest peer) and scoringrules; the floor is a plain sum of the members."""
PEERS = "forecast"


def cases(bench):
    n = bench.rows(1e6)
    found = bench.interleave({"ours": bench.ours(n, 50, 1), "properscoring": bench.peer("properscoring", n, 50), "scoringrules": bench.peer("scoringrules", n, 50)})
    mine = found["ours"]
    for name in ("properscoring", "scoringrules"):
        theirs = found[name]
        if abs(mine["mean"] - theirs["mean"]) > 1e-12:
            raise SystemExit(f"the two sides differ, {mine['mean']} and {theirs['mean']}")
        yield bench.row(f"score.forecast {n:.0e} x 50", "standard CRPS of each row", mine["kernel"], theirs["cpu"], name, mine["peak_mb"], theirs["peak_mb"], mine["floor"])
    yield bench.row(f"score.forecast {n:.0e} x 50", "whole report with intervals", mine["assess"], None, "", None, None, mine["floor"])


def peer(kind, rows, members):
    from measure import Measured, normal

    n, m = int(float(rows)), int(members)
    x = normal(41, n * m).reshape(n, m) + 0.3 * normal(42, n)[:, None]
    y = normal(43, n)
    if kind == "properscoring":
        from properscoring import crps_ensemble as crps
    else:
        from scoringrules import crps_ensemble

        def crps(y, x):
            return crps_ensemble(y, x, estimator="qd", backend="numba")

    crps(y[:10], x[:10])  # compiled before it is timed
    with Measured() as used:
        mean = float(crps(y, x).mean())
    return {"cpu": used.cpu, "peak_mb": used.peak, "mean": mean}
