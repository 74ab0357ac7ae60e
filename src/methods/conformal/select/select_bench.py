# SPDX-License-Identifier: Apache-2.0
"""conformal.select: a selection among K models against NumPy, as the published code goes about it (all auxiliary p-values of each
candidate and model anew) and by the same fast form on arrays."""
PEERS = "conformal"


def cases(bench):
    n, m, models = 1000, 100, 24
    found = bench.interleave({"ours": bench.ours(n, m, models), "loop": bench.peer("loop", n, m, models)})
    same(found["ours"], found["loop"])
    yield bench.row(f"conformal.select n {n}, m {m}, K {models}", "sizes, e-values, selection", found["ours"]["cpu"], found["loop"]["cpu"], "NumPy, published way")
    rows = max(bench.rows(1e5), 1000)
    found = bench.interleave({"ours": bench.ours(rows, rows, models), "arrays": bench.peer("arrays", rows, rows, models)})
    same(found["ours"], found["arrays"])
    yield bench.row(f"conformal.select n = m = {rows:.0e}, K {models}", "sizes, e-values, selection", found["ours"]["cpu"], found["arrays"]["cpu"], "NumPy, fast form")


def same(ours, theirs):
    if abs(ours["sizes"] - theirs["sizes"]) > 0 or ours["selected"] != theirs["selected"]:
        raise SystemExit(f"the selections differ: {ours} against {theirs}")


def peer(kind, labelled, pool, models):
    import numpy as np
    from measure import Measured, normal

    n, m, count, q, c = int(labelled), int(pool), int(models), 0.2, 0.5

    def half(stream, rows):
        y = normal(stream, rows)
        return y, [1.5 * k / count * y + normal(stream + 10 + k, rows) for k in range(count)]

    y, mu = half(1, n)
    _, candidates = half(1001, m)
    with Measured() as measured:
        scores = [(np.where(y > c, np.inf, -a), -b) for a, b in zip(mu, candidates)]
        sizes = np.stack([(by_loop if kind == "loop" else by_arrays)(v, t, q) for v, t in scores])
        best = sizes.argmax(axis=0)
        size = sizes.max(axis=0)
        p = np.empty(m)
        for k, (v, t) in enumerate(scores):
            mine = best == k
            p[mine] = (1 + np.searchsorted(np.sort(v), t[mine], side="right")) / (n + 1)
        gated = np.sort(size[p <= q * size / m * (1 + 1e-12)])
        ranks = np.arange(1, len(gated) + 1)
        passed = ranks[gated <= ranks]
        selected = int((gated <= passed[-1]).sum()) if len(passed) else 0
    return {"cpu": measured.cpu, "selected": selected, "sizes": float(size.sum())}


def by_loop(v, t, q):
    import numpy as np

    n, m = len(v), len(t)
    sizes = np.empty(m, dtype=int)
    lines = q * np.arange(1, m + 1) / m * (1 + 1e-12)
    for j in range(m):
        p = np.array([((v <= t[l]).sum() + (t[j] <= t[l])) / (n + 1) for l in range(m)])
        p[j] = 0
        passed = np.nonzero(np.sort(p) <= lines)[0]
        sizes[j] = passed[-1] + 1
    return sizes


def by_arrays(v, t, q):
    import numpy as np

    n, m = len(v), len(t)
    order = np.argsort(t, kind="stable")
    sorted_t = t[order]
    counts = np.searchsorted(np.sort(v), sorted_t, side="right")
    ranks = np.arange(1, m + 1)
    line = q * (n + 1) / m * (1 + 1e-12)
    after = np.nonzero(counts + 1 <= line * ranks)[0]
    last = after[-1] + 1 if len(after) else 0
    moved = np.where(counts[:-1] <= line * ranks[1:], ranks[1:], 1)
    front = np.concatenate([[1], np.maximum.accumulate(moved)]) if m > 1 else np.ones(1, dtype=int)
    first = np.searchsorted(sorted_t, sorted_t, side="left")
    sizes = np.empty(m, dtype=int)
    sizes[order] = np.where(last > first + 1, last, front[first])
    return sizes
