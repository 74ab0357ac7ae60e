# SPDX-License-Identifier: Apache-2.0
"""What verbs give back: tables, certificates, reports, evidence, findings."""
from __future__ import annotations

import html
import json
import os
from typing import Any, Iterator, Mapping

from . import _core


def _row(name: str, value: object) -> str:
    return f"<tr><th style='text-align:left;vertical-align:top'>{html.escape(name)}</th><td style='text-align:left'>{html.escape(str(value))}</td></tr>"


def _card(title: str, rows: Mapping[str, object], words: str = "") -> str:
    body = "".join(_row(name, value) for name, value in rows.items() if value not in (None, "", [], {}))
    return f"<div><strong>{html.escape(title)}</strong>{f'<p>{html.escape(words)}</p>' if words else ''}<table>{body}</table></div>"


class Table:
    """A table in Arrow memory. Any Arrow-speaking library takes it without a copy.

    >>> polars.DataFrame(table); pyarrow.table(table); duckdb.sql("select * from table")
    """

    def __init__(self, reply: Any, facts: Mapping[str, Any]) -> None:
        self._reply = reply
        self.name: str = facts["name"]
        self.rows: int = facts["rows"]
        self.columns: list[str] = [column["name"] for column in facts["columns"]]
        self._types: dict[str, str] = {column["name"]: column["type"] for column in facts["columns"]}

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._reply.table(self.name)

    def __len__(self) -> int:
        return self.rows

    def to_arrow(self) -> Any:
        """As a pyarrow.Table, without a copy."""
        import pyarrow

        return pyarrow.table(self)

    def to_pandas(self) -> Any:
        """As a pandas.DataFrame (by way of pyarrow; pandas copies)."""
        return self.to_arrow().to_pandas()

    def to_polars(self) -> Any:
        """As a polars.DataFrame."""
        import polars

        return polars.DataFrame(self)

    def to_duckdb(self, connection: Any = None) -> Any:
        """As a DuckDB relation, of the default connection or of the one given."""
        import duckdb

        return (connection or duckdb).from_arrow(self.to_arrow())

    def __repr__(self) -> str:
        return f"<plimsoll.Table {self.name}: {self.rows:,} rows, columns {', '.join(self.columns)}>"

    def _repr_html_(self) -> str:
        return _card(f"{self.name}: {self.rows:,} rows", self._types)


