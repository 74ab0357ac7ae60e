#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the classes of the catalogue: one module a family, the errors, and the types of the package itself.

    generate.py LIBPLIMSOLL FOLDER

The library is asked what it holds, so a method that joins the catalogue has its class, signature and documentation at the
next build, and none can be forgotten.
"""
import ctypes
import json
import keyword
import pathlib
import re
import sys
import textwrap

SPDX = "# SPDX-License-Identifier: Apache-2.0\n"
WRITTEN = "# Written by python/generate.py from the catalogue.\n"
BASES = {  # Python's own exception that each also is, where there is a fitting one
    "bad_parameter": "ValueError", "bad_value": "ValueError", "null_value": "ValueError", "too_few_rows": "ValueError",
    "one_class": "ValueError", "overlap": "ValueError", "missing_column": "LookupError", "missing_input": "TypeError",
    "wrong_kind": "TypeError", "wrong_type": "TypeError", "not_found": "FileNotFoundError", "no_memory": "MemoryError",
    "timeout": "TimeoutError", "denied": "PermissionError", "bad_document": "ValueError", "corrupt_file": "ValueError",
}  # fmt: skip
PORT_TYPES = {"table": "Frame", "document": "Mapping[str, Any] | str | os.PathLike[str]", "artifact": "Model | str | os.PathLike[str]",
              "report": "Report | str | os.PathLike[str]"}  # fmt: skip
SCALARS = {"number": "float", "integer": "int", "flag": "bool", "text": "str"}
LISTS = {"numbers": "float", "integers": "int", "texts": "str"}
RUNNING = [
    ("seed", "int", "0", "root of every random draw"),
    ("threads", "int", "0", "threads; results do not depend on them. 0: all"),
    ("memory_bytes", "int", "0", "keep to this much memory. 0: no limit"),
    ("progress", "Progress", "None", "None: a bar where somebody looks at one; True, False, or a function of task, done, total, unit"),
]
OVERLAP = ("allow_overlap", "str | None", "None", "certify on rows that were used before; the reason goes on the certificate")
READ = ("read", "Mapping[str, Any] | None", "None", "how to read files: format, header, names, delimiter, trim, null, text_columns, strip_suffix, columns")


class Library:
    def __init__(self, path):
        self.core = ctypes.CDLL(path)
        self.core.plimsoll_text_data.restype = ctypes.c_char_p
        self.core.plimsoll_text_data.argtypes = [ctypes.c_void_p]
        for name in ("plimsoll_methods", "plimsoll_method", "plimsoll_error_table"):
            getattr(self.core, name).restype = ctypes.c_void_p

    def ask(self, name, *arguments):
        out = ctypes.c_void_p()
        if getattr(self.core, name)(*arguments, ctypes.byref(out)):
            sys.exit(f"generate.py: {name}{arguments} failed")
        return json.loads(self.core.plimsoll_text_data(out).decode())

    def catalogue(self):
        return [self.ask("plimsoll_method", line["id"].encode()) for line in self.ask("plimsoll_methods")]

    def errors(self):
        return [line["code"] for line in self.ask("plimsoll_error_table")]


def class_name(name):
    return "".join(word.capitalize() for word in re.split(r"[_.]", name))


def python_name(name, taken=()):
    name = re.sub(r"\W", "_", name)
    return name + "_" if keyword.iskeyword(name) or name in taken else name


def default_of(field):
    """The default as Python writes it, and whether None stands for it."""
    value = field.get("default")
    kind = field["kind"]
    if kind in ("nested", "list", "optional", "tensor", "blob") or value is None:
        return "None"
    if kind in LISTS:
        if len(value) == 1:
            return literal(value[0])
        return "None" if not value else "(" + ", ".join(map(literal, value)) + ")"
    if kind == "text_map":
        return "None" if not value else repr(value)
    return literal(float(value) if kind == "number" and not isinstance(value, str) else value, kind)


def literal(value, kind="number"):
    if kind == "number" and value in ("inf", "-inf", "nan"):
        return f'float("{value}")'
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def type_of(field):
    kind = field["kind"]
    if kind == "choice":
        return "Literal[" + ", ".join(json.dumps(choice) for choice in field["choices"]) + "]"
    if kind in SCALARS:
        return SCALARS[kind]
    if kind in LISTS:
        plain = f"{LISTS[kind]} | Sequence[{LISTS[kind]}]"
    elif kind == "text_map":
        plain = "Mapping[str, object]"
    elif kind in ("nested", "optional"):
        plain = "Mapping[str, Any]"
    elif kind == "list":
        plain = "Sequence[Mapping[str, Any]]"
    else:
        plain = "Sequence[float]" if kind == "tensor" else "str"
    return plain + " | None" if default_of(field) == "None" else plain


def documented(name, kind, words):
    return f"{name} : {kind}\n" + textwrap.indent("\n".join(textwrap.wrap(words, 100)), "    ")


def field_words(field):
    words = field["help"] + (f", {field['constraint']}" if "constraint" in field and field["kind"] != "choice" else "")
    inner = field.get("fields", [])
    if inner:
        words += "; " + "; ".join(f"{item['name']}: {item['help']}" for item in inner)
    return words


class Signature:
    """Arguments of one function as they are written, documented and passed on."""

    def __init__(self):
        self.plain, self.required, self.optional, self.words, self.names = [], [], [], [], {}

    def add(self, name, kind, default, words, positional=False):
        own = python_name(name, self.names.values())
        self.names[name] = own
        text = f"{own}: {kind}" + ("" if default is None else f" = {default}")
        (self.plain if positional else self.required if default is None else self.optional).append(text)
        # A choice's type lists its values already.
        shown = kind.replace("Literal[", "{").replace("]", "}") if kind.startswith("Literal") else kind
        self.words.append(documented(own, shown + ("" if default in (None, "None") else f", default {default}"), words))
        return own

    def text(self, *first):
        named = self.required + self.optional
        return ", ".join([*first, *self.plain, *(["*"] if named else []), *named])


def add_ports(signature, ports, skipped=()):
    """First the port that the command line takes as a word."""
    ports = [port for port in ports if port["name"] not in skipped]
    tables = [port for port in ports if port["kind"] == "table"]
    first = next((port for port in tables if port["required"]), (tables or ports or [None])[0])
    passed = []
    for port in sorted(ports, key=lambda port: port is not first):
        kind = PORT_TYPES.get(port["kind"], "str | os.PathLike[str]")
        own = signature.add(port["name"], kind if port["required"] else kind + " | None", None if port["required"] else "None", port["help"], port is first)
        passed.append(f'("{port["name"]}", "{port["kind"]}", {own})')
    roles = {}
    for port in ports:
        for role in port["roles"]:
            roles.setdefault(role["role"], role)
            if role["required"] and len(tables) == 1:
                roles[role["role"]] = role
    bound = []
    for role in roles.values():
        kind = "Columns | None" if role["many"] else "str | None"
        own = signature.add(role["role"], kind, "None", role["help"] + (" (required)" if role["required"] else ""))
        bound.append(f'"{role["role"]}": {own}')
    return "(" + "".join(item + ", " for item in passed) + ")", "{" + ", ".join(bound) + "}", bool(tables)


def add_fields(signature, fields):
    passed = []
    for field in fields:
        own = signature.add(field["name"], type_of(field), None if field["required"] else default_of(field), field_words(field))
        passed.append((field["name"], own, field))
    return passed


def add_running(signature, overlap):
    taken = set(signature.names)
    options = []
    for name, kind, default, words in [*RUNNING[:3], *([OVERLAP] if overlap else []), RUNNING[3]]:
        if name in taken:
            continue
        own = signature.add(name, kind, default, words)
        if name != "progress":
            options.append(f'"{name}": {own}' if name == "allow_overlap" else f'"{name}": {own} or None')
    return "{" + ", ".join(options) + "}"


def doc(text, indent):
    body = textwrap.indent(text.strip(), " " * indent).strip()
    quote = 'r"""' if "\\" in body else '"""'
    return " " * indent + quote + body.replace('"""', "'''") + "\n" + " " * indent + '"""\n'


