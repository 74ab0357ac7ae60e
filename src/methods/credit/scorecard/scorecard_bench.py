# SPDX-License-Identifier: Apache-2.0
"""credit.scorecard: binning, whole scorecards and weights of evidence, against optbinning and scorecardpy."""
PEERS = "credit"


def cases(bench):
    n = bench.rows(1e6)
    for features in (1, 10):
        sides = {"ours": bench.ours(n, features), "optbinning": bench.peer("optbinning", n, features)}
        if features == 1:
            sides["scorecardpy"] = bench.peer("scorecardpy", n, features, peers="credit_scorecardpy")
        found = bench.interleave(sides)
        ours = found["ours"]
        for figure, what in (("bin", "bins of all features"), ("fit", "bins and logistic regression"), ("woe", "weights of evidence")):
            for name in sides:
                if name == "ours" or figure not in found[name]:
                    continue
                yield bench.row(f"credit.scorecard {n:.0e} x {features}", what, ours[figure], found[name][figure], name, ours["peak_mb"], found[name]["peak_mb"], ours["floor"])


def peer(kind, rows, features):
    import warnings

    import numpy as np
    from measure import normal, uniform

    warnings.filterwarnings("ignore")
    n, p = int(rows), int(features)
    x = normal(41, n * p).reshape(n, p)
    y = (uniform(43, n) < 1 / (1 + np.exp(2 - x @ (0.8 / (1 + np.arange(p)))))).astype(np.int64)
    return {"optbinning": with_optbinning, "scorecardpy": with_scorecardpy}[kind](x, y)


def with_optbinning(x, y):
    import pandas as pd
    from measure import Measured
    from optbinning import BinningProcess, Scorecard
    from sklearn.linear_model import LogisticRegression

    names = [f"x{j}" for j in range(x.shape[1])]
    with Measured() as bin_all:
        process = BinningProcess(names).fit(x, y)
    with Measured() as woe:
        process.transform(x, metric="woe")
    frame = pd.DataFrame(x, columns=names)
    with Measured() as whole:
        card = Scorecard(binning_process=BinningProcess(names), estimator=LogisticRegression()).fit(frame, y)
    assert card.table() is not None
    return {"bin": bin_all.cpu, "woe": woe.cpu, "fit": whole.cpu, "peak_mb": max(bin_all.peak, whole.peak)}


def with_scorecardpy(x, y):
    import pandas as pd
    import scorecardpy as sc
    from measure import Measured

    frame = pd.DataFrame(x, columns=[f"x{j}" for j in range(x.shape[1])])
    frame["y"] = y
    with Measured() as bin_all:
        bins = sc.woebin(frame, "y", no_cores=1, print_step=0)
    with Measured() as woe:
        sc.woebin_ply(frame, bins, no_cores=1, print_step=0)
    return {"bin": bin_all.cpu, "woe": woe.cpu, "peak_mb": max(bin_all.peak, woe.peak)}
