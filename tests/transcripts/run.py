#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs command transcripts: run.py [--bin FOLDER] [--update] FILE.test ...

README.md, beside this file, describes the format. Each file runs in a fresh temporary folder with the program's folder first
on PATH. Exit status 0 only if every command printed and returned what the transcript says.
"""
import argparse
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile

ANY_LINES = "..."


class Case:
    """One `$ command` with what must follow it."""

    def __init__(self, command, line):
        self.command = command
        self.line = line
        self.expected = []
        self.status = 0


class File:
    """One `<<file NAME ... >>`."""

    def __init__(self, name, text):
        self.name = name
        self.text = text


def parse(path):
    """Parts in order: ("text", lines), ("file", File, lines), ("case", Case, lines). `lines` are the source lines."""
    parts = []
    case = None
    with open(path, encoding="utf-8") as source:
        lines = source.read().split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.startswith("<<file "):
            end = at + 1
            while end < len(lines) and lines[end] != ">>":
                end += 1
            if end == len(lines):
                raise SystemExit(f"{path}:{at + 1}: <<file without >>")
            body = "\n".join(lines[at + 1:end]) + "\n"
            parts.append(("file", File(line[len("<<file "):].strip(), body), lines[at:end + 1]))
            case = None
            at = end + 1
            continue
        if line.startswith("$ "):
            command = line[2:]
            begin = at
            while command.endswith("\\") and at + 1 < len(lines):
                at += 1
                command = command[:-1] + lines[at].removeprefix("> ")
            case = Case(command, begin + 1)
            parts.append(("case", case, lines[begin:at + 1]))
        elif line.startswith("#") or (line == "" and (case is None or at + 1 == len(lines) or next_is_not_output(lines, at))):
            if line.startswith("#"):
                case = None
            parts.append(("text", None, [line]))
        elif case is None:
            raise SystemExit(f"{path}:{at + 1}: output without a command: {line}")
        elif re.fullmatch(r"\[exit \d+\]", line):
            case.status = int(line[6:-1])
        else:
            case.expected.append(line)
        at += 1
    return parts


def next_is_not_output(lines, at):
    """A blank line ends the output when a command, a comment, a file or the end follows; else it is output."""
    while at < len(lines) and lines[at] == "":
        at += 1
    return at == len(lines) or lines[at].startswith(("$ ", "#", "<<file "))


def line_matches(pattern, line):
    parts = [re.escape(part) for part in pattern.split("...")]
    return re.fullmatch(".*".join(parts), line) is not None


def matches(expected, actual):
    """Whether lines fit a pattern in which a line of only `...` stands for any number of lines."""
    if not expected:
        return not actual
    if expected[0] == ANY_LINES:
        return any(matches(expected[1:], actual[skip:]) for skip in range(len(actual) + 1))
    return bool(actual) and line_matches(expected[0], actual[0]) and matches(expected[1:], actual[1:])


def run_command(command, folder, environment):
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False)
    lines = done.stdout.decode("utf-8", "replace").split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    status = done.returncode
    return lines, 128 - status if status < 0 else status


def written_form(line):
    """Output that would read as a comment, a command or a file begins with `...` instead."""
    if line.startswith(("$ ", "<<file ")):
        return "..." + line[1:]
    return "..." + line[1:] if line.startswith("#") else line


def shown(lines, status):
    return [written_form(line) for line in lines] + ([f"[exit {status}]"] if status != 0 else [])


def run_file(path, bin_folder, source_folder, update):
    parts = parse(path)
    failures = 0
    commands = 0
    folder = tempfile.mkdtemp(prefix="plimsoll-transcript-")
    environment = dict(os.environ, PATH=bin_folder + os.pathsep + os.environ["PATH"], LC_ALL="C.UTF-8", TZ="UTC",
                       SOURCE=source_folder, HOME=folder)
    written = []
    try:
        for kind, part, lines in parts:
            if kind == "text":
                written += lines
                continue
            if kind == "file":
                target = os.path.join(folder, part.name)
                os.makedirs(os.path.dirname(target), exist_ok=True)
                with open(target, "w", encoding="utf-8") as out:
                    out.write(part.text)
                written += lines
                continue
            commands += 1
            actual, status = run_command(part.command, folder, environment)
            ok = status == part.status and matches(part.expected, actual)
            written += lines + (shown(part.expected, part.status) if ok else shown(actual, status))
            if ok:
                continue
            failures += 1
            if not update:
                print(f"{path}:{part.line}: $ {part.command}")
                diff = difflib.unified_diff(shown(part.expected, part.status), shown(actual, status), "expected", "actual", lineterm="", n=100)
                print("\n".join(diff))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if update and failures:
        with open(path, "w", encoding="utf-8") as out:
            out.write("\n".join(written) + "\n")
        print(f"{path}: {failures} of {commands} commands written anew")
        return 0
    print(f"{path}: {commands} commands, {failures} failed")
    if commands == 0:
        print(f"{path}: no command stands in it")
        return 1
    return failures


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    source = os.path.dirname(os.path.dirname(here))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", default=os.path.join(source, "build", "release", "bin"), help="folder of the program")
    parser.add_argument("--update", action="store_true", help="write what was seen where it differs")
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    if not os.access(os.path.join(options.bin, "plimsoll"), os.X_OK):
        raise SystemExit(f"no program in {options.bin}")
    failed = sum(run_file(path, os.path.abspath(options.bin), source, options.update) for path in options.files)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