def options_expression(passed):
    if not passed:
        return "{}"
    items = ", ".join(f'("{name}", "{field["kind"]}", {own}, {default_of(field) if not field["required"] else "..."})' for name, own, field in passed)
    return f"given(({items},))"


SUMMARIES = {
    "fit": "Learns, and gives a model.",
    "apply": "Answers each row.",
    "assess": "Measures, and gives a report.",
    "report": "Draws the model's report.",
    "verify": "Checks by independent code.",
    "prove": "Runs the method's falsifiable experiment.",
}
RESULTS = {"apply": "Output", "assess": "Report", "report": "Report", "verify": "Findings"}
MAKERS = {"apply": "applied", "assess": "reported", "report": "reported"}


def verb_function(about, method, verb, fitted, parameters_of_self):
    """The text of one verb. fitted: it belongs to a model; parameters_of_self: the constructor holds this verb's fields."""
    signature = Signature()
    facts = about[verb]
    skipped = {port["name"] for port in facts["inputs"] if fitted and port["kind"] == "artifact" and port.get("method") == method}
    ports, roles, tables = add_ports(signature, facts["inputs"], skipped)
    passed = [] if parameters_of_self else add_fields(signature, facts["fields"])
    if tables:
        signature.add(*READ)
    options = add_running(signature, verb in ("fit", "apply", "assess"))
    result = class_name(method.split(".")[1]) + "Model" if verb == "fit" else RESULTS[verb]
    words = SUMMARIES[verb] + "\n\nParameters\n----------\n" + "\n".join(signature.words)
    given = "self._given()" if not fitted and parameters_of_self else options_expression(passed)
    if verb == "apply" and not fitted and not parameters_of_self:
        given = "{**self._given(), **" + given + "}" if passed else "self._given()"
    model = "self._core" if fitted else "None"
    lines = [f"    def {verb}({signature.text('self')}) -> {result}:", doc(words, 8).rstrip("\n")]
    lines.append(f'        builder = CallBuilder("{verb}", "{method}", {model}).inputs({ports}, {"read" if tables else "None"})')
    lines.append(f"        builder.roles({roles}).options({options})")
    if verb == "fit":
        lines += ["        model = self._fit(builder, progress)", f"        assert isinstance(model, {result})", "        return model"]
    elif verb == "verify":
        lines.append("        return verified(builder, progress)")
    else:
        lines.append(f"        return {MAKERS[verb]}(builder, {given}, progress)")
    return "\n".join(lines) + "\n"


