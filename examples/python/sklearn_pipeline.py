# SPDX-License-Identifier: Apache-2.0
"""plimsoll among scikit-learn's own: a grid over a calibrated classifier, then sets around a model of the user's choice."""
import numpy as np
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import plimsoll as pl

X, y = make_classification(n_samples=4000, n_features=10, n_informative=6, n_classes=3, random_state=4)
X_past, X_new, y_past, y_new = train_test_split(X, y, test_size=0.25, random_state=0)

# A classifier whose probabilities are calibrated, chosen by log loss.
pipeline = make_pipeline(StandardScaler(), pl.sklearn.Classifier(rounds=60))
search = GridSearchCV(pipeline, {"classifier__max_depth": [2, 4], "classifier__learner": ["trees", "logistic"]}, scoring="neg_log_loss", cv=2)
search.fit(X_past, y_past)
print("chosen:", search.best_params_, f"log loss {-search.score(X_new, y_new):.3f}")

# Prediction sets around any model that is fitted already; the rows that calibrate are rows it has not seen.
X_learn, X_hold, y_learn, y_hold = train_test_split(X_past, y_past, test_size=0.3, random_state=1)
forest = RandomForestClassifier(100, random_state=0).fit(X_learn, y_learn)
sets = pl.sklearn.ConformalClassifier(forest, alpha=0.1).fit(X_hold, y_hold)
print(sets.certificate_.promise)
flags = sets.predict_set(X_new)
coverage = flags[np.arange(len(y_new)), y_new].mean()
print(f"the sets hold the truth for {coverage:.3f} of {len(y_new)} new rows, with {flags.sum(axis=1).mean():.2f} classes on average")
# 900 rows calibrate and 1,000 are new: six deviations of the coverage.
assert coverage > 0.9 - 6 * np.sqrt(0.09 * (1 / 900 + 1 / 1000))
