# SPDX-License-Identifier: Apache-2.0
"""risk.classifier against XGBoost, CalibratedClassifierCV on the frozen booster, and MAPIE's split sets."""
PEERS = "conformal"


def cases(bench):
    n = bench.rows(1e6)
    # Without and with the figures that the report draws, of which the pipeline computes none.
    found = bench.interleave({"ours": bench.ours(n), "judged": bench.ours(n, "diagnostics"), "pipeline": bench.peer("pipeline", n)})
    mine, judged, theirs = found["ours"], found["judged"], found["pipeline"]
    case = f"risk.classifier {n:.0e} x 30"
    yield bench.row(case, "everything but training", mine["everything_else"], theirs["everything_else"], "sklearn + MAPIE", mine["peak_mb"], theirs["peak_mb"])
    yield bench.row(case, "the same with the report's figures", judged["everything_else"], theirs["everything_else"], "sklearn + MAPIE", judged["peak_mb"], theirs["peak_mb"])
    yield bench.row(case, "fit less training, beside training", mine["fit_less_training"], None, "", mine["peak_mb"], None, mine["training"])
    yield bench.row(case, "training (XGBoost on both sides)", mine["training"], theirs["training"], "xgboost", None, None)


def peer(_, rows):
    import time
    import warnings

    import numpy as np
    import xgboost
    from mapie.classification import SplitConformalClassifier
    from measure import Measured, normal, uniform
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.frozen import FrozenEstimator
    from sklearn.metrics import roc_auc_score

    warnings.filterwarnings("ignore")
    n, width = int(rows), 30
    x = normal(95, n * width).reshape(n, width)
    log_odds = -1 + 0.9 * x[:, 0] - 0.7 * x[:, 1] + 0.5 * x[:, 2] * x[:, 3] + 0.4 * np.abs(x[:, 4])
    y = (uniform(97, n) < 1 / (1 + np.exp(-log_odds))).astype(int)
    a, b = int(n * 0.6), int(n * 0.8)
    with Measured() as m:
        model = xgboost.XGBClassifier(n_estimators=100, learning_rate=0.1, max_depth=6, tree_method="hist", max_bin=256, n_jobs=1)
        model.fit(x[:a], y[:a])
        trained = time.process_time()
        calibrated = CalibratedClassifierCV(FrozenEstimator(model), method="isotonic").fit(x[a:b], y[a:b])
        conformal = SplitConformalClassifier(calibrated, confidence_level=0.9, conformity_score="lac", prefit=True)
        conformal.conformalize(x[b:], y[b:])
        conformal.predict_set(x[b:])
        probability = calibrated.predict_proba(x[b:])[:, 1]
        np.where(probability >= 0.5, "act", "pass")
    training = trained - m.start
    return {"cpu": m.cpu, "training": training, "everything_else": m.cpu - training, "peak_mb": m.peak, "auc": float(roc_auc_score(y[b:], probability))}