def prove_function(method):
    return f'''    @classmethod
    def prove(cls, *, seed: int = 0, size: Literal["quick", "normal", "full"] = "normal", threads: int = 0, progress: Progress = None) -> Evidence:
        """Runs the falsifiable experiment behind the claim.

        Parameters
        ----------
        seed : int, default 0
        size : {{"quick", "normal", "full"}}, default "normal"
            about a second, half a minute, the published sizes
        """
        return prove("{method}", seed, size, threads, progress)
'''


def constructor_fields(about):
    """Whose fields the constructor takes: of the fit; without one, of the apply; else of the assess."""
    if "fit" in about:
        return "fit", about["fit"]["fields"]
    if "apply" in about:
        return "apply", about["apply"].get("model_fields", [])
    if "assess" in about:
        return "assess", about["assess"]["fields"]
    return "", []


def card_of(text):
    """Summary and body of a card, without its title."""
    lines = text.strip().splitlines()
    body = "\n".join(lines[1:]).strip() if lines and lines[0].startswith("#") else text
    head, _, rest = body.partition("\n\n")
    return " ".join(head.split()), rest


def own_artifact(about, method, verb):
    return [port for port in about.get(verb, {}).get("inputs", []) if port["kind"] == "artifact" and port.get("method") == method]


def class_text(line):
    method, about = line["id"], line["about"]
    name = class_name(method.split(".")[1])
    owner, fields = constructor_fields(about)
    summary, body = card_of(line["card"])
    signature = Signature()
    passed = add_fields(signature, fields)
    words = summary + ("\n\nParameters\n----------\n" + "\n".join(signature.words) if signature.words else "")
    words += f"\n\nNotes\n-----\nVerbs: {', '.join(line['verbs'])}.\n\n" + body
    kinds = {field["name"]: field["kind"] for field in fields}
    defaults = ", ".join(f'"{field["name"]}": {default_of(field)}' for field in fields if not field["required"])
    values = ", ".join(f'"{name}": {own}' for name, own, _ in passed)
    fitted = "fit" in about
    text = [f"class {name}(Method):", doc(words, 4), f'    id = "{method}"', f"    _kinds = {kinds!r}", f"    _defaults = {{{defaults}}}", "",
            f"    def __init__({signature.text('self')}) -> None:", f"        super().__init__({{{values}}})", ""]  # fmt: skip
    for verb in ("fit", "apply", "assess", "verify"):
        if verb not in about or (verb == "apply" and fitted) or (fitted and any(p["required"] for p in own_artifact(about, method, verb))):
            continue
        held = {field["name"] for field in about[verb]["fields"]} <= set(kinds) and verb in (owner, "assess")
        text.append(verb_function(about, method, verb, False, verb == "fit" or (held and verb == "assess" and not fitted)))
    if "prove" in about:
        text.append(prove_function(method))
    text = "\n".join(text)
    return text + ("\n\n" + model_text(line, name) if fitted or "report" in about or "step" in about else "")


