# SPDX-License-Identifier: Apache-2.0
"""Prediction sets for a table on Apache Spark, with the artifact that one machine would give.

    spark-submit spark_job.py [MASTER] [ROWS]

A model has scored a table of cases with a probability for each class, and the outcomes of some are known. `fit` calibrates where
the rows lie, `apply` answers the rest where they lie, and Spark itself counts how often the sets hold the truth.
"""
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as sql

import plimsoll as pl


def scored_cases(session, begin, end):
    """Cases with three classes, the model's probabilities, and what happened; a row is a function of its number."""
    draw = lambda salt: sql.pmod(sql.xxhash64("case", sql.lit(salt)), sql.lit(1_000_003)) / 1_000_003
    rows = session.range(begin, end, 1, 4).withColumnRenamed("id", "case")
    rows = rows.select("case", draw(1).alias("a"), draw(2).alias("b"), draw(3).alias("u"))
    total = sql.col("a") + sql.col("b") + 0.5
    rows = rows.select("case", "u", (sql.col("a") / total).alias("p_repaid"), (sql.col("b") / total).alias("p_late"), (0.5 / total).alias("p_lost"))
    happened = sql.when(sql.col("u") < sql.col("p_repaid"), "repaid").when(sql.col("u") < sql.col("p_repaid") + sql.col("p_late"), "late").otherwise("lost")
    return rows.withColumn("outcome", happened).drop("u")


def main():
    master = sys.argv[1] if len(sys.argv) > 1 else "local[2]"
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else 200_000
    session = SparkSession.builder.master(master).appName("prediction sets").config("spark.ui.enabled", "false").config("spark.ui.showConsoleProgress", "false").getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    past, new = scored_cases(session, 0, rows), scored_cases(session, rows, 2 * rows)

    split = pl.conformal.Split(alpha=0.1)
    model = pl.spark.fit(split, past, target="outcome", probability="p_*")
    print(model.certificate.promise)

    answers = pl.spark.apply(model, new, keep="all")
    coverage = answers.select(sql.avg(sql.array_contains("set", sql.col("outcome")).cast("double"))).first()[0]
    print(f"the sets hold the truth for {coverage:.4f} of {rows} new cases")
    assert abs(coverage - 0.9) < 0.01

    on_one_machine = split.fit(past.toArrow(), target="outcome", probability="p_*")
    assert model.to_bytes() == on_one_machine.to_bytes()
    print("one machine gives the same artifact, byte for byte")
    session.stop()


if __name__ == "__main__":
    main()
