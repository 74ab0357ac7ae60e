# SPDX-License-Identifier: Apache-2.0
"""probability.multiplicity: the exact range of every distinct row, against a plain mixed-integer program per person.

The peer is what a user with scipy writes: each pattern's loss stands above tangents at a grid of logits, the penalty above
tangents of each square, and for each person and direction one program (HiGHS) maximises the logit while the sum stays below
the target. It is run on two persons; its seconds a person are compared. Its answers are outer approximations of ours: that the
four ends differ by less than 0.05 in sum is checked."""
PEERS = "conformal"
PEOPLE = 2
TANGENTS = 33


def cases(bench):
    n = bench.rows(6000)
    found = bench.interleave({"ours": bench.ours(n, 8), "milp": bench.peer("milp", n, 8)})
    ours, milp = found["ours"], found["milp"]
    if abs(ours["loss"] - milp["loss"]) > 1e-6:
        raise SystemExit(f"the sides fit different models: {ours['loss']} and {milp['loss']}")
    if abs(ours["shown"] - milp["ends"]) > 0.05:
        raise SystemExit(f"the sides' ends differ: {ours['shown']} and {milp['ends']}")
    yield bench.row(f"probability.multiplicity {n} x 8", "exact range, a person", ours["per_person"], milp["per_person"], "milp (scipy, HiGHS)", ours["peak_mb"], milp["peak_mb"])


def peer(kind, rows, columns):
    import numpy as np
    from measure import Measured, uniform
    from scipy.optimize import LinearConstraint, Bounds, milp, minimize
    from scipy.sparse import bmat, csr_matrix, eye

    n, d = int(rows), int(columns)
    x = (uniform(1, n * d).reshape(n, d) < 0.3).astype(float)
    z = -1 + x @ np.where(np.arange(d) % 2 == 0, 1.0, -0.5)
    y = (uniform(2, n) < 1 / (1 + np.exp(-z))).astype(float)
    cells, where, count = np.unique(x, axis=0, return_inverse=True, return_counts=True)
    positive = np.bincount(where.ravel(), y)
    a = np.hstack([cells, np.ones((len(cells), 1))])
    l2 = 1e-4

    def loss(w):
        s = a @ w
        p = 1 / (1 + np.exp(-s))
        g = a.T @ (count * p - positive) / n
        g[:-1] += l2 * w[:-1]
        return (count @ np.logaddexp(0, s) - positive @ s) / n + l2 / 2 * w[:-1] @ w[:-1], g

    best = minimize(loss, np.zeros(d + 1), jac=True, method="BFGS", options={"gtol": 1e-10})
    target = best.fun * 1.01
    # variables: w, then the loss of each pattern (log(1 + e^s)), then the square of each coefficient
    m = len(cells)
    s0 = np.linspace(-6, 6, TANGENTS)
    slope, height = 1 / (1 + np.exp(-s0)), np.logaddexp(0, s0)
    blocks, low = [], []
    for t in range(TANGENTS):  # l_i >= height + slope (s_i - s0)
        blocks.append([csr_matrix(-slope[t] * a), eye(m, format="csr"), csr_matrix((m, d))])
        low.append(np.full(m, height[t] - slope[t] * s0[t]))
    for v in np.linspace(-3, 3, TANGENTS):  # q_j >= 2 v w_j - v^2
        blocks.append([csr_matrix(np.hstack([-2 * v * np.eye(d), np.zeros((d, 1))])), csr_matrix((d, m)), eye(d, format="csr")])
        low.append(np.full(d, -v * v))
    above = bmat(blocks, format="csr")
    total = np.concatenate([-(positive @ a) / n, count / n, np.full(d, l2 / 2)])
    rules = [LinearConstraint(above, np.concatenate(low), np.inf), LinearConstraint(total[None, :], -np.inf, target)]
    free = Bounds(np.full(d + 1 + m + d, -np.inf), np.inf)
    ends = []
    with Measured() as measured:
        for i in range(PEOPLE):
            person = np.concatenate([a[i * (m // PEOPLE)], np.zeros(m + d)])
            for sign in (1, -1):
                found = milp(-sign * person, constraints=rules, bounds=free)
                if found.status != 0:
                    raise SystemExit(f"the program ended with status {found.status}: {found.message}")
                ends.append(1 / (1 + np.exp(-(person @ found.x))))
    return {"per_person": measured.cpu / PEOPLE, "peak_mb": measured.peak, "loss": best.fun, "ends": float(np.sum(ends))}
