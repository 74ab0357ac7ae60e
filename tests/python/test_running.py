# SPDX-License-Identifier: Apache-2.0
"""Long work: Ctrl-C, progress, the interpreter's lock."""
import io
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pyarrow as pa
import pytest

import plimsoll as pl
from plimsoll import _progress

ROWS = 4_000_000


@pytest.fixture(scope="module")
def work():
    """A model and a table whose apply takes a second or more."""
    draw = np.random.default_rng(0)
    small = pa.table({"mu": draw.normal(size=1000), "y": draw.normal(size=1000)})
    model = pl.conformal.Split(keep_scores=True).fit(small, target="y", prediction="mu")
    return model, pa.table({"mu": draw.normal(size=ROWS)})


def interrupted(started):
    """Seconds from the signal, sent once something runs, to the exception."""
    sent = []

    def send():
        time.sleep(0.3)
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            started()
        return time.monotonic() - sent[0]
    finally:
        sender.join()


def endless():
    """A table that never ends, so that the work on it does not either."""
    batch = pa.record_batch({"mu": np.arange(1000.0), "y": np.arange(1000.0) + 1})

    def batches():
        while True:
            yield batch

    return pa.RecordBatchReader.from_batches(batch.schema, batches())


def test_ctrl_c_ends_our_loops_within_a_fifth_of_a_second():
    def fit():
        pl.conformal.Split().fit(endless(), target="y", prediction="mu", progress=False)

    # The machine of a test may be busy: the best of five counts, and the worst stays near.
    seconds = [interrupted(fit) for _ in range(5)]
    assert min(seconds) < 0.2 and max(seconds) < 2.0, seconds


def test_ctrl_c_ends_an_experiment():
    assert interrupted(lambda: pl.conformal.Split.prove(size="full", progress=False)) < 3.0


def test_after_an_interruption_everything_works(work):
    model, table = work
    assert len(model.apply(table.slice(0, 10))) == 10


def test_the_lock_is_let_go():
    """While the engine works, another thread of Python does too."""
    ticks = []
    done = threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(time.monotonic())
            time.sleep(0.005)

    ticker = threading.Thread(target=tick)
    ticker.start()
    begin = time.monotonic()
    pl.conformal.Split.prove(size="quick", progress=False)
    end = time.monotonic()
    done.set()
    ticker.join()
    during = [tick for tick in ticks if begin <= tick <= end]
    assert len(during) > (end - begin) / 0.005 * 0.05, (len(during), end - begin)


def test_calls_from_threads_agree(work):
    model, table = work
    answers = [None] * 4

    def apply(place):
        answers[place] = model.apply(table.slice(0, 100_000), progress=False).to_arrow()

    threads = [threading.Thread(target=apply, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(answer.equals(answers[0]) for answer in answers)


def test_progress_is_told_and_its_errors_come_through():
    told = []

    def tell(task, done, total, unit):
        told.append(done)
        assert task == "fit" and total == -1 and unit == "rows"
        if len(told) == 4:
            raise ArithmeticError("the bar broke")

    with pytest.raises(ArithmeticError, match="the bar broke"):
        pl.conformal.Split().fit(endless(), target="y", prediction="mu", progress=tell)
    assert len(told) == 4 and told == sorted(told) and told[-1] > 0


def test_the_terminal_bar(monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    monkeypatch.setattr(_progress, "QUIET_SECONDS", 0.0)
    bar = _progress.bar_for(True)
    bar("apply", 500, 1000, "rows")
    bar.close()
    assert "apply [###############...............] 500 of 1,000 rows" in out.getvalue() and out.getvalue().endswith("\r\x1b[K")
    assert _progress.bar_for(None) is None  # nobody looks
    assert _progress.bar_for(False) is None


def test_the_notebook_bar(monkeypatch):
    monkeypatch.setattr(_progress, "QUIET_SECONDS", 0.0)
    shown = []

    class Handle:
        def update(self, page):
            shown.append(page._repr_html_())

    def display(page, display_id):
        shown.append(page._repr_html_())
        return Handle()

    bar = _progress.NotebookBar(display)
    bar("fit", 1, 4, "rounds")
    bar("fit", 2, 4, "rounds")
    bar.close()
    assert "value=0.2500" in shown[0] and "value=0.5000" in shown[1] and shown[2] == ""


def test_short_work_says_nothing():
    bar = _progress.TerminalBar()
    bar("apply", 1, 2, "rows")
    assert not bar.shown


def test_import_is_light():
    """CPU of `import plimsoll` beyond a bare interpreter: 150 ms, and neither numpy nor pyarrow comes along."""
    code = "import resource, sys; b = sum(resource.getrusage(0)[:2]); import plimsoll; print(sum(resource.getrusage(0)[:2]) - b, 'numpy' in sys.modules, 'pyarrow' in sys.modules)"
    best = min(float(line.split()[0]) for line in (subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout for _ in range(3)))
    words = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert best < 0.15 and words[1:] == ["False", "False"], (best, words)
