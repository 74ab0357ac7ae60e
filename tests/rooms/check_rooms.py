#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads the sources and refuses what the house forbids: see docs/architecture.md.

    check_rooms.py ROOT          every fault as file:line: rule; exit 1 if there is one
    check_rooms.py --self-test   plants one fault of each rule in a scratch tree and wants it found
"""
import pathlib
import re
import sys
import tempfile

ROOMS = ["base", "stats", "table", "engine", "learn", "text", "llm", "agent", "solve", "gateway", "methods", "capi", "serve", "cli"]
SIBLINGS = {("cli", "capi")}  # on one floor: neither includes the other
SOURCE = {".cpp", ".h", ".hpp", ".py", ".sh", ".cmake", ".mjs", ".js", ".css", ".ts"}
FOLDERS = ["src", "include", "python", "examples", "tests", "tools", "bench", "cmake", "web", ".ci"]
SKIPPED = {"node_modules", "dist", "__pycache__", "corpus"}
LINES_A_FILE = 600
LINES_A_FUNCTION = 60

# A library's headers, and the rooms that may include them. A header of ours that does is inner to its room.
HOMES = [
    (re.compile(r"(arrow|parquet)/"), {"table"}),
    (re.compile(r"simdjson"), {"table"}),
    (re.compile(r"boost/(?!(asio|beast|system)\b)"), {"stats"}),
    (re.compile(r"boost/(asio|beast|system)\b"), {"llm", "serve"}),
    (re.compile(r"Eigen/"), {"learn"}),
    (re.compile(r"unsupported/Eigen/FFT"), {"stats"}),
    (re.compile(r"xgboost/"), {"learn"}),
    (re.compile(r"(seccomp|linux/seccomp)\.h"), {"agent"}),
    (re.compile(r"utf8proc\.h"), {"text"}),
    (re.compile(r"interfaces/highs|lp_data/"), {"solve"}),
    (re.compile(r"z3(\+\+|_\w+)?\.h"), {"solve"}),
    (re.compile(r"CLI/"), {"cli"}),
    (re.compile(r"(tbb|oneapi)/"), {"base"}),
    (re.compile(r"openssl/"), {"base", "engine", "agent", "serve"}),
    (re.compile(r"re2/"), {"gateway"}),
    (re.compile(r"sqlite3\.h"), {"agent", "engine"}),
    (re.compile(r"(yaml-cpp|toml\+\+)/"), {"engine"}),
]
HEAVY = re.compile(r"nlohmann/json\.hpp")  # in sources of any room, and in the one header that says so
HEAVY_HEADER = "src/base/json.h"
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|st" r"ub(bed)?|place" r"holder)\b")
PRINTS = re.compile(r"\bstd::(cout|cerr|clog)\b|(?<![\w.>])(std::)?(printf|puts|fprintf|exit|quick_exit|abort)\s*\(")
REGISTRY = re.compile(r"pypi\.|pythonhosted|npmjs|crates\.io|deb\.debian|yarnpkg|jsdelivr|unpkg")
VAGUE = {"util", "utils", "helper", "helpers", "common", "manager", "misc"}


def without_comments(line):
    return re.sub(r'"(\\.|[^"\\])*"', '""', line).split("//")[0]


def room_of(path):
    parts = path.parts
    return parts[1] if len(parts) > 2 and parts[0] == "src" else None


def inner_headers(root):
    """Our headers that include a library's: they stay inside their room."""
    inner = set()
    for path in (root / "src").rglob("*.h"):
        targets = [found.group(2) for found in map(INCLUDE.match, path.read_text(encoding="utf-8").splitlines()) if found]
        if any(pattern.match(target) for pattern, _ in HOMES for target in targets):
            inner.add(path.relative_to(root / "src").as_posix())
    return inner