class Certificate:
    """What is promised, under which assumptions, and how it could be falsified.

    Attributes
    ----------
    promise : str
        The sentence, with its numbers in it.
    level : float
        The promised probability.
    n : int
        Rows that certify.
    assumptions : list of str
    exactness : str
        ``exact``, ``asymptotic`` or ``heuristic``.
    falsified_by : str
        The experiment that could show it wrong.
    """

    promise: str
    level: float
    delta: float
    n: int
    assumptions: list[str]
    exactness: str
    vacuous: bool
    remarks: list[str]
    falsified_by: str
    law: str
    values: dict[str, float]
    versions: dict[str, str]
    template_id: str
    allowed_overlap: str

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self._facts = dict(facts)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_facts":
            raise AttributeError(name)
        try:
            return self._facts[name]
        except KeyError:
            raise AttributeError(f"a certificate has no {name!r}; it has {', '.join(sorted(self._facts))}") from None

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._facts]

    def to_dict(self) -> dict[str, Any]:
        return dict(self._facts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and self._facts == other._facts

    def __str__(self) -> str:
        lines = [self.promise]
        lines += [f"assumes: {words}" for words in self._facts.get("assumptions", [])]
        lines += [f"remark: {words}" for words in self._facts.get("remarks", [])]
        if self._facts.get("falsified_by"):
            lines.append(f"falsified by: {self.falsified_by}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<plimsoll.Certificate {self.promise!r}>"

    def _repr_html_(self) -> str:
        shown = {name: self._facts.get(name) for name in ("exactness", "n", "law", "falsified_by")}
        shown["assumptions"] = "; ".join(self._facts.get("assumptions", []))
        shown["remarks"] = "; ".join(self._facts.get("remarks", []))
        return _card("Certificate", shown, self.promise)


class Report:
    """Text, tables and figures; one offline HTML file, JSON or Markdown."""

    def __init__(self, core: Any) -> None:
        self._core = core

    def save(self, path: str | os.PathLike[str]) -> None:
        """By suffix: .html, .json or .md."""
        self._core.save(os.fspath(path))

    def html(self) -> str:
        text: str = self._core.text("html")
        return text

    def markdown(self) -> str:
        text: str = self._core.text("markdown")
        return text

    def json(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads(self._core.text("json"))
        return facts

    @property
    def title(self) -> str:
        return str(self.json().get("title", ""))

    @property
    def verdict(self) -> str:
        """The method's own scale (green, yellow, red ...); empty if it has none."""
        return str(self.json().get("verdict", ""))

    @property
    def figures(self) -> dict[str, float]:
        """The headline numbers by name."""
        numbers = self.json().get("figures", {})
        pairs = numbers.items() if isinstance(numbers, dict) else [(item["name"], item["value"]) for item in numbers]
        return {name: float(value) if value is not None else float("nan") for name, value in pairs}

    def __reduce__(self) -> tuple[Any, ...]:
        return _report_again, (self._core.text("json"),)

    def __repr__(self) -> str:
        return f"<plimsoll.Report {self.title!r}>"

    def _repr_html_(self) -> str:
        page = html.escape(self.html(), quote=True)
        return f'<iframe title="{html.escape(self.title, quote=True)}" srcdoc="{page}" style="width:100%;height:48em;border:0"></iframe>'


def _report_again(text: str) -> Report:
    return Report(_core.Report.from_json(text))


class Evidence:
    """The outcome of a method's falsifiable experiment.

    Attributes
    ----------
    passed : bool
    claim : str
    level, observed : float
    interval : tuple of float
        At 1 - false_alarm.
    trials, seed : int
    figures : dict
    """

    def __init__(self, facts: Mapping[str, Any], text: str) -> None:
        self._facts = dict(facts)
        self._text = text
        self.method: str = facts["method"]
        self.claim: str = facts["claim"]
        self.level: float = float(facts["level"])
        self.observed: float = float(facts["observed"])
        low, high = facts["interval"]
        self.interval: tuple[float, float] = (float(low), float(high))
        self.trials: int = facts["trials"]
        self.seed: int = facts["seed"]
        self.passed: bool = facts["passed"]
        self.false_alarm: float = float(facts["false_alarm"])
        self.detects: str = facts["detects"]
        self.figures: dict[str, Any] = facts["figures"]

    def to_dict(self) -> dict[str, Any]:
        return dict(self._facts)

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"<plimsoll.Evidence {self.method}: {'passed' if self.passed else 'FAILED'}, observed {self.observed:g}, claimed {self.level:g}>"

    def _repr_html_(self) -> str:
        shown = {name: self._facts[name] for name in ("level", "observed", "interval", "trials", "seed", "detects")}
        return _card(f"{self.method}: {'passed' if self.passed else 'FAILED'}", shown, self.claim)


class Findings:
    """What an independent check saw."""

    def __init__(self, findings: list[dict[str, str]], passed: bool) -> None:
        self.findings = findings
        self.passed = passed

    def __bool__(self) -> bool:
        return self.passed

    def __iter__(self) -> Iterator[dict[str, str]]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __str__(self) -> str:
        lines = [f"{f['severity']}: {f['subject']}: {f['text']}" + (f". {f['mend']}" if f["mend"] else "") for f in self.findings]
        return "\n".join([*lines, "verified" if self.passed else "NOT verified"])

    def __repr__(self) -> str:
        return f"<plimsoll.Findings {'verified' if self.passed else 'NOT verified'}, {len(self.findings)} findings>"

    def _repr_html_(self) -> str:
        rows = {f"{i + 1} {f['severity']}: {f['subject']}": f["text"] for i, f in enumerate(self.findings)}
        return _card("verified" if self.passed else "NOT verified", rows)


class Output:
    """What an apply gives: one or more tables, sometimes a report, a certificate, single values.

    It speaks Arrow as its first table does, so it goes straight into ``polars.DataFrame(...)`` or ``pyarrow.table(...)``.
    Each output also stands under its own name: ``output.rows``.
    """

    def __init__(self, reply: Any, facts: Mapping[str, Any]) -> None:
        from . import _model

        self.tables: dict[str, Table] = {}
        self.named: dict[str, Any] = {}
        for output in facts["outputs"]:
            name, kind = output["name"], output["kind"]
            if kind == "table":
                self.tables[name] = self.named[name] = Table(reply, output)
            elif kind == "report":
                self.named[name] = Report(reply.report(name))
            elif kind == "document":
                self.named[name] = json.loads(reply.document(name))
            elif kind == "artifact":
                self.named[name] = _model.model_of(reply.artifact(name))
        self.values: dict[str, Any] = facts["values"]
        self.warnings: list[str] = facts["warnings"]
        self.certificate: Certificate | None = Certificate(facts["certificate"]) if "certificate" in facts else None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in {"named", "values"}:
            raise AttributeError(name)
        for source in (self.named, self.values):
            if name in source:
                return source[name]
        raise AttributeError(f"this output has no {name!r}; it has {', '.join([*self.named, *self.values])}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.named, *self.values]

    @property
    def table(self) -> Table:
        """The first table."""
        from . import errors

        if not self.tables:
            raise errors.WrongKind("this output holds no table", f"It holds {', '.join(self.named) or 'values alone'}.")
        return next(iter(self.tables.values()))

    @property
    def report(self) -> Report | None:
        """The first report, if there is one."""
        return next((value for value in self.named.values() if isinstance(value, Report)), None)

    @property
    def columns(self) -> list[str]:
        return self.table.columns

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)

    def __len__(self) -> int:
        return len(self.table)

    def __bool__(self) -> bool:
        return True

    def to_arrow(self) -> Any:
        """The first table as a pyarrow.Table, without a copy."""
        return self.table.to_arrow()

    def to_pandas(self) -> Any:
        """The first table as a pandas.DataFrame."""
        return self.table.to_pandas()

    def to_polars(self) -> Any:
        """The first table as a polars.DataFrame."""
        return self.table.to_polars()

    def to_duckdb(self, connection: Any = None) -> Any:
        """The first table as a DuckDB relation."""
        return self.table.to_duckdb(connection)

    def __repr__(self) -> str:
        parts = [f"{name}: {len(value):,} rows" if isinstance(value, Table) else f"{name}: {type(value).__name__}" for name, value in self.named.items()]
        parts += [f"{name} = {value}" for name, value in self.values.items()]
        return f"<plimsoll.Output {'; '.join(parts)}>"

    def _repr_html_(self) -> str:
        parts = [value._repr_html_() for value in self.named.values() if isinstance(value, Table)]
        parts += [_card("values", self.values)] if self.values else []
        parts += [self.certificate._repr_html_()] if self.certificate else []
        return "".join(parts)
