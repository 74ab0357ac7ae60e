#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Follows docs/add-a-method.md to the letter in a scratch copy of the tree.

    follow.py SOURCE BUILD CXX

Writes every file the page shows, adds the line it says, runs each of its commands, and wants git to see one changed line
and one new folder. The page is the only source: what it does not say is not done.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

BLOCK = re.compile(r"^`(src/[^`\s]+)`\n```\w*\n(.*?)^```$", re.S | re.M)
LINE = re.compile(r"^Add to `(src/methods/catalogue\.txt)`:\n```\n([^\n]+)\n```$", re.M)
COMMANDS = re.compile(r"^```sh\n(.*?)^```$", re.S | re.M)


def run(command, folder, environment, show=False):
    result = subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, shell=isinstance(command, str))
    if show or result.returncode != 0:
        print(f"$ {command}\n{result.stdout[-3000:]}", flush=True)
    if result.returncode != 0:
        raise SystemExit(f"ended with {result.returncode}: {command}")
    return result.stdout


def files_of(source):
    """What a contributor's clone would hold."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=source, stdout=subprocess.PIPE, text=True)
    if listed.returncode == 0:
        return [f for f in listed.stdout.splitlines() if (source / f).is_file()]
    skipped = {"build", "node_modules", ".git"}
    return [p.relative_to(source).as_posix() for p in source.rglob("*")
            if p.is_file() and not skipped & set(p.relative_to(source).parts)]


def copy_tree(source, tree):
    for name in files_of(source):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / name, tree / name)
    # What set-up made is not made again.
    (tree / "build").mkdir()
    (tree / "build/venv").symlink_to((source / "build/venv").resolve())
    if (source / "web/report/node_modules").exists():
        (tree / "web/report/node_modules").symlink_to((source / "web/report/node_modules").resolve())


def main(source, build, cxx):
    page = (source / "docs/add-a-method.md").read_text()
    files = dict(BLOCK.findall(page))
    lines = LINE.findall(page)
    commands = COMMANDS.findall(page)
    if len(files) < 4 or len(lines) != 1 or len(commands) != 1:
        raise SystemExit(f"the page holds {len(files)} files, {len(lines)} lines, {len(commands)} command blocks")
    folders = {str(pathlib.PurePosixPath(name).parent) for name in files}
    if len(folders) != 1:
        raise SystemExit(f"the page writes into {folders}")
    with tempfile.TemporaryDirectory(prefix="add_a_method_") as scratch:
        tree = pathlib.Path(scratch) / "plimsoll"
        tree.mkdir()
        copy_tree(source, tree)
        # The compiler's cache knows these sources already if it sees the same relative paths.
        environment = dict(os.environ, CXX=cxx, CCACHE_BASEDIR=str(tree), CCACHE_NOHASHDIR="1",
                           GIT_AUTHOR_NAME="t", GIT_AUTHOR_EMAIL="t@t", GIT_COMMITTER_NAME="t", GIT_COMMITTER_EMAIL="t@t",
                           GIT_CONFIG_GLOBAL="/dev/null")
        environment.pop("GTEST_OUTPUT", None)
        run("git init -q . && git add -A && git commit -q -m before", tree, environment)
        catalogue, line = lines[0]
        text = (tree / catalogue).read_text()
        (tree / catalogue).write_text(text + line + "\n")
        for name, content in files.items():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_text(content)
        for command in commands[0].strip().splitlines():
            run(command, tree, environment, show=not command.startswith("cmake"))
        check_changes(tree, environment, catalogue, folders.pop())


def check_changes(tree, environment, catalogue, folder):
    status = run("git status --porcelain", tree, environment).splitlines()
    numbers = run("git diff --numstat", tree, environment).split()
    print("git status:", status, "git diff --numstat:", numbers)
    changed = [entry[3:] for entry in status if not entry.startswith("??")]
    new = [entry[3:].rstrip("/") for entry in status if entry.startswith("??")]
    if changed != [catalogue] or numbers[:2] != ["1", "0"]:
        raise SystemExit("more than one line changed")
    # A new family shows as its parent folder.
    if len(new) != 1 or not (folder == new[0] or folder.startswith(new[0] + "/")):
        raise SystemExit("more than one folder is new")
    inside = [p for p in (tree / new[0]).rglob("*") if p.is_file() and folder not in p.relative_to(tree).as_posix()]
    if inside:
        raise SystemExit(f"files outside the folder: {inside}")
    print("one folder and one line")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]), sys.argv[3])
