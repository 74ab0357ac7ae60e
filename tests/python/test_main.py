# SPDX-License-Identifier: Apache-2.0
"""The verbs through Python: fit, apply, assess, prove, verify, save and load, copies."""
import copy
import pickle

import numpy as np
import pyarrow as pa
import pytest

import plimsoll as pl


def numbers(rows, seed=0):
    draw = np.random.default_rng(seed)
    x = draw.normal(size=rows)
    return pa.table({"id": np.arange(rows) + seed * 1_000_000, "mu": x, "y": x + 0.5 * draw.normal(size=rows)})


@pytest.fixture(scope="module")
def model():
    return pl.conformal.Split(alpha=0.1).fit(numbers(2000), target="y", prediction="mu", id="id")


def test_fit_gives_the_rank_of_the_sorted_scores(model):
    table = numbers(2000)
    scores = np.sort(np.abs(table["y"].to_numpy() - table["mu"].to_numpy()))
    bound = scores[int(np.ceil(0.9 * 2001)) - 1]
    out = model.apply(numbers(10, seed=1)).to_arrow()
    mu = numbers(10, seed=1)["mu"].to_numpy()
    np.testing.assert_allclose(out["upper"].to_numpy(), mu + bound, rtol=0, atol=1e-12)
    np.testing.assert_allclose(out["lower"].to_numpy(), mu - bound, rtol=0, atol=1e-12)
    assert out["id"].to_pylist() == numbers(10, seed=1)["id"].to_pylist()


def test_certificate(model):
    promise = model.certificate
    assert promise.n == 2000 and promise.level == pytest.approx(0.9) and "0.9" in promise.promise
    assert promise.exactness == "exact" and promise.falsified_by.startswith("plimsoll prove")
    assert "Certificate" in promise._repr_html_() and promise == model.certificate


def test_saved_loaded_pickled_and_copied_are_the_same_bytes(model, tmp_path):
    path = tmp_path / "model.plim"
    model.save(path)
    assert path.read_bytes() == model.to_bytes()
    for other in (pl.load(path), pl.Model.from_bytes(model.to_bytes()), pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert type(other) is pl.conformal.SplitModel and other == model


def test_a_model_loads_only_as_its_own_class(model):
    with pytest.raises(pl.WrongKind):
        pl.risk.ClassifierModel.from_bytes(model.to_bytes())


def test_assess_and_the_report(model, tmp_path):
    report = model.assess(numbers(4000, seed=2), target="y", prediction="mu")
    # 4000 rows at coverage 0.9: six standard deviations and the calibration's own spread.
    assert abs(report.figures["coverage"] - 0.9) < 6 * (0.09 * (1 / 4000 + 1 / 2000)) ** 0.5
    for suffix in ("html", "json", "md"):
        report.save(tmp_path / f"report.{suffix}")
        assert (tmp_path / f"report.{suffix}").stat().st_size > 200
    assert report._repr_html_().startswith("<iframe") and "<script" not in report._repr_html_().split("srcdoc")[0]
    assert pickle.loads(pickle.dumps(report)).json() == report.json()
    with pytest.raises(pl.BadParameter):
        report.save(tmp_path / "report.docx")


def test_prove_and_verify_again():
    evidence = pl.conformal.Split.prove(seed=3, size="quick")
    assert evidence and evidence.passed and evidence.method == "conformal.split" and evidence.seed == 3
    assert evidence.interval[0] <= evidence.interval[1] and "passed" in evidence._repr_html_()
    assert pl.verify(evidence)
    evidence._facts["observed"] = 0.5
    assert not pl.verify(evidence)


def test_several_tables_and_values():
    draw = np.random.default_rng(0)

    def pool(rows):
        x = draw.normal(size=rows)
        return pa.table({"mu": 0.9 * x, "y": x + 0.6 * draw.normal(size=rows)})

    out = pl.conformal.Select(q=0.2, c=0.5).apply(pool(300), labelled=pool(1000), target="y", prediction="mu")
    assert out.report is not None and len(out) == 300 and set(out.columns) >= {"p_value", "selected"}
    assert sum(out.to_arrow()["selected"].to_pylist()) == out.values["selected"]


def test_methods_show_and_compare():
    method = pl.conformal.Split(alpha=0.2, score="absolute")
    assert repr(method) == "Split(alpha=0.2, score='absolute')" and method.alpha == 0.2
    assert pickle.loads(pickle.dumps(method)) == method and copy.deepcopy(method) == method and method != pl.conformal.Split()
    assert pl.method("conformal.split") is pl.conformal.Split and "conformal.split" in pl.methods()
    assert "alpha" in method._repr_html_()


def test_parameters_reach_the_engine():
    model = pl.conformal.Split(alpha=[0.1, np.float64(0.2)], keep_scores=True).fit(numbers(500), target="y", prediction="mu")
    assert model.parameters["alpha"] == [0.1, 0.2] and model.parameters["keep_scores"] is True
    assert "lower.0.9" in model.apply(numbers(5, seed=1)).columns


def test_seed_and_threads_leave_the_bytes_alone():
    fits = [pl.conformal.Split(randomized=False).fit(numbers(5000), target="y", prediction="mu", threads=threads) for threads in (1, 2)]
    assert fits[0] == fits[1]


def test_warnings_are_python_warnings():
    table = numbers(200)
    model = pl.conformal.Split().fit(table, target="y", prediction="mu")
    with pytest.warns(pl.PlimsollWarning):
        model.assess(table, target="y", prediction="mu")


def test_a_session_goes_on_after_a_restart():
    if "conformal.online" not in pl.methods():
        pytest.skip("no online method in this catalogue")
    draw = np.random.default_rng(4)
    mu, y = draw.normal(size=300), draw.normal(size=300)
    model = pl.conformal.Online(alpha=0.2).fit(pa.table({"mu": mu, "y": y}), target="y", prediction="mu")
    whole, first, second = model.session(), model.session(), model.session()
    rows = [whole.step(prediction=float(m), target=float(t)) for m, t in zip(mu, y)]
    assert [first.step({"prediction": float(m), "target": float(t)}) for m, t in zip(mu[:100], y[:100])] == rows[:100]
    second.restore(first.state())
    assert [second.step(prediction=float(m), target=float(t)) for m, t in zip(mu[100:], y[100:])] == rows[100:]
    with pytest.raises(pl.BadParameter):
        second.step(predicttion=1.0)


def test_verify_and_what_notebooks_show(model):
    findings = model.verify(numbers(2000), target="y", prediction="mu", id="id")
    assert findings and findings.passed and len(findings) == len(list(findings)) and "verified" in str(findings)
    other = model.verify(numbers(2000, seed=9), target="y", prediction="mu", id="id")
    assert not other and "NOT verified" in repr(other)
    out = model.apply(numbers(5, seed=1))
    for shown in (model, findings, other, out, out.table, model.certificate, pl.conformal.Split(prefix="<b>")):
        page = shown._repr_html_()
        assert page.startswith("<div") and page.count("<table>") == page.count("</table>") >= 1 and "<b>" not in page and repr(shown)
