# SPDX-License-Identifier: Apache-2.0
"""Fits and applies on a real standalone cluster: one master and two worker processes on loopback.

The driver program (spark_driver.py) runs once; the tests read what it saw. PLIMSOLL_SPARK_ROWS sets the size: 10^6 by default,
10^8 in `make test-full`. The environment build/spark (pyspark) is made on first use.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from spark_cluster import Cluster

HERE = pathlib.Path(__file__).parent
SOURCE = pathlib.Path(os.environ.get("PLIMSOLL_SOURCE_DIR", HERE.parent.parent))
ROWS = int(os.environ.get("PLIMSOLL_SPARK_ROWS", "1000000"))


@pytest.fixture(scope="module")
def seen():
    if shutil.which("java") is None:
        pytest.skip("no Java: tools/setup.sh test installs it")
    made = subprocess.run([str(SOURCE / "tools/spark_env.sh")], capture_output=True, text=True)
    if made.returncode != 0:
        pytest.skip("the environment build/spark cannot be made: " + made.stderr[-500:])
    path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH", ""), str(HERE)]))
    with Cluster(made.stdout.strip(), python_path=path) as cluster:
        example = cluster.run(SOURCE / "examples/python/spark_job.py", 30_000)
        out = cluster.run(HERE / "spark_driver.py", ROWS, cluster.worker_pid(1), timeout=600 + ROWS // 20_000)
        facts = json.loads(out.splitlines()[-1])
        facts["example"] = example
        facts["worker_ended"] = cluster.daemons["worker1"].wait(10)
    print(json.dumps(facts), file=sys.stderr)
    return facts


@pytest.mark.parametrize("cut", ["1 partitions", "2 partitions", "7 partitions", "shuffled"])
def test_a_fit_equals_that_of_one_machine_byte_for_byte(seen, cut):
    assert seen["digests"][cut] == seen["local"]


def test_a_killed_worker_changes_nothing(seen):
    done, tasks = seen["killed_at"]
    assert 0 < done < tasks, "the worker was not killed in the middle"
    assert seen["worker_ended"] == -9
    assert seen["digests"]["one worker killed"] == seen["local"]


def test_the_drivers_memory_does_not_grow_with_rows(seen):
    # What a row costs when it is held: 5 columns of 8 bytes. Ours is below an eighth of that, or below what an idle JVM takes.
    held = seen["rows"] * 40 / 2**20
    assert seen["driver_growth_mb"]["python"] < max(40, held / 8)
    assert seen["driver_growth_mb"]["jvm"] < max(400, held / 8)


def test_an_order_and_side_tables_give_the_same_bytes(seen):
    assert set(seen["digests_of_small"].values()) == {seen["ordered_local"]}


def test_what_draws_for_each_row_is_keyed_by_its_id(seen):
    assert seen["drawing"]["id"] == seen["drawing_local"]


def test_an_order_gives_rows_their_numbers(seen):
    local, cluster = seen["drawn_by_place"]
    assert cluster == local != seen["drawing_local"]


def test_apply_answers_as_one_machine_does(seen):
    rows, same_values, same_columns = seen["apply"]
    assert rows == min(seen["rows"], 200_000) and same_values and same_columns


def test_the_example_runs(seen):
    assert "one machine gives the same artifact, byte for byte" in seen["example"]


def test_rows_of_a_group_are_taken_together(seen):
    assert seen["grouped"]


@pytest.mark.parametrize(
    "attempt, code, advice",
    [
        ("not_mergeable", "wrong_kind", "one machine"),
        ("draws", "missing_input", "id=COLUMN"),
        ("draws_in_apply", "missing_input", "id=COLUMN"),
        ("whole", "wrong_kind", "one machine"),
        ("local_frame", "wrong_kind", "Spark DataFrame"),
        ("missing_column", "missing_column", ""),
        ("no_order_column", "missing_column", "orders the rows"),
        ("equal_order", "bad_value", "all different"),
        ("bad_rows", "bad_value", "between 0 and 1"),
        ("no_rows", "too_few_rows", "labelled rows"),
        ("no_arrow_form", "wrong_type", "drop"),
    ],
)
def test_what_would_change_the_meaning_is_refused_with_its_mend(seen, attempt, code, advice):
    got, mend, _ = seen["refusals"][attempt]
    assert got == code and mend and advice in mend, (got, mend)


def test_a_closed_session_is_refused(seen):
    code, mend = seen["closed"]
    assert code == "unavailable" and "Open a session" in mend