def include_faults(path, lines, inner):
    room = room_of(path)
    name = path.as_posix()
    test = path.stem.endswith(("_test", "_bench"))
    for number, line in enumerate(lines, 1):
        found = INCLUDE.match(line)
        if not found:
            continue
        target = found.group(2)
        for pattern, homes in HOMES:
            if pattern.match(target) and room is not None and room not in homes and not test:
                yield number, f"{target} belongs to {' '.join(sorted(homes))}, not to {room}"
        if HEAVY.match(target) and path.suffix == ".h" and name != HEAVY_HEADER:
            yield number, f"{target} stands in a header"
        if room is None or found.group(1) == "<":
            continue
        first = target.split("/")[0]
        if first not in ROOMS:
            if first not in {"embedded", "plimsoll", "tests"} and not (test and first == "bench"):
                yield number, f'"{target}" is not written from src'
        elif ROOMS.index(first) > ROOMS.index(room):
            yield number, f"{room} includes the higher room {first}"
        elif (room, first) in SIBLINGS:
            yield number, f"{room} includes {first}, which stands beside it"
        elif first == "methods" and room == "methods" and target.split("/")[:3] != list(path.parts[1:4]):
            yield number, f"a method includes another's {target}: move what two share to a room below"
        if target in inner and room != first and not test:
            yield number, f"{target} stays inside {first}: it includes a library's headers"


def function_faults(lines):
    """Formatted code opens a function at the margin and closes it by a brace at the margin."""
    start = None
    for number, line in enumerate(lines, 1):
        if re.match(r"[A-Za-z_].*\{\s*$", line) and not re.match(r"(namespace|struct|class|enum|union|extern|template)\b", line):
            start = number
        elif start is None and re.match(r"( {4,}|\)).*\)( const)?( noexcept)? \{\s*$", line):
            start = None
        elif line.startswith("}") and start is not None:
            length = number - start + 1
            if length > LINES_A_FUNCTION and "= {" not in lines[start - 1]:
                yield start, f"a function of {length} lines (at most {LINES_A_FUNCTION})"
            start = None


def text_faults(path, lines):
    room = room_of(path)
    head = [line for line in lines[:3]]
    if not any("SPDX-License-Identifier: Apache-2.0" in line for line in head):
        yield 1, "the SPDX line is missing"
    if len(lines) > LINES_A_FILE:
        yield len(lines), f"{len(lines)} lines (at most {LINES_A_FILE})"
    if path.stem in VAGUE or any(part in VAGUE for part in path.parts[:-1]):
        yield 1, "a name that says nothing"
    library = room is not None and room != "cli" and not path.stem.endswith(("_test", "_bench"))
    for number, line in enumerate(lines, 1):
        if path.name != "check_rooms.py" and UNFINISHED.search(line):
            yield number, "a word of unfinished work"
        if path.name != "check_rooms.py" and REGISTRY.search(line):
            yield number, "a registry's host name"
        if library and path.suffix in {".cpp", ".h"}:
            code = without_comments(line)
            if PRINTS.search(code):
                yield number, "the library prints or exits"
            if re.search(r"\bthrow\b(?! std::bad_alloc\(\))", code):
                yield number, "the library throws"


def method_faults(root):
    methods = root / "src/methods"
    listed = set()
    if (methods / "catalogue.txt").exists():
        for line in (methods / "catalogue.txt").read_text().splitlines():
            words = line.split("#")[0].split()
            if words:
                listed.add(words[0])
    folders = {f"{p.parent.name}.{p.name}": p for p in methods.glob("*/*") if p.is_dir()} if methods.exists() else {}
    for name in sorted(listed - folders.keys()):
        yield "src/methods/catalogue.txt", 1, f"{name} has a line but no folder"
    for name, folder in sorted(folders.items()):
        where = folder.relative_to(root).as_posix()
        if name not in listed:
            yield where, 1, f"{name} has a folder but no line in catalogue.txt"
        for suffix in [".cpp", "_test.cpp", ".test", ".md"]:
            part = folder / (folder.name + suffix)
            if not part.exists() or not part.read_text().strip():
                yield where, 1, f"{part.name} is missing or empty"


