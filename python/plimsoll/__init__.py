# SPDX-License-Identifier: Apache-2.0
"""Estimates risk, guarantees how far the number can be trusted, acts on it, accounts for it.

>>> import plimsoll as pl
>>> model = pl.conformal.Split(alpha=0.1).fit(frame, target="y", probability="p_*")
>>> model.apply(new).to_polars(); model.certificate; model.save("model.plim")

A frame is anything that speaks the Arrow PyCapsule interface (pyarrow, pandas, polars, DuckDB, ...) or the path of a file.
``pl.methods()`` lists the catalogue; ``help(pl.conformal.Split)`` is a method's card.
"""
from __future__ import annotations

import importlib
import os
from typing import Any

from . import _core
from ._errors import PlimsollError, PlimsollWarning

__version__: str = _core.version()

_HOMES = {
    "Frame": "_frames",
    "Certificate": "_results",
    "Evidence": "_results",
    "Findings": "_results",
    "Output": "_results",
    "Report": "_results",
    "Table": "_results",
    "Method": "_model",
    "Model": "_model",
    "Session": "_model",
}


def methods() -> list[str]:
    """The ids of the catalogue."""
    import json

    return [line["id"] for line in json.loads(_core.methods())]


def method(id: str) -> Any:
    """The class of a method by its id: ``pl.method("conformal.split")`` is ``pl.conformal.Split``."""
    import json

    family, _, name = json.loads(_core.method(id))["id"].partition(".")
    return getattr(importlib.import_module(f"{__name__}.{family}"), "".join(word.capitalize() for word in name.split("_")))


def load(path: str | os.PathLike[str]) -> Any:
    """A model of its artifact's file (.plim), in the class of its method."""
    from ._model import Model

    return Model.load(path)


def verify(evidence: Any, threads: int = 0) -> bool:
    """Runs the experiment of an Evidence again and says whether it gives the same figures."""
    from ._model import prove

    for size in ("quick", "normal", "full"):
        again = prove(evidence.method, evidence.seed, size, threads, None)
        if again.trials == evidence.trials or size == "full":
            return again.passed and again.to_dict() == evidence.to_dict()
    return False


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    elif name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    elif name[:1].isupper():
        errors = importlib.import_module(f"{__name__}.errors")
        if not hasattr(errors, name):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(errors, name)
    else:
        try:
            value = importlib.import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as problem:
            if problem.name != f"{__name__}.{name}":
                raise
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    errors = importlib.import_module(f"{__name__}.errors")

    families = {line.partition(".")[0] for line in methods()}
    return sorted({*globals(), *_HOMES, *families, *errors.__all__})
