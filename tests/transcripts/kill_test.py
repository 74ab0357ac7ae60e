#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stops plimsoll in the middle of its work, by Ctrl-C and by kill -9, and looks for torn files.

Each case starts a command that works for a long time, on a pseudo-terminal so that the progress line is drawn, waits until
that line shows rows done, and only then sends the signal. A command that ends before the signal fails the test: nothing would
have been tested.
"""
import argparse
import hashlib
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ENVIRONMENT = dict(os.environ, LC_ALL="C.UTF-8", TERM="xterm")
PROGRESS = re.compile(rb"[1-9][0-9,]* [a-z]+/s")


class Failure(Exception):
    pass


def expect(condition, words):
    if not condition:
        raise Failure(words)


def digest(path):
    with open(path, "rb") as source:
        return hashlib.sha256(source.read()).hexdigest()


def start(command, folder):
    """The process and the terminal's end from which its standard error is read."""
    master, slave = pty.openpty()
    process = subprocess.Popen(command, cwd=folder, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=slave, start_new_session=True)
    os.close(slave)
    return process, master


def wait_for_work(process, terminal, seconds):
    seen = b""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if select.select([terminal], [], [], 0.05)[0]:
            try:
                seen += os.read(terminal, 65536)
            except OSError:
                break
        if PROGRESS.search(seen) and process.poll() is None:
            return
        expect(process.poll() is None, f"the work ended (status {process.returncode}) before any progress was seen: {seen[-500:]!r}")
    raise Failure(f"no progress seen in {seconds} s: {seen[-500:]!r}")


def drain(process, terminal, seconds):
    until = time.monotonic() + seconds
    seen = b""
    while process.poll() is None and time.monotonic() < until:
        if select.select([terminal], [], [], 0.05)[0]:
            try:
                seen += os.read(terminal, 65536)
            except OSError:
                time.sleep(0.05)
    while select.select([terminal], [], [], 0)[0]:
        try:
            more = os.read(terminal, 65536)
        except OSError:
            break
        if not more:
            break
        seen += more
    return seen


def stop(command, folder, output, number):
    before = set(os.listdir(folder))
    old = digest(os.path.join(folder, output)) if output in before else None
    process, terminal = start(command, folder)
    try:
        wait_for_work(process, terminal, 120)
        begun = time.monotonic()
        process.send_signal(number)
        seen = drain(process, terminal, 60)
        taken = time.monotonic() - begun
        expect(process.poll() is not None, "the process did not end within 60 s of the signal")
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(terminal)
    if number == signal.SIGINT:
        expect(process.returncode == 130, f"status {process.returncode} after Ctrl-C, not 130: {seen[-500:]!r}")
        expect(b"cancelled" in seen, f"the error does not say cancelled: {seen[-500:]!r}")
        expect(set(os.listdir(folder)) == before, f"Ctrl-C left {sorted(set(os.listdir(folder)) - before)} behind")
    else:
        expect(process.returncode == -signal.SIGKILL, f"the process ended by itself (status {process.returncode}) before kill -9")
    if old is None:
        expect(output not in os.listdir(folder), f"{output} stands there half-written")
    else:
        expect(digest(os.path.join(folder, output)) == old, f"the earlier {output} was changed")
    return taken


def run(command, folder):
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=300)
    expect(done.returncode == 0, f"{' '.join(command)} gave {done.returncode}: {done.stderr[-800:]!r}")


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", default=os.path.join(here, "..", "..", "build", "release", "bin"))
    program = os.path.join(os.path.abspath(parser.parse_args().bin), "plimsoll")
    folder = tempfile.mkdtemp(prefix="plimsoll-kill-")
    failures = 0
    try:
        run([program, "demo", "--write-data", "--rows", "2000", "--output-dir", "."], folder)
        fit = [program, "fit", "risk.classifier", "past.csv", "--target", "default", "--id", "application", "-o", "model.plim"]
        long_fit = fit + ["--trees.rounds", "100000", "--trees.learning-rate", "0.001"]
        # A table so long that applying to it takes many seconds.
        with open(os.path.join(folder, "next.csv"), encoding="utf-8") as source:
            head, *rows = source.read().splitlines(keepends=True)
        with open(os.path.join(folder, "long.csv"), "w", encoding="utf-8") as out:
            out.write(head)
            for _ in range(400):
                out.writelines(rows)
        cases = [("fit, no file before", long_fit, "model.plim"), (None, fit, None), ("fit, a file before", long_fit, "model.plim")]
        for output in ("out.parquet", "out.csv", "out.jsonl", "out.arrow"):
            cases.append((f"apply to {output}", [program, "apply", "model.plim", "long.csv", "-o", output], output))
        for name, command, output in cases:
            if name is None:
                run(command, folder)
                continue
            for number in (signal.SIGINT, signal.SIGKILL):
                label = f"{name}, {signal.Signals(number).name}"
                try:
                    taken = stop(command, folder, output, number)
                    print(f"ok      {label}: ended in {taken:.2f} s, nothing torn")
                except Failure as failure:
                    failures += 1
                    print(f"FAILED  {label}: {failure}")
        # What kill -9 leaves must not be in the way.
        run(fit + ["--trees.rounds", "20"], folder)
        run([program, "apply", "model.plim", "next.csv", "-o", "out.parquet"], folder)
        run([program, "inspect", "model.plim"], folder)
        print("ok      the same commands work afterwards")
    except Failure as failure:
        failures += 1
        print(f"FAILED  {failure}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