def model_text(line, name):
    method, about = line["id"], line["about"]
    summary, _ = card_of(line["card"])
    text = [f"class {name}Model(Model):", doc(f"A fitted model of {method}: {summary}", 4), f'    id = "{method}"\n']
    for verb in ("apply", "assess", "verify", "report"):
        if verb in about and (verb in ("apply", "report") or own_artifact(about, method, verb)):
            text.append(verb_function(about, method, verb, True, False))
    if "step" in about:
        listed = {title: "\n".join(documented(item["name"], item["kind"], item["help"]) for item in about["step"][part])
                  for title, part in (("An event has", "event"), ("Its answer has", "row"))}  # fmt: skip
        words = "Opens an online session: events one by one.\n\n" + "\n\n".join(f"{title}\n{'-' * len(title)}\n{words}" for title, words in listed.items())
        text.append("    def session(self) -> Session:\n" + doc(words, 8) + "        return Session(self)\n")
    return "\n".join(text) + f"\n\n{name}._model_class = {name}Model\n"


HEAD = '''from __future__ import annotations

import os
from typing import Any, Literal, Mapping, Sequence

from ._call import CallBuilder, Columns, given
from ._frames import Frame
from ._model import Method, Model, Session, applied, prove, reported, verified
from ._progress import Progress
from ._results import Evidence, Findings, Output, Report

'''


def family_text(family, lines):
    names = [class_name(line["id"].split(".")[1]) for line in lines]
    listed = "\n".join(f"{name}: {card_of(line['card'])[0]}" for name, line in zip(names, lines))
    text = SPDX + WRITTEN + doc(f"Methods of the family {family}.\n\n{listed}", 0) + HEAD
    models = [name + "Model" for name, line in zip(names, lines) if f"class {name}Model(" in class_text(line)]
    text += f"__all__ = {sorted(names + models)!r}\n\n\n"
    return text + "\n\n".join(class_text(line) for line in lines)


def errors_text(codes):
    text = SPDX + WRITTEN + doc("One class for each line of the engine's error table.", 0)
    text += "from ._errors import PlimsollError, PlimsollWarning\n\n"
    names = sorted(class_name(code) for code in codes)
    text += f"__all__ = {['PlimsollError', 'PlimsollWarning', *names]!r}\n"
    for code in codes:
        base = BASES.get(code)
        text += f"\n\nclass {class_name(code)}(PlimsollError{', ' + base if base else ''}):\n    code = \"{code}\"\n"
    return text


def package_types(families, codes):
    """__init__.pyi: what the package gives, lazily or not."""
    text = SPDX + WRITTEN + "import os\nfrom typing import Any\n\n"
    for family in [*families, "errors"]:
        text += f"from . import {family} as {family}\n"
    for extra in ("sklearn", "spark"):
        text += f"from . import {extra} as {extra}\n" if (pathlib.Path(__file__).parent / "plimsoll" / f"{extra}.py").exists() else ""
    text += "from ._frames import Frame as Frame\nfrom ._model import Method as Method, Model as Model, Session as Session\n"
    text += "from ._results import Certificate as Certificate, Evidence as Evidence, Findings as Findings\n"
    text += "from ._results import Output as Output, Report as Report, Table as Table\n"
    for name in ["PlimsollError", "PlimsollWarning", *sorted(map(class_name, codes))]:
        text += f"from .errors import {name} as {name}\n"
    return text + """
__version__: str

def methods() -> list[str]: ...
def method(id: str) -> Any: ...
def load(path: str | os.PathLike[str]) -> Any: ...
def verify(evidence: Evidence, threads: int = ...) -> bool: ...
"""


def write(path, text):
    text = "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def main(library, folder):
    found = Library(library)
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    families = {}
    for line in found.catalogue():
        families.setdefault(line["id"].split(".")[0], []).append(line)
    codes = found.errors()
    for family, lines in families.items():
        write(folder / f"{family}.py", family_text(family, lines))
    write(folder / "errors.py", errors_text(codes))
    write(folder / "__init__.pyi", package_types(sorted(families), codes))
    write(folder / "py.typed", "")
    (folder.parent / "generated.txt").write_text("".join(f"{name}\n" for name in sorted([*(f"{f}.py" for f in families), "errors.py", "__init__.pyi", "py.typed"])))


if __name__ == "__main__":
    main(*sys.argv[1:])
