# SPDX-License-Identifier: Apache-2.0
"""The completion scripts in their own shells: what zsh (on a terminal) and fish offer after a tab.

  shells_test.py BIN      a shell that is not installed is skipped by name
"""
import os
import pty
import select
import shutil
import subprocess
import sys
import tempfile
import time

# What is typed, and what must be offered; fish names a choice on a line of its own.
OFFERS = [("plimsoll re", "report"), ("plimsoll fit risk.", "risk.classifier"), ("plimsoll fit risk.classifier --cost-f", "--cost-false-negative"),
          ("plimsoll fit risk.classifier --learner lo", "logistic"), ("plimsoll apply m.plim --out", "--output")]


def script(shell, folder, environment):
    path = os.path.join(folder, "_plimsoll" if shell == "zsh" else "plimsoll.fish")
    with open(path, "w") as file:
        subprocess.run(["plimsoll", "completion", shell], stdout=file, env=environment, check=True)
    return path


def fish_offers(folder, environment):
    path = script("fish", folder, environment)
    for typed, wanted in OFFERS:
        done = subprocess.run(["fish", "--no-config", "-c", f"source {path}; complete -C '{typed}'"], env=environment, capture_output=True, text=True, timeout=60)
        words = [line.split("\t")[0] for line in done.stdout.splitlines()]
        if wanted not in words:
            yield f"fish, {typed!r}: offers {words}, not {wanted}; {done.stderr}"


def read_until(terminal, wanted, seconds):
    """What the terminal shows until `wanted` stands in it, or until the time is over."""
    seen = b""
    end = time.monotonic() + seconds
    while wanted not in seen and time.monotonic() < end:
        ready, _, _ = select.select([terminal], [], [], 0.1)
        if ready:
            seen += os.read(terminal, 65536)
    return seen


def zsh_offers(folder, environment):
    script("zsh", folder, environment)
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execvpe("zsh", ["zsh", "-f", "-i"], {**environment, "TERM": "dumb", "PS1": "ready> "})
    try:
        read_until(terminal, b"ready> ", 30)
        os.write(terminal, f"fpath=({folder} $fpath); autoload -Uz compinit; compinit -u -d {folder}/dump; unsetopt list_ambiguous; print lo''aded\n".encode())
        read_until(terminal, b"loaded", 60)
        for typed, wanted in OFFERS:
            # A tab fills in what is sure; ^D lists the choices where there are several.
            os.write(terminal, typed.encode() + b"\t\x04")
            seen = read_until(terminal, wanted.encode(), 20)
            if wanted.encode() not in seen:
                yield f"zsh, {typed!r}: shows {seen!r}, not {wanted}"
            os.write(terminal, b"\x15")
            time.sleep(0.1)
    finally:
        os.close(terminal)
        os.kill(child, 9)
        os.waitpid(child, 0)


def main(binaries):
    environment = {**os.environ, "PATH": binaries + os.pathsep + os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    faults = []
    for shell, offers in (("fish", fish_offers), ("zsh", zsh_offers)):
        if shutil.which(shell) is None:
            print(f"SKIPPED completion in {shell}: {shell} is not installed")
            continue
        with tempfile.TemporaryDirectory() as folder:
            environment["HOME"] = folder
            found = list(offers(folder, environment))
        print(f"{shell}: {len(OFFERS) - len(found)} of {len(OFFERS)} offers as wanted")
        faults += found
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(os.path.abspath(sys.argv[1])))
