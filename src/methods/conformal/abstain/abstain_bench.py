# SPDX-License-Identifier: Apache-2.0
"""conformal.abstain: the sweep over 16 x 9 pairs of thresholds against NumPy arrays, and against the published loop over rows (which
is timed on 2,000 rows and one pair, and counted up); a decision by step against one pass of that loop."""
PEERS = "conformal"


def cases(bench):
    rows = max(bench.rows(1e6), 5000)
    found = bench.interleave({"ours": bench.ours(rows), "arrays": bench.peer("arrays", rows), "loop": bench.peer("loop", 2000)})
    if abs(found["ours"]["cost"] - found["arrays"]["cost"]) > 1e-9:
        raise SystemExit(f"the costs differ: {found['ours']['cost']} against {found['arrays']['cost']}")
    yield bench.row(f"conformal.abstain sweep, {rows:.0e} rows", "144 pairs of thresholds", found["ours"]["sweep"], found["arrays"]["cpu"], "NumPy arrays")
    yield bench.row(f"conformal.abstain sweep, {rows:.0e} rows", "144 pairs, counted up from one", found["ours"]["sweep"], found["loop"]["row"] * rows * 144, "loop over rows")
    yield bench.row("conformal.abstain step", "a decision, its set and its level", found["ours"]["decision"], found["loop"]["row"], "loop over rows")


def questions(stream, rows):
    import numpy as np
    from measure import normal, uniform

    truth = (4 * uniform(stream, rows)).astype(int)
    z = np.stack([normal(stream + 1 + k, rows) + np.where(truth == k, 2.4, -1.5 if k >= 4 else 0.0) for k in range(6)], axis=1) * 1.3
    p = np.exp(z - z.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True), truth


def quantile(scores, level):
    import numpy as np

    return np.sort(scores)[int(np.ceil((len(scores) + 1) * (1 - level) * (1 - 4e-15))) - 1]


def peer(kind, rows):
    import math

    import numpy as np
    from measure import Measured

    count = int(rows)
    calibration, answers = questions(100, 2000)
    scores = 1 - calibration[np.arange(len(answers)), answers]
    p, truth = questions(200, count)
    singles = [quantile(scores, 0.75 + 0.15 * a / 15) for a in range(16)]
    sets = [quantile(scores, 0.01 + 0.04 * b / 8) for b in range(9)]
    if kind == "loop":
        with Measured() as measured:
            for row, y in zip(p, truth):
                u = 1 - row.max()
                one = 1 / (1 + math.exp(5 * (u - singles[-1])))
                none = 1 / (1 + math.exp(-5 * (u - sets[-1])))
                share = np.maximum([one, max(0.0, 1 - one - none), none], 1e-6)
                share = share / share.sum()
                inside = [k for k in range(6) if row[k] >= 1 - sets[-1]] or [int(row.argmax())]
                _ = share[1] * (y in inside)
        return {"row": measured.cpu / count}
    best = math.inf
    with Measured() as measured:
        u = 1 - p.max(axis=1)
        right = p.argmax(axis=1) == truth
        own = p[np.arange(count), truth]
        one = [1 / (1 + np.exp(5 * (u - s))) for s in singles]
        for s in sets:
            none = 1 / (1 + np.exp(-5 * (u - s)))
            inside = 1 - own <= s
            size = (1 - p <= s).sum(axis=1)
            inside = np.where(size == 0, right, inside)
            size = np.maximum(size, 1)
            for single in one:
                middle = np.maximum(1e-6, 1 - single - none)
                total = single + middle + none
                a, b, c = (single / total), (middle / total), (none / total)
                shares = np.array([a.mean(), b.mean(), c.mean()])
                accuracy = ((a * right).sum() + (b * inside).sum()) / (a.sum() + b.sum())
                cost = (1 - accuracy) + 0.3 * (b * size).sum() / b.sum() + 0.3 * shares[2] - 0.4 * (1 - shares[2]) + 0.2 * (shares * np.log(shares + 1e-8)).sum() + 0.5 * max(0.0, shares[0] - 0.8)
                best = min(best, cost)
    return {"cpu": measured.cpu, "cost": float(best)}
