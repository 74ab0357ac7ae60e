# SPDX-License-Identifier: Apache-2.0
"""The main job on UCI's Adult from DuckDB: relations in, a relation out, SQL around them.

    python adult_duckdb.py [FOLDER_OF_ADULT] [FOLDER_FOR_RESULTS]
"""
import pathlib
import sys

import duckdb

import plimsoll as pl

NAMES = ["age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship", "race", "sex",
         "capital_gain", "capital_loss", "hours_per_week", "native_country", "income"]  # fmt: skip
NUMBERS = {"age", "fnlwgt", "education_num", "capital_gain", "capital_loss", "hours_per_week"}
FEATURES = [name for name in NAMES if name not in {"fnlwgt", "income"}]


def adult(connection, path, first_id):
    """As published: no header line, a blank after each comma, ? for a gap, a full stop after the labels of the test file."""
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in NAMES)
    cleaned = [f"nullif(trim({name}), '?'){'::DOUBLE' if name in NUMBERS else ''} AS {name}" for name in NAMES[:-1]]
    return connection.sql(f"SELECT {', '.join(cleaned)}, rtrim(trim(income), '.') AS income, row_number() OVER () + {first_id} AS id "
                          f"FROM read_csv('{path}', header=false, columns={{{columns}}}, null_padding=true) WHERE income IS NOT NULL ORDER BY id")  # fmt: skip


def main(data, out):
    connection = duckdb.connect()
    past, later = adult(connection, data / "adult-train.csv", 0), adult(connection, data / "adult-test.csv", 1_000_000)
    method = pl.risk.Classifier(positive=">50K", alpha=0.1, trees={"rounds": 60})
    model = method.fit(past, target="income", feature=FEATURES, id="id", group=["sex", "race"], seed=7)
    print(model.certificate.promise)
    model.save(out / "adult.plim")

    scored = model.apply(later).to_arrow()  # noqa: F841: SQL finds it by its name
    connection.register("scored", scored)
    later.to_view("later")
    print(connection.sql("SELECT decision, count(*) AS cases, avg(probability) AS risk, avg((income = '>50K')::INT) AS seen "
                         "FROM scored JOIN later USING (id) GROUP BY decision ORDER BY decision"))  # fmt: skip
    model.report(later, target="income", group=["sex", "race"]).save(out / "adult.html")


if __name__ == "__main__":
    here = pathlib.Path(__file__).parent
    data = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here / "../data/adult"
    out = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else pathlib.Path("results")
    out.mkdir(exist_ok=True, parents=True)
    main(data, out)
