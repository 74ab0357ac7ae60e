# SPDX-License-Identifier: Apache-2.0
"""govern.threats: the exact engine and the simulation on the ten risks of the sample register, against a compound Monte Carlo in NumPy.

NumPy's time for the exact engine's error is extrapolated: its time at 10^6 years times the squared ratio of errors at P99.9 (the error of
a simulated percentile falls with the root of the years). pyfair multiplies one magnitude by a count and has no compound sum; riskquant
cannot be installed: neither has a row."""
PEERS = "conformal"


def cases(bench):
    n = bench.rows(1e6)
    found = bench.interleave({"ours": bench.ours(n), "numpy": bench.peer("numpy", n)})
    mine, theirs = found["ours"], found["numpy"]
    if abs(mine["mc_var"] - theirs["var"]) > 6 * 1.5 * theirs["error"] or abs(mine["var"] - theirs["var"]) > 6 * theirs["error"]:
        raise SystemExit(f"the sides differ: {mine['var']}, {mine['mc_var']} and {theirs['var']}")
    yield bench.row(f"govern.threats {n:.0e} years", "simulation, 10 risks", mine["mc"], theirs["cpu"], "NumPy", None, theirs["peak_mb"])
    scaled = theirs["cpu"] * (theirs["error"] / mine["error"]) ** 2
    yield bench.row("govern.threats 2^17 cells", "P99.9 at equal error (extrapolated)", mine["exact"], scaled, "NumPy; pyfair has no compound sum, riskquant not installable")
    bound = (mine["high"] - mine["low"]) / 2
    yield bench.row("govern.threats 2^17 cells", "P99.9, error by exact bounds (extrap.)", mine["exact"], theirs["cpu"] * (theirs["error"] / bound) ** 2, "NumPy")


def peer(kind, years):
    import numpy as np
    from measure import Measured

    n = int(float(years))

    def pert(low, mode, high):
        return lambda g, k: low + (high - low) * g.beta(1 + 4 * (mode - low) / (high - low), 1 + 4 * (high - mode) / (high - low), k)

    def lognormal(mean, sd):
        return lambda g, k: np.exp(mean + sd * g.standard_normal(k))

    def normal(mean, sd):
        def draw(g, k):
            x = mean + sd * g.standard_normal(k)
            while (low := x < 0).any():
                x[low] = mean + sd * g.standard_normal(int(low.sum()))
            return x

        return draw

    risks = [
        (lambda g: g.poisson(2, n), lognormal(12, 0.9)), (lambda g: g.poisson(0.3, n), lognormal(14.5, 1.1)), (lambda g: g.negative_binomial(2, 0.3, n), pert(5e4, 1.5e6, 4e6)),
        (lambda g: g.poisson(1.2, n), normal(2e4, 1.2e4)), (lambda g: g.poisson(0.6, n), lognormal(13.4, 1)), (lambda g: g.poisson(0.2, n), pert(2e5, 1e6, 5e6)),
        (lambda g: g.negative_binomial(3, 0.6, n), normal(1.5e5, 8e4)), (lambda g: g.poisson(0.9, n), lognormal(12.8, 0.8)), (lambda g: g.poisson(0.15, n), pert(1e5, 8e5, 3e6)),
        (lambda g: g.poisson(0.7, n), normal(3.5e4, 2e4)),
    ]  # fmt: skip
    with Measured() as m:
        g = np.random.default_rng(1)
        total = np.zeros(n)
        for count, severity in risks:
            events = count(g)
            year = np.repeat(np.arange(n), events)
            total += np.bincount(year, weights=severity(g, len(year)), minlength=n)
        var = float(np.quantile(total, 0.999))
    # One standard error of the percentile from its rank band.
    total.sort()
    half = 1.96 * np.sqrt(n * 0.999 * 0.001)
    ranks = [min(n - 1, int(0.999 * n + side * half)) for side in (-1, 1)]
    return {"cpu": m.cpu, "peak_mb": m.peak, "var": var, "error": float(total[ranks[1]] - total[ranks[0]]) / 3.92}
