# SPDX-License-Identifier: Apache-2.0
"""From keywords to a call of the engine's one door."""
from __future__ import annotations

import json
import math
import os
import warnings
from typing import Any, Mapping, Sequence, Union

from . import _core, _frames
from ._errors import PlimsollWarning
from ._progress import Bar, Progress, bar_for

Columns = Union[str, Sequence[str]]


def plain(value: Any, kind: str = "") -> Any:
    """A parameter's value as JSON has it: numpy's numbers, lone list items and infinities included."""
    if kind == "text_map" and isinstance(value, Mapping):
        return {str(name): str(text) for name, text in value.items()}
    if kind in {"numbers", "integers", "texts"} and (isinstance(value, (str, int, float)) or hasattr(value, "__float__")):
        if getattr(value, "ndim", 0) == 0:
            value = [value]
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    if value is None or isinstance(value, (bool, str, int, float)):
        return value
    if hasattr(value, "tolist"):  # numpy's numbers and arrays
        return plain(value.tolist())
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, os.PathLike) else value


def given(options: Sequence[tuple[str, str, Any, Any]]) -> dict[str, Any]:
    """Options of a verb, (name, kind, value, default), as JSON has them: those that are not as they were."""
    return {name: plain(value, kind) for name, kind, value, default in options if value is not default and not same(value, default)}


def same(value: Any, default: Any) -> bool:
    try:
        return type(value) is type(default) and bool(value == default)
    except (TypeError, ValueError):  # arrays compare element by element
        return False


def to_json(values: Mapping[str, Any]) -> str:
    from . import errors

    try:
        return json.dumps(values)
    except (TypeError, ValueError) as problem:
        raise errors.BadParameter(f"a parameter has no JSON form: {problem}", "Give numbers, texts, lists or dictionaries of them.") from problem


class CallBuilder:
    """One verb on its way through the door."""

    def __init__(self, verb: str, method: str, model: Any = None) -> None:
        self.verb = verb
        self.core = _core.Call.open(verb, method)
        if model is not None:
            self.core.model(model)

    def inputs(self, ports: Sequence[tuple[str, str, Any]], read: Mapping[str, Any] | None) -> CallBuilder:
        for name, kind, value in ports:
            if value is not None:
                getattr(self, f"_{kind}" if hasattr(self, f"_{kind}") else "_path")(name, value, read)
        return self

    def _table(self, name: str, value: Any, read: Mapping[str, Any] | None) -> None:
        if _frames.is_path(value):
            self.core.path(name, os.fspath(value), to_json(plain(read)) if read else None)
            return
        hold = not _frames.reads_once(value) and self.verb != "apply"
        self.core.stream(name, _frames.stream_capsule(value, name), hold)

    def _document(self, name: str, value: Any, read: Mapping[str, Any] | None) -> None:
        if _frames.is_path(value):
            self.core.path(name, os.fspath(value), None)
        else:
            self.core.document(name, to_json(plain(value)))

    def _artifact(self, name: str, value: Any, read: Mapping[str, Any] | None) -> None:
        if _frames.is_path(value):
            self.core.path(name, os.fspath(value), None)
        else:
            self.core.input_model(name, value._core)

    def _report(self, name: str, value: Any, read: Mapping[str, Any] | None) -> None:
        if _frames.is_path(value):
            self.core.path(name, os.fspath(value), None)
        else:
            self.core.input_report(name, value._core)

    def _path(self, name: str, value: Any, read: Mapping[str, Any] | None) -> None:
        from . import errors

        if not _frames.is_path(value):
            raise errors.WrongKind(f"'{name}' wants a path, got {type(value).__name__}", "Give the path as text.", parameter=name)
        self.core.path(name, os.fspath(value), None)

    def roles(self, roles: Mapping[str, Columns | None]) -> CallBuilder:
        for role, columns in roles.items():
            if columns is not None:
                self.core.columns(None, role, [columns] if isinstance(columns, str) else [str(name) for name in columns])
        return self

    def parameters(self, values: Mapping[str, Any]) -> CallBuilder:
        if values:
            self.core.parameters(to_json(values))
        return self

    def options(self, options: Mapping[str, Any]) -> CallBuilder:
        given = {name: plain(value) for name, value in options.items() if value is not None}
        if given:
            self.core.options(to_json(given))
        return self

    def outputs(self, paths: Mapping[str, Any]) -> CallBuilder:
        for name, path in paths.items():
            if path is not None:
                self.core.output(name, os.fspath(path))
        return self

    def run(self, progress: Progress = None) -> tuple[Any, dict[str, Any]]:
        bar = bar_for(progress)
        try:
            reply = self.core.run(bar)
        finally:
            if isinstance(bar, Bar):
                bar.close()
        facts: dict[str, Any] = json.loads(reply.json())
        for words in facts["warnings"]:
            warnings.warn(words, PlimsollWarning, stacklevel=4)
        return reply, facts
