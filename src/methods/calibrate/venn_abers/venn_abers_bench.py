# SPDX-License-Identifier: Apache-2.0
"""calibrate.venn_abers, fit and apply to as many new rows, against the venn-abers package; the floor is std::sort of the scores."""
PEERS = "calibration"


def cases(bench):
    for rows in (1e4, 1e6):
        n = bench.rows(rows)
        found = bench.interleave({"ours": bench.ours(n, 3), "venn-abers": bench.peer("va", n)})
        mine, theirs = found["ours"], found["venn-abers"]
        if abs(mine["mean"] - theirs["mean"]) > 1e-6:
            raise SystemExit(f"the two sides differ, {mine['mean']} and {theirs['mean']}")
        yield bench.row(f"calibrate.venn_abers {n:.0e}", "fit + apply, inductive", mine["fit"] + mine["apply"], theirs["cpu"], "venn-abers", mine["peak_mb"], theirs["peak_mb"], mine["floor"], "sort")


def peer(kind, rows):
    import numpy as np
    from measure import Measured, scored_events
    from venn_abers import VennAbersCalibrator

    n = int(float(rows))

    p, y = scored_events(21, n)
    t, _ = scored_events(23, n)
    past, fresh = np.c_[1 - p, p], np.c_[1 - t, t]
    with Measured() as m:
        out = VennAbersCalibrator().predict_proba(p_cal=past, y_cal=y, p_test=fresh)[:, 1]
    return {"cpu": m.cpu, "peak_mb": m.peak, "mean": float(out.mean())}
