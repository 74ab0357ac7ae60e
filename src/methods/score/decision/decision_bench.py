# SPDX-License-Identifier: Apache-2.0
"""score.decision against plain NumPy, which counts once a threshold and gives no interval; the floor is a read of forecasts and
outcomes. dcurves, the package people use, comes without a wheel of its dependencies: it is not among the peers."""
PEERS = "scoring"


def cases(bench):
    n = bench.rows(1e6)
    found = bench.interleave({"ours": bench.ours(n), "numpy": bench.peer("numpy", n)})
    mine, theirs = found["ours"], found["numpy"]
    if abs(mine["benefit"] - theirs["benefit"]) > 1e-9:
        raise SystemExit(f"the two sides differ, {mine['benefit']} and {theirs['benefit']}")
    yield bench.row(f"score.decision {n:.0e}", "decision curve, 99 thresholds", mine["curve"], theirs["cpu"], "numpy", mine["peak_mb"], theirs["peak_mb"], mine["floor"])
    yield bench.row(f"score.decision {n:.0e}", "whole report with intervals", mine["report"], None, "", None, None, mine["floor"])


def peer(kind, rows):
    import numpy as np
    from measure import Measured, scored_events

    p, y = scored_events(21, int(rows))
    with Measured() as m:
        event = y == 1
        benefit = []
        for t in np.arange(1, 100) / 100:
            act = p >= t
            hits = (act & event).sum()
            benefit.append((hits - (act.sum() - hits) * t / (1 - t)) / len(p))
    return {"cpu": m.cpu, "peak_mb": m.peak, "benefit": float(benefit[10])}
