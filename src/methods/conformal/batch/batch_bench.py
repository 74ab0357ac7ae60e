# SPDX-License-Identifier: Apache-2.0
"""conformal.batch: the bound on a mean against the plain triple loop over picks, budgets and ranks (no library has a batch method)."""
PEERS = "conformal"


def cases(bench):
    n, m = 200, 20
    rows = bench.rows(1e6)
    found = bench.interleave({"ours": bench.ours(n, m, rows, max(rows // 100, 10)), "loop": bench.peer("loop", n, m), "numpy": bench.peer("numpy", n, m)})
    for name in ("loop", "numpy"):
        if abs(found[name]["bound"] - found["ours"]["bound"]) > 1e-9:
            raise SystemExit(f"the bounds differ: {found[name]['bound']} against {found['ours']['bound']}")
        yield bench.row(f"conformal.batch mean, n {n}, m {m}", "law and dynamic programme", found["ours"]["mean"], found[name]["cpu"], "triple loop" if name == "loop" else "NumPy rows")
    yield bench.row(f"conformal.batch coverage, n {rows:.0e}", "sort and rank", found["ours"]["order"], None, "")


def peer(kind, rows, picks):
    import numpy as np
    from measure import Measured, uniform

    n, m, alpha = int(rows), int(picks), 0.1
    values = list(np.sort(uniform(7, n))) + [1.0]
    with Measured() as measured:
        # The law of the rank sum by exact whole numbers, then the knapsack.
        counts = [1] + [0] * (n * m)
        for i in range(1, m + 1):
            for u in range(n * m, n + i - 1, -1):
                counts[u] -= counts[u - n - i]
            for u in range(i, n * m + 1):
                counts[u] += counts[u - i]
        total, reached, q = sum(counts), 0, 0
        while reached < (1 - alpha) * total:
            reached += counts[q]
            q += 1
        budget = q - 1 + m
        bound = (loop if kind == "loop" else by_rows)(values, m, budget)
    return {"cpu": measured.cpu, "bound": bound / m}


def loop(values, m, budget):
    best = [0.0] * (budget + 1)
    for _ in range(m):
        following = [float("-inf")] * (budget + 1)
        for b in range(budget + 1):
            for r in range(1, min(len(values), b) + 1):
                one = best[b - r] + values[r - 1]
                if one > following[b]:
                    following[b] = one
        best = following
    return max(best)


def by_rows(values, m, budget):
    import numpy as np

    best = np.zeros(budget + 1)
    for _ in range(m):
        following = np.full(budget + 1, -np.inf)
        for r, value in enumerate(values[:budget], 1):
            np.maximum(following[r:], best[:-r] + value, out=following[r:])
        best = following
    return float(best.max())
