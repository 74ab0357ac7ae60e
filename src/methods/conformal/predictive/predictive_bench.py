# SPDX-License-Identifier: Apache-2.0
"""conformal.predictive against crepes: intervals and percentiles, p-values, CRPS."""
PEERS = "conformal"


def cases(bench):
    n = bench.rows(1e4)
    found = bench.interleave({"ours": bench.ours(n), "crepes": bench.peer("crepes", n)})
    ours, crepes = found["ours"], found["crepes"]
    if abs(ours["mean_crps"] - crepes["mean_crps"]) > 1e-3 * ours["mean_crps"]:
        raise SystemExit(f"the CRPS differ: {ours['mean_crps']} against {crepes['mean_crps']}")
    for figure in ("intervals", "p_values", "crps"):
        yield bench.row(f"conformal.predictive n=m={n}", f"fit + {figure}", ours[figure], crepes[figure], "crepes", ours["peak_mb"], crepes["peak_mb"], ours["floor"])


def peer(kind, rows):
    import warnings

    import numpy as np
    from crepes import ConformalPredictiveSystem
    from measure import Measured, normal

    warnings.filterwarnings("ignore")
    n = int(rows)
    x, xt = normal(11, n), normal(13, n)
    s, st = 0.5 + 0.5 * np.abs(x), 0.5 + 0.5 * np.abs(xt)
    y, yt = x + s * normal(12, n), xt + st * normal(14, n)

    def fitted():
        system = ConformalPredictiveSystem()
        system.fit(y - x, sigmas=s)
        return system

    with Measured() as intervals:
        system = fitted()
        system.predict_int(xt, sigmas=st, confidence=0.9)
        system.predict_percentiles(xt, sigmas=st, lower_percentiles=[25, 75], higher_percentiles=[25, 75])
    with Measured() as p_values:
        fitted().predict_p(xt, yt, sigmas=st)
    with Measured() as crps:
        mean = fitted().evaluate(xt, yt, sigmas=st, metrics=["CRPS"])["CRPS"]
    return {"intervals": intervals.cpu, "p_values": p_values.cpu, "crps": crps.cpu, "mean_crps": float(mean), "peak_mb": max(intervals.peak, p_values.peak, crps.peak)}
