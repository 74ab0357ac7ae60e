# SPDX-License-Identifier: Apache-2.0
"""conformal.online: seconds an update with a window of 1000 scores, against crepes' online intervals, MAPIE's adaptive one and a NumPy loop."""
PEERS = "conformal"
ALPHA, GAMMA, WINDOW = 0.1, 0.01, 1000


def cases(bench):
    steps, few = bench.rows(1e6), bench.rows(2000)
    rules = ("aci", "dtaci", "agaci", "pid")
    sides = {rule: bench.ours(steps, rule, WINDOW) for rule in rules}
    found = bench.interleave({**sides, **{name: bench.peer(name, few) for name in ("numpy", "mapie", "crepes")}})
    for name in ("numpy", "mapie", "crepes"):
        yield bench.row("conformal.online aci", "an update, microseconds", 1e6 * found["aci"]["cpu"], 1e6 * found[name]["cpu"], name)
    for rule in rules[1:]:
        yield bench.row(f"conformal.online {rule}", "an update, microseconds", 1e6 * found[rule]["cpu"], None, "")


def peer(kind, rows):
    import warnings

    import numpy as np
    from measure import Measured, normal

    warnings.filterwarnings("ignore")
    steps = int(rows)
    past, y = np.abs(normal(21, WINDOW)), normal(22, steps)
    with Measured() as measured:
        covered = {"numpy": with_numpy, "mapie": with_mapie, "crepes": with_crepes}[kind](past, y)
    return {"cpu": measured.cpu / steps, "coverage": covered / steps}


def with_numpy(past, y):
    import numpy as np

    window, level, covered = past.copy(), ALPHA, 0
    for t, value in enumerate(y):
        threshold = np.inf if level <= 0 else -np.inf if level >= 1 else np.quantile(window, min(1, np.ceil((WINDOW + 1) * (1 - level)) / WINDOW), method="inverted_cdf")
        inside = abs(value) <= threshold
        covered += inside
        level += GAMMA * (ALPHA - (not inside))
        window[t % WINDOW] = abs(value)
    return covered


def with_mapie(past, y):
    import numpy as np
    from mapie.regression import TimeSeriesRegressor
    from measure import normal
    from sklearn.dummy import DummyRegressor

    model = TimeSeriesRegressor(DummyRegressor(strategy="constant", constant=0.0), method="aci", cv=2)
    zero, covered = np.zeros((WINDOW, 1)), 0
    model.fit(zero, normal(21, WINDOW))  # signed residuals
    for value in y:
        row, truth = np.zeros((1, 1)), np.array([value])
        _, ends = model.predict(row, confidence_level=1 - ALPHA, allow_infinite_bounds=True)
        covered += ends[0, 0, 0] <= value <= ends[0, 1, 0]
        model.adapt_conformal_inference(row, truth, gamma=GAMMA, confidence_level=1 - ALPHA)
    return covered


def with_crepes(past, y):
    """No adaptive level: the growing calibration alone."""
    import numpy as np
    from crepes import ConformalRegressor

    model = ConformalRegressor()
    model.fit(past)
    ends = model.predict_int_online(np.zeros(len(y)), y, confidence=1 - ALPHA)
    return float(((ends[:, 0] <= y) & (y <= ends[:, 1])).sum())
