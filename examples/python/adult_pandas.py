# SPDX-License-Identifier: Apache-2.0
"""The main job on UCI's Adult from pandas: learn a risk, guarantee it, decide, report.

    python adult_pandas.py [FOLDER_OF_ADULT] [FOLDER_FOR_RESULTS]
"""
import pathlib
import sys

import pandas as pd

import plimsoll as pl

NAMES = ["age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship", "race", "sex",
         "capital_gain", "capital_loss", "hours_per_week", "native_country", "income"]  # fmt: skip
# fnlwgt is a survey weight, not a feature.
FEATURES = [name for name in NAMES if name not in {"fnlwgt", "income"}]


def adult(path):
    """As published: no header line, a blank after each comma, ? for a gap, a full stop after the labels of the test file."""
    frame = pd.read_csv(path, names=NAMES, skipinitialspace=True, na_values="?")
    frame["income"] = frame["income"].str.rstrip(".")
    return frame


def main(data, out):
    past, later = adult(data / "adult-train.csv"), adult(data / "adult-test.csv")
    method = pl.risk.Classifier(positive=">50K", alpha=0.1, trees={"rounds": 60})
    model = method.fit(past, target="income", feature=FEATURES, group=["sex", "race"], seed=7)
    print(model.certificate.promise)
    model.save(out / "adult.plim")

    scored = model.apply(later).to_pandas()
    print(scored.head())
    print(f"expected share of >50K {scored['probability'].mean():.3f}, seen {(later['income'] == '>50K').mean():.3f}")

    report = model.report(later, target="income", group=["sex", "race"])
    report.save(out / "adult.html")
    print({name: round(value, 4) for name, value in report.figures.items()})


if __name__ == "__main__":
    here = pathlib.Path(__file__).parent
    data = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here / "../data/adult"
    out = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else pathlib.Path("results")
    out.mkdir(exist_ok=True, parents=True)
    main(data, out)
