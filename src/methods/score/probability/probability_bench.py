# SPDX-License-Identifier: Apache-2.0
"""Scores of an event: AUROC with its interval, ECE, Brier and log loss, average precision, CORP, smooth ECE.

netcal needs torch; confidenceinterval and uncertainty-calibration come without wheels: none is among the peers, scikit-learn and
plain NumPy stand in. The floor of what ranks is std::sort of the forecasts, of what does not a read of forecasts and outcomes;
NumPy's sort of the forecasts, with vectors of the processor at hand, has a row of its own."""
PEERS = "scoring"
CASES = (  # ours, what it is, (peers)
    ("auroc", "AUROC with DeLong's interval", ("sklearn_auc",)),
    ("ece", "ECE, 15 bins of equal width", ("sklearn_curve", "numpy_ece")),
    ("brier_log", "Brier score and log loss", ("sklearn_scores",)),
    ("precision", "average precision", ("sklearn_precision",)),
    ("corp", "CORP decomposition", ("model_diagnostics",)),
    ("smooth", "all calibration errors, smooth ECE", ("relplot",)),
    ("sort", "std::sort of the forecasts", ("numpy_sort",)),
    ("bootstrap", "one replicate of all rankings", ("sklearn_replicate",)),
)


def cases(bench):
    n = bench.rows(1e6)
    sides = {"ours": bench.ours(n)}
    sides.update({name: bench.peer(name, n) for _, _, names in CASES for name in names})
    found = bench.interleave(sides)
    found["ours"]["bootstrap"] = (found["ours"]["bootstrap_twelve"] - found["ours"]["bootstrap_two"]) / 10
    for mine, what, names in CASES:
        for name in names:
            floor = "sort" if mine in ("auroc", "precision", "corp", "smooth", "bootstrap", "sort") else "floor"
            yield bench.row(f"score.probability {n:.0e}", what, found["ours"][mine], found[name]["cpu"], name, found["ours"].get("peak_mb"), found[name]["peak_mb"], found["ours"][floor], "sort" if floor == "sort" else "read")


def peer(kind, rows):
    import warnings

    from measure import Measured, scored_events

    warnings.filterwarnings("ignore")
    p, y = scored_events(21, int(rows))
    call = globals()["with_" + kind]
    call(p[:200], y[:200])  # imports and compiled parts are not the work
    with Measured() as m:
        result = call(p, y)
    return {"cpu": m.cpu, "peak_mb": m.peak, "result": result}


def with_sklearn_auc(p, y):
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(y, p))


def with_sklearn_curve(p, y):
    from sklearn.calibration import calibration_curve

    observed, forecast = calibration_curve(y, p, n_bins=15)
    return float(abs(observed - forecast).mean())


def with_numpy_ece(p, y):
    import numpy as np

    cell = np.minimum((p * 15).astype(np.int64), 14)
    rows = np.bincount(cell, minlength=15)
    gap = np.bincount(cell, p, 15) - np.bincount(cell, y, 15)
    return float(np.abs(gap).sum() / rows.sum())


def with_sklearn_scores(p, y):
    from sklearn.metrics import brier_score_loss, log_loss

    return float(brier_score_loss(y, p)) + float(log_loss(y, p))


def with_sklearn_precision(p, y):
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(y, p))


def with_model_diagnostics(p, y):
    from model_diagnostics.scoring import SquaredError, decompose

    return float(decompose(y_obs=y, y_pred=p, scoring_function=SquaredError())["miscalibration"][0])


def with_relplot(p, y):
    import relplot

    return float(relplot.smECE(p, y))


def with_numpy_sort(p, y):
    import numpy as np

    return float(np.sort(p)[0])


def with_sklearn_replicate(p, y):
    import numpy as np
    from sklearn.metrics import roc_auc_score

    drawn = np.random.default_rng(1).integers(0, len(y), len(y))
    return float(roc_auc_score(y[drawn], p[drawn]))
