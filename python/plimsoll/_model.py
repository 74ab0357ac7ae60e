# SPDX-License-Identifier: Apache-2.0
"""Methods before a fit and models after it. The classes with names are written by generate.py over these two."""
from __future__ import annotations

import html
import json
import keyword
import os
from typing import Any, ClassVar, Mapping, Sequence

from . import _core
from ._call import CallBuilder, Columns, plain, same
from ._progress import Progress
from ._results import Certificate, Evidence, Findings, Output, Report, _card


class Method:
    """A method of the catalogue with its parameters."""

    id: ClassVar[str] = ""
    _kinds: ClassVar[Mapping[str, str]] = {}      # of the constructor's parameters
    _defaults: ClassVar[Mapping[str, Any]] = {}
    _model_class: ClassVar[type[Model] | None] = None

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self.parameters: dict[str, Any] = dict(parameters)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "parameters":
            raise AttributeError(name)
        try:
            return self.parameters[name if name in self.parameters else name.removesuffix("_")]
        except KeyError:
            raise AttributeError(f"{self.id} has no parameter {name!r}") from None

    def _given(self) -> dict[str, Any]:
        """Parameters as JSON has them: those that are not as they were."""
        given = {}
        for name, value in self.parameters.items():
            if name in self._defaults and same(value, self._defaults[name]):
                continue
            given[name] = plain(value, self._kinds.get(name, ""))
        return given

    def _fit(self, builder: CallBuilder, progress: Progress) -> Any:
        reply, facts = builder.parameters(self._given()).run(progress)
        assert self._model_class is not None
        return self._model_class(reply.model(), warnings=facts["warnings"])

    def __repr__(self) -> str:
        shown = [f"{written(name)}={value!r}" for name, value in self.parameters.items() if name not in self._defaults or not same(value, self._defaults[name])]
        return f"{type(self).__name__}({', '.join(shown)})"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and isinstance(other, Method) and self._given() == other._given()

    def _repr_html_(self) -> str:
        return _card(self.id, {name: repr(value) for name, value in self.parameters.items()})


def written(name: str) -> str:
    """A parameter as Python writes it: from_ for from."""
    return name + "_" if keyword.iskeyword(name) else name


class Model:
    """A fitted model: what was learned, its certificate, and where it came from."""

    id: ClassVar[str] = ""

    def __init__(self, core: Any, warnings: Sequence[str] = ()) -> None:
        self._core = core
        self.warnings: list[str] = list(warnings)
        self._facts: dict[str, Any] | None = None

    def info(self) -> dict[str, Any]:
        """What ``plimsoll inspect`` shows: method, parameters, schema, provenance, certificate, sizes."""
        if self._facts is None:
            self._facts = json.loads(self._core.json())
        return self._facts

    @property
    def certificate(self) -> Certificate | None:
        """What is promised; None where nothing is."""
        facts = self.info().get("certificate")
        return Certificate(facts) if facts else None

    @property
    def parameters(self) -> dict[str, Any]:
        found = self.info().get("parameters", {})
        return json.loads(found) if isinstance(found, str) else dict(found)

    def save(self, path: str | os.PathLike[str]) -> None:
        """As an artifact (.plim)."""
        self._core.save(os.fspath(path))

    def to_bytes(self) -> bytes:
        """The bytes of the artifact: the same model gives the same bytes."""
        data: bytes = self._core.bytes()
        return data

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Any:
        """Of an artifact's file. Sizes, hashes and bounds are checked before anything is believed."""
        return _checked(cls, model_of(_core.Model.load(os.fspath(path))))

    @classmethod
    def from_bytes(cls, data: bytes) -> Any:
        return _checked(cls, model_of(_core.Model.from_bytes(data)))

    def __reduce__(self) -> tuple[Any, ...]:
        return _model_again, (self.to_bytes(),)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Model) and self.to_bytes() == other.to_bytes()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        promise = self.certificate
        return f"<plimsoll model of {self.info().get('method', self.id)}{': ' + promise.promise if promise else ''}>"

    def _repr_html_(self) -> str:
        facts = self.info()
        parameters = ", ".join(f"{name} = {value}" for name, value in self.parameters.items())
        rows = {"parameters": parameters, "seed": facts.get("seed"), "engine": facts.get("engine")}
        promise = self.certificate
        title = f"<div>{_card('model of ' + str(facts.get('method', self.id)), rows)}"
        return title + (promise._repr_html_() if promise else "<p>" + html.escape("promises nothing") + "</p>") + "</div>"


def _checked(kind: type[Model], model: Model) -> Model:
    if kind is Model or isinstance(model, kind):
        return model
    from . import errors

    raise errors.WrongKind(f"the artifact is one of {model.id}, not of {kind.id}", "Use plimsoll.load(path), which gives each its own class.")


def model_of(core: Any) -> Model:
    """The class of its method around an artifact."""
    from . import method

    kind = method(json.loads(core.json())["method"])._model_class
    return (kind or Model)(core)


def _model_again(data: bytes) -> Model:
    return model_of(_core.Model.from_bytes(data))


def prove(method: str, seed: int, size: str, threads: int, progress: Progress) -> Evidence:
    builder = CallBuilder("prove", method).parameters({"seed": plain(seed), "size": size}).options({"threads": threads})
    _, facts = builder.run(progress)
    return Evidence(facts["evidence"], facts["evidence_text"])


def applied(builder: CallBuilder, parameters: Mapping[str, Any], progress: Progress) -> Output:
    return Output(*builder.parameters(parameters).run(progress))


def reported(builder: CallBuilder, parameters: Mapping[str, Any], progress: Progress) -> Report:
    reply, _ = builder.parameters(parameters).run(progress)
    return Report(reply.report())


def verified(builder: CallBuilder, progress: Progress) -> Findings:
    _, facts = builder.run(progress)
    return Findings(facts["findings"], facts["passed"])


class Session:
    """An online session: one event at a time, with a state that survives a restart."""

    def __init__(self, model: Model) -> None:
        self._core = _core.Session.open(model._core)

    def step(self, event: Mapping[str, Any] | None = None, /, **fields: Any) -> dict[str, Any]:
        """Answers one event, given as a mapping or as keywords."""
        from ._call import to_json

        row: dict[str, Any] = json.loads(self._core.step(to_json(plain({**(event or {}), **fields}))))
        return row

    def state(self) -> bytes:
        """To go on from after a restart."""
        data: bytes = self._core.state()
        return data

    def restore(self, state: bytes) -> None:
        self._core.restore(state)


__all__ = ["Columns", "Method", "Model", "Session"]