def faults(root):
    inner = inner_headers(root) if (root / "src").exists() else set()
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            relative = path.relative_to(root)
            named = path.suffix in SOURCE or path.name == "CMakeLists.txt" or relative.as_posix() in {".ci/run", "bench/run"}
            if not named or not path.is_file() or SKIPPED & set(relative.parts):
                continue
            lines = path.read_text(encoding="utf-8").splitlines()
            found = list(text_faults(relative, lines))
            if path.suffix in {".cpp", ".h", ".hpp"}:
                found += include_faults(relative, lines, inner)
                found += function_faults(lines)
            for number, rule in found:
                yield relative.as_posix(), number, rule
    yield from method_faults(root)


SPDX = "// SPDX-License-Identifier: Apache-2.0\n"
PLANTED = [
    ("src/base/a.cpp", SPDX + '#include "engine/method.h"\n', "higher room"),
    ("src/stats/a.cpp", SPDX + '#include "table/table.h"\n', "higher room"),
    ("src/cli/a.cpp", SPDX + '#include "capi/handles.h"\n', "stands beside it"),
    ("src/engine/a.cpp", SPDX + "#include <arrow/api.h>\n", "belongs to table"),
    ("src/engine/e.h", SPDX + "#include <arrow/api.h>\n", "belongs to table"),
    ("src/engine/b.cpp", SPDX + "#include <boost/math/distributions.hpp>\n", "belongs to stats"),
    ("src/stats/b.cpp", SPDX + "#include <Eigen/Dense>\n", "belongs to learn"),
    ("src/engine/c.cpp", SPDX + "#include <CLI/CLI.hpp>\n", "belongs to cli"),
    ("src/methods/x/y/y.cpp", SPDX + "#include <xgboost/c_api.h>\n", "belongs to learn"),
    ("src/methods/x/y/z.cpp", SPDX + '#include "methods/x/w/w.h"\n', "another's"),
    ("src/engine/d.h", SPDX + "#include <nlohmann/json.hpp>\n", "in a header"),
    ("src/base/b.cpp", "int x;\n", "SPDX"),
    ("src/base/c.cpp", SPDX + "\n" * 600, "at most 600"),
    ("src/base/d.cpp", SPDX + "int f() {\n" + "  g();\n" * 60 + "}\n", "function of 62"),
    ("src/base/e.cpp", SPDX + "// TO" "DO later\n", "unfinished"),
    ("src/base/f.cpp", SPDX + "void f() { std::cout << 1; }\n", "prints"),
    ("src/base/g.cpp", SPDX + "void f() { throw 1; }\n", "throws"),
    ("src/base/util.cpp", SPDX, "says nothing"),
    ("tools/a.sh", "#!/bin/bash\n# SPDX-License-Identifier: Apache-2.0\ncurl https://py" "pi.org\n", "registry"),
    ("src/methods/x/v/v.cpp", SPDX, "v.md is missing"),
    ("src/methods/catalogue.txt", "x.u core\n", "no folder"),
]


def self_test():
    for place, text, rule in PLANTED:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / place).parent.mkdir(parents=True)
            (root / place).write_text(text)
            if not any(rule in found for _, _, found in faults(root)):
                print(f"not found: {rule} in {place}")
                return 1
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for room, text in [("table", "#include <arrow/api.h>\n"), ("engine", '#include "table/a.h"\n')]:
            (root / "src" / room).mkdir(parents=True)
            (root / "src" / room / "a.h").write_text(SPDX + text)
        found = [rule for path, _, rule in faults(root) if path == "src/engine/a.h"]
        if not any("stays inside table" in rule for rule in found):
            print("not found: an inner header outside its room")
            return 1
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "src/engine").mkdir(parents=True)
        (root / "src/engine/a.cpp").write_text(SPDX + '#include "base/result.h"\nint f() {\n  return 1;\n}\n')
        if list(faults(root)):
            print(f"a clean file was refused: {list(faults(root))}")
            return 1
    print(f"{len(PLANTED)} planted faults found, a clean file passed")
    return 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    count = 0
    for path, line, rule in faults(pathlib.Path(arguments[0])):
        print(f"{path}:{line}: {rule}")
        count += 1
    print(f"{count} faults")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
