# SPDX-License-Identifier: Apache-2.0
"""conformal.pac against NumPy and SciPy's binomial law (no library has PAC sets on tables)."""
PEERS = "conformal"


def cases(bench):
    n = bench.rows(1e6)
    found = bench.interleave({"ours": bench.ours(n), "numpy": bench.peer("numpy", n)})
    if abs(found["ours"]["threshold"] - found["numpy"]["threshold"]) > 1e-9:
        raise SystemExit(f"the thresholds differ: {found['ours']['threshold']} against {found['numpy']['threshold']}")
    yield bench.row(f"conformal.pac n=m={n:.0e}", "fit + apply", found["ours"]["cpu"], found["numpy"]["cpu"], "NumPy, SciPy", found["ours"]["peak_mb"], found["numpy"]["peak_mb"], found["ours"]["floor"])


def peer(kind, rows):
    import numpy as np
    from measure import Measured, normal
    from scipy.stats import binom

    n = int(rows)
    x, xt = normal(11, n), normal(13, n)
    y = x + (0.5 + 0.5 * np.abs(x)) * normal(12, n)
    with Measured() as measured:
        errors = int(binom.ppf(0.05, n, 0.1))
        errors -= int(binom.cdf(errors, n, 0.1) > 0.05)
        scores = np.abs(y - x)
        threshold = np.partition(scores, n - errors - 1)[n - errors - 1]
        ends = xt - threshold, xt + threshold
    return {"cpu": measured.cpu, "peak_mb": measured.peak, "threshold": float(threshold), "upper": float(ends[1][0])}
