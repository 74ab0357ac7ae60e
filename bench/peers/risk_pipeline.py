# SPDX-License-Identifier: Apache-2.0
"""XGBoost, CalibratedClassifierCV on the frozen booster, MAPIE's split sets: risk_pipeline.py ROWS"""
import sys
import time
import warnings

import numpy as np
import xgboost
from mapie.classification import SplitConformalClassifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import roc_auc_score

from measure import Measured, normal, say, uniform

warnings.filterwarnings("ignore")
n, width = int(float(sys.argv[1])), 30
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
    sets = conformal.predict_set(x[b:])[1]
    probability = calibrated.predict_proba(x[b:])[:, 1]
    decision = np.where(probability >= 0.5, "act", "pass")
training = trained - m.start
say(cpu=m.cpu, training=training, everything_else=m.cpu - training, peak_mb=m.peak, auc=roc_auc_score(y[b:], probability))
