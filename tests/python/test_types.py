# SPDX-License-Identifier: Apache-2.0
"""What a reader of the package sees: types for a checker, signatures and documentation for people, all of the catalogue."""
import inspect
import json
import os
import pathlib
import pydoc
import subprocess
import sys

import pytest

import plimsoll as pl
from plimsoll import _core, _model

USE = '''
import pandas
import polars
import pyarrow as pa
import plimsoll as pl

def use(table: pa.Table, left: pandas.DataFrame, right: polars.DataFrame) -> float:
    model = pl.conformal.Split(alpha=0.1, score="absolute").fit(left, target="y", prediction="mu")
    out: pl.Output = model.apply(right, keep="all")
    model.assess("rows.parquet", target="y").save("report.html")
    certificate = model.certificate
    evidence: pl.Evidence = pl.conformal.Split.prove(seed=7, size="quick")
    try:
        pl.risk.Classifier(calibrator="isotonic", monotone={"age": 1}).fit(table, target="y", id=["a", "b"])
    except pl.MissingColumn as error:
        print(error.column, error.row, error.mend)
    return (certificate.level if certificate else 0.0) + evidence.observed + len(out)
'''
WRONG = {
    "import plimsoll as pl\npl.conformal.Split(alfa=0.1)\n": "alfa",
    "import plimsoll as pl\npl.conformal.Split(score='lca')\n": "arg-type",
    "import plimsoll as pl\npl.conformal.Split().fit(7, target='y')\n": "arg-type",
    "import plimsoll as pl\npl.conformal.Splitt()\n": "attr-defined",
}


@pytest.fixture(scope="module")
def mypy(tmp_path_factory):
    """The checker's words on a folder of files or on the package."""
    pytest.importorskip("mypy")
    cache = tmp_path_factory.mktemp("cache")
    package = pathlib.Path(pl.__file__).parent.parent

    def words(folder, *arguments):
        environment = {**os.environ, "MYPYPATH": str(package), "MYPY_CACHE_DIR": str(cache)}
        command = [sys.executable, "-m", "mypy", "--strict", "--ignore-missing-imports", *arguments]
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True).stdout.splitlines()

    return words


def test_the_package_is_clean(mypy, tmp_path):
    assert (pathlib.Path(pl.__file__).parent / "py.typed").exists()
    shown = mypy(tmp_path, "-p", "plimsoll")
    assert shown and not [line for line in shown if "error:" in line and "plimsoll" in line], "\n".join(shown)


def test_a_checker_takes_right_use_and_refuses_wrong(mypy, tmp_path):
    (tmp_path / "right.py").write_text(USE)
    for number, code in enumerate(WRONG):
        (tmp_path / f"wrong{number}.py").write_text(code)
    shown = mypy(tmp_path, *(path.name for path in sorted(tmp_path.glob("*.py"))))
    assert not [line for line in shown if line.startswith("right.py")], "\n".join(shown)
    for number, word in enumerate(WRONG.values()):
        assert [line for line in shown if line.startswith(f"wrong{number}.py:2") and word in line], "\n".join(shown)


def test_pyright(tmp_path):
    pytest.skip("pyright is a Node program that fetches itself at first use; mypy reads the same types above")


@pytest.mark.parametrize("id", pl.methods())
def test_every_method_has_its_class(id):
    described = json.loads(_core.method(id))
    kind = pl.method(id)
    assert issubclass(kind, pl.Method) and kind.id == id
    about = described["about"]
    held = {verb for verb in about if hasattr(kind, verb) or hasattr(kind._model_class, verb) or (verb == "step" and hasattr(kind._model_class, "session"))}
    assert held == set(about), set(about) - held
    document = pydoc.plain(pydoc.render_doc(kind))
    assert described["card"].strip().splitlines()[-1].strip()[:40] in document
    for verb in ("fit", "apply", "assess", "verify", "report"):
        for holder in (kind, kind._model_class):
            function = getattr(holder, verb, None)
            if function is None or verb not in about:
                continue
            names = set(inspect.signature(function).parameters)
            for port in about[verb]["inputs"]:
                own_model = port["kind"] == "artifact" and port.get("method") == id
                assert own_model or {port["name"], port["name"] + "_"} & names, (verb, port["name"])
                for role in port["roles"]:
                    assert {role["role"], role["role"] + "_"} & names, (verb, role["role"])
            assert "Parameters" in (function.__doc__ or "")


@pytest.mark.parametrize("id", pl.methods())
def test_defaults_are_those_of_the_engine(id):
    """A class made with nothing sends nothing; one told its own defaults sends nothing either."""
    kind = pl.method(id)
    needed = [name for name, p in inspect.signature(kind).parameters.items() if p.default is inspect.Parameter.empty]
    if needed:
        pytest.skip(f"{id} has parameters without a default: {', '.join(needed)}")
    method = kind()
    assert method._given() == {} and kind(**{_model.written(name): value for name, value in kind._defaults.items()})._given() == {} and eval(repr(method), vars(pl.method.__globals__["importlib"].import_module(kind.__module__))) == method


def test_help_of_the_package():
    assert {"conformal", "risk", "MissingColumn", "Model", "Report", "load", "methods"} <= set(dir(pl))
    assert "pl.conformal.Split" in pl.__doc__ and pl.__version__.count(".") == 2
    text = pydoc.plain(pydoc.render_doc(pl.conformal.Split.fit))
    assert "target" in text and "the true label" in text
