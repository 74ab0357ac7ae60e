# SPDX-License-Identifier: Apache-2.0
"""conformal.martingale: seconds a step of the simple jumper, against MAPIE's online martingale test on the same scores."""
PEERS = "conformal"


def cases(bench):
    steps = bench.rows(5000)
    found = bench.interleave({"ours": bench.ours(steps, "jumper"), "both": bench.ours(steps, "both"), "mapie": bench.peer("mapie", steps)})
    yield bench.row(f"conformal.martingale jumper, {steps} steps", "a step, microseconds", 1e6 * found["ours"]["cpu"], 1e6 * found["mapie"]["cpu"], "mapie")
    yield bench.row(f"conformal.martingale both, {steps} steps", "a step, microseconds", 1e6 * found["both"]["cpu"], None, "")


def peer(kind, rows):
    import warnings

    import numpy as np
    from mapie.exchangeability_testing import OnlineMartingaleTest
    from mapie.regression import SplitConformalRegressor
    from measure import Measured, normal
    from sklearn.dummy import DummyRegressor

    warnings.filterwarnings("ignore")
    steps = int(rows)
    scores = np.abs(normal(31, steps))
    zero = np.zeros((steps, 1))
    model = SplitConformalRegressor(DummyRegressor(strategy="constant", constant=0.0).fit(zero[:2], scores[:2]), prefit=True)
    test = OnlineMartingaleTest(model, task="regression", test_method="jumper_martingale", random_state=1)
    with Measured() as measured:
        test.update(zero, scores)
    return {"cpu": measured.cpu / steps}
