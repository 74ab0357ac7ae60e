# SPDX-License-Identifier: Apache-2.0
"""A guarantee around a model of your own: prediction intervals for an XGBoost regression that learned elsewhere.

Whatever the model, the intervals hold the truth as often as promised; a bad model pays in their width.

    python own_xgboost.py [FOLDER_FOR_RESULTS]
"""
import pathlib
import sys

import numpy as np
import pyarrow as pa
import xgboost

import plimsoll as pl


def houses(rows, seed):
    draw = np.random.default_rng(seed)
    size, age, distance = draw.uniform(40, 240, rows), draw.uniform(0, 90, rows), draw.exponential(8, rows)
    price = 2000 * size - 900 * age - 4000 * distance + draw.normal(0, 15_000 + 120 * size, rows)
    return np.column_stack([size, age, distance]), price


def main(out):
    learning, prices = houses(6000, seed=1)
    booster = xgboost.train({"max_depth": 4, "eta": 0.1, "nthread": 1}, xgboost.DMatrix(learning, prices), num_boost_round=120)

    def predicted(rows, seed):
        features, price = houses(rows, seed)
        return pa.table({"predicted": booster.predict(xgboost.DMatrix(features)).astype(float), "price": price})

    # Rows that the booster has not seen.
    model = pl.conformal.Split(alpha=0.1).fit(predicted(2000, seed=2), target="price", prediction="predicted")
    print(model.certificate.promise)
    later = predicted(20_000, seed=3)
    rows = model.apply(later).to_arrow()
    held = np.mean((rows["lower"].to_numpy() <= later["price"].to_numpy()) & (later["price"].to_numpy() <= rows["upper"].to_numpy()))
    print(f"promised 0.900, held {held:.3f} of {len(later)}, mean width {np.mean(rows['upper'].to_numpy() - rows['lower'].to_numpy()):,.0f}")
    model.assess(later, target="price", prediction="predicted").save(out / "houses.html")
    model.save(out / "houses.plim")


if __name__ == "__main__":
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path("results")
    out.mkdir(exist_ok=True, parents=True)
    main(out)
