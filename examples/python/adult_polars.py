# SPDX-License-Identifier: Apache-2.0
"""The main job on UCI's Adult from polars: no copy is made on the way in or out.

    python adult_polars.py [FOLDER_OF_ADULT] [FOLDER_FOR_RESULTS]
"""
import pathlib
import sys

import polars

import plimsoll as pl

NAMES = ["age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship", "race", "sex",
         "capital_gain", "capital_loss", "hours_per_week", "native_country", "income"]  # fmt: skip
FEATURES = [name for name in NAMES if name not in {"fnlwgt", "income"}]


def adult(path):
    """As published: no header line, a blank after each comma, ? for a gap, a full stop after the labels of the test file."""
    texts = polars.read_csv(path, has_header=False, new_columns=NAMES, infer_schema=False)
    frame = texts.with_columns(polars.all().str.strip_chars()).with_columns(polars.col("income").str.strip_chars_end("."))
    numbers = ["age", "fnlwgt", "education_num", "capital_gain", "capital_loss", "hours_per_week"]
    return frame.with_columns(polars.col(numbers).cast(polars.Float64), polars.exclude(numbers).replace("?", None))


def main(data, out):
    past, later = adult(data / "adult-train.csv"), adult(data / "adult-test.csv")
    method = pl.risk.Classifier(positive=">50K", alpha=0.1, trees={"rounds": 60})
    model = method.fit(past, target="income", feature=FEATURES, group=["sex", "race"], seed=7)
    print(model.certificate.promise)
    model.save(out / "adult.plim")

    scored = later.hstack(polars.DataFrame(model.apply(later)))
    scored.write_parquet(out / "scored.parquet")
    risks = scored.group_by("sex").agg(polars.col("probability").mean().alias("risk"), (polars.col("income") == ">50K").mean().alias("seen"))
    print(risks.sort("sex"))
    model.report(later, target="income", group=["sex", "race"]).save(out / "adult.html")


if __name__ == "__main__":
    here = pathlib.Path(__file__).parent
    data = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here / "../data/adult"
    out = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else pathlib.Path("results")
    out.mkdir(exist_ok=True, parents=True)
    main(data, out)
