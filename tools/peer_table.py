#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/conformal_peers.md from docs/conformal_peers.toml; --check wants the page as it would be written.

A cell of a method that the catalogue has not is shown as such: the page promises what tests/statistical can test.
"""
import argparse
import pathlib
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCE = ROOT / "docs" / "conformal_peers.toml"
PAGE = ROOT / "docs" / "conformal_peers.md"


def flags(cell):
    words = []
    for name, value in cell.get("fit", {}).items():
        text = ",".join(map(str, value)) if isinstance(value, list) else str(value).lower() if isinstance(value, bool) else str(value)
        words.append(f"{name}={text}")
    return f"{cell['method']}" + (f" ({', '.join(words)})" if words else "")


def claim(cell):
    counts = cell["counts"]
    if counts == "covered":
        return f"over a long run misses {cell['long_run']:g}, give or take {cell['within']:g}"
    if "risk" in cell:
        return f"risk above {cell['risk']:g} in at most {cell['fit'].get('delta', 0.1):g} of calibrations"
    share = f"{cell['promise']:g}"
    return {
        "false_picks": f"expected share of false picks at most {share}",
        "losses": f"expected loss at most {share}",
        "labels": f"expected share of missed labels at most {share}",
        "pictures": f"expected share of missed pixels at most {share}",
        "alarm": f"a false alarm, ever, with chance at most {share}",
        "p_values": f"p-values of usual rows at most {share} in {share} of cases",
    }.get(counts, f"misses at most {share}") + (", and not fewer than the rank law says" if cell.get("exact") else "")


def page(data, known):
    lines = [
        "# Beside six libraries for conformal prediction",
        "",
        "Written by tools/peer_table.py from [conformal_peers.toml](conformal_peers.toml). The peers' columns come from reading class",
        f"lists and searching the sources of {data['as_of']}; `n` means that no trace was found.",
        "",
        "Each of our cells is a method with parameters and a promise. One harness, `tests/statistical`, draws data, fits and applies",
        "through the door, and bets against every promise; all together raise a false alarm with a chance of at most one in a million,",
        "at any law of the losses. Each cell also runs with a lie about its level, and that must fail.",
        "",
        "| capability | plimsoll | " + " | ".join(data["peers"]) + " |",
        "|---" * (len(data["peers"]) + 2) + "|",
    ]
    for row in data["row"]:
        ours = sorted({cell["method"] for cell in row.get("cell", []) if cell["method"] in known})
        ours += [row["elsewhere"]] if row.get("elsewhere") in known else []
        shown = ", ".join(f"`{method}`" for method in ours) if ours else "n"
        lines.append(f"| {row['capability']} | {shown} | " + " | ".join(row["peers"]) + " |")
    lines += ["", "## The cells and their promises", "", "| capability | cell | method and parameters | promise under test |", "|---|---|---|---|"]
    for row in data["row"]:
        for cell in row.get("cell", []):
            if cell["method"] in known:
                lines.append(f"| {row['capability']} | {cell['name']} | `{flags(cell)}` | {claim(cell)} |")
    missing = [(row["capability"], row["without"]) for row in data["row"] if "without" in row]
    if missing:
        lines += ["", "## Rows without a cell", "", "| capability | why |", "|---|---|"]
        lines += [f"| {capability} | {why} |" for capability, why in missing]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--catalogue", default=ROOT / "src" / "methods" / "catalogue.txt", type=pathlib.Path)
    options = parser.parse_args()
    known = {line.split()[0] for line in options.catalogue.read_text().splitlines() if line.strip() and not line.startswith("#")}
    text = page(tomllib.loads(SOURCE.read_text()), known)
    if options.check:
        if PAGE.read_text() != text:
            sys.exit("docs/conformal_peers.md is not what tools/peer_table.py writes: run it.")
    else:
        PAGE.write_text(text)


if __name__ == "__main__":
    main()
