# SPDX-License-Identifier: Apache-2.0
"""Errors: one class for each line of the engine's error table. The classes themselves are written by generate.py."""
from __future__ import annotations

import json
import re
from typing import Any


class PlimsollError(Exception):
    """What went wrong, where, and what to do about it.

    Attributes
    ----------
    code : str
        The name in the error table, such as ``missing_column``.
    what, mend : str
        What went wrong, and what to do about it.
    file, column, parameter : str or None
        Where, as far as it is known.
    row : int or None
        Row of the table, counted from 0.
    line : int or None
        Line of a text file, counted from 1.
    candidates : list of str
        Names close to the one that was not found.
    """

    code = "internal"

    def __init__(self, what: str = "", mend: str = "", **where: Any) -> None:
        self.what = what
        self.mend = mend
        self.file: str | None = where.pop("file", None)
        self.column: str | None = where.pop("column", None)
        self.parameter: str | None = where.pop("parameter", None)
        self.row: int | None = where.pop("row", None)
        self.line: int | None = where.pop("line", None)
        self.candidates: list[str] = list(where.pop("candidates", ()))
        if where:
            raise TypeError(f"an error has no {', '.join(sorted(where))}")
        super().__init__(str(self))

    def __str__(self) -> str:
        places = [
            ("file", self.file),
            ("line", self.line),
            ("row", self.row),
            ("column", self.column),
            ("parameter", self.parameter),
        ]
        where = ", ".join(f"{name} {value}" for name, value in places if value is not None and str(value) not in self.what)
        text = self.what + (f" ({where})" if where else "")
        if self.mend:
            text += ("" if text.endswith((".", "!", "?")) else ".") + " " + self.mend
        unsaid = [name for name in self.candidates if name not in text]
        if unsaid and len(unsaid) == len(self.candidates):
            text += ("" if text.endswith((".", "!", "?")) else ".") + " Nearest: " + ", ".join(self.candidates[:5]) + "."
        return text

    def __reduce__(self) -> tuple[Any, ...]:
        where = {"file": self.file, "column": self.column, "parameter": self.parameter, "row": self.row, "line": self.line}
        return _again, (type(self), self.what, self.mend, {**where, "candidates": self.candidates})


class PlimsollWarning(UserWarning):
    """What the engine warns of: the answer stands, but read this."""


def _again(kind: type[PlimsollError], what: str, mend: str, where: dict[str, Any]) -> PlimsollError:
    return kind(what, mend, **where)


def class_name(code: str) -> str:
    return "".join(word.capitalize() for word in code.split("_"))


def for_python(text: str) -> str:
    """The engine's advice names flags of the command line; here they are keywords."""
    text = re.sub(r"--([a-z][a-z_-]*) REASON", lambda m: m[1].replace("-", "_") + '="REASON"', text)
    text = re.sub(r"--([a-z][a-z_-]*) COLUMN", lambda m: m[1].replace("-", "_") + '="COLUMN"', text)
    return re.sub(r"--([a-z][a-z_-]*[a-z])", lambda m: m[1].replace("-", "_") + "=", text)


def of_json(text: str) -> PlimsollError:
    """The exception of an error as the C interface gives it."""
    from . import errors

    facts = json.loads(text)
    kind = getattr(errors, class_name(facts["code"]), PlimsollError)
    places = ("file", "column", "parameter", "row", "line", "candidates")
    where = {name: facts[name] for name in places if name in facts}
    error = kind(facts.get("what", ""), for_python(facts.get("mend", "")), **where)
    assert isinstance(error, PlimsollError)
    return error
