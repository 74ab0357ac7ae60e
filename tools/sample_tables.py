#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Small tables for tools/compare_builds.sh: loans with blanks and categories, and predictions of a three-class model."""
import math
import pathlib
import random
import sys


def loans(path, rows, seed):
    draw = random.Random(seed)
    with open(path, "w", encoding="utf-8") as out:
        out.write("id,age,income,purpose,months,default\n")
        for row in range(rows):
            age = draw.randint(18, 80)
            income = round(math.exp(draw.gauss(7.5, 0.6)), 2)
            purpose = draw.choice(["car", "home", "school", "other"])
            months = draw.choice([6, 12, 24, 36, 48])
            odds = -1.2 - 0.02 * (age - 40) - 0.8 * (math.log(income) - 7.5) + 0.02 * months + 0.5 * (purpose == "other")
            default = int(draw.random() < 1 / (1 + math.exp(-odds)))
            blank = draw.random() < 0.03
            out.write(f"{seed * 1000000 + row},{'' if blank else age},{income},{purpose},{months},{default}\n")


def predictions(path, rows, seed):
    draw = random.Random(seed)
    with open(path, "w", encoding="utf-8") as out:
        out.write("id,p_a,p_b,p_c,y\n")
        for row in range(rows):
            weights = [draw.expovariate(1) for _ in range(3)]
            p = [w / sum(weights) for w in weights]
            p[2] = 1 - p[0] - p[1]
            y = draw.choices(["a", "b", "c"], weights=p)[0]
            out.write(f"{seed * 1000000 + row},{p[0]!r},{p[1]!r},{p[2]!r},{y}\n")


def scored(path, rows, seed, labelled):
    draw = random.Random(seed)
    with open(path, "w", encoding="utf-8") as out:
        out.write("id,prediction" + (",target" if labelled else "") + "\n")
        for row in range(rows):
            x = draw.gauss(0, 1)
            y = x + draw.gauss(0, 0.5)
            out.write(f"{seed * 1000000 + row},{x!r}" + (f",{y!r}" if labelled else "") + "\n")


def main(folder):
    loans(folder / "past.csv", 3000, 1)
    loans(folder / "new.csv", 500, 2)
    predictions(folder / "predicted.csv", 2000, 3)
    predictions(folder / "predicted_new.csv", 500, 4)
    scored(folder / "labelled.csv", 1000, 5, True)
    scored(folder / "pool.csv", 300, 6, False)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
