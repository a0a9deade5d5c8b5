"""The deployed panel laid open: asked about what is left, in calibrated log-odds, and about other values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.engine import Parts
from suwen.core.prediction import Abstention
from suwen.engines.panel import opened
from suwen.engines.panel.engine import engine
from suwen.engines.panel.settings import check
from suwen.explain.players import explain_players

TEMPERATURE = 1.6


@pytest.fixture
def served(rows: Callable[..., Any], slopes: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    def make(**named: Any) -> Any:
        samples, task = rows(), slopes(**named)
        parts = Parts(
            train=tuple(samples), validation=(), groups=tuple(sample.subject_id for sample in samples)
        )
        engine.fit(task, parts, check({"folds": 2}), tmp_path, seed=0, progress=lambda _: None)
        return engine.load(task, tmp_path / "model", {"calibration": {"temperature": TEMPERATURE}})

    return make


def log_odds(model: Any, samples: list[Any]) -> Any:
    logits = model.logits(samples) / TEMPERATURE
    return logits[:, 1] - logits[:, 0]


def test_everybody_present_is_the_answer_and_nobody_is_the_usual_one(
    served: Callable[..., Any], rows: Callable[..., Any]
) -> None:
    model, sample = served(), rows(5)[3]
    players = model.open_up(sample, 1)
    assert set(players.variables) == {"strong", "weak", "none"}
    assert players.periods == (None, None, None)
    assert players.outputs == ("log-odds of ill",)
    assert players.unit == "log-odds"
    present = np.array([[True] * 3, [False] * 3])
    usual = np.asarray(model.context["usual"], np.float32)
    plain = replace(sample, inputs={"row": replace(sample.inputs["row"], values=usual)})
    np.testing.assert_allclose(players.answer(present)[:, 0], log_odds(model, [sample, plain]), atol=1e-9)
    assert players.said == pytest.approx(log_odds(model, [sample]))
    other = model.open_up(sample, 0)
    np.testing.assert_allclose(other.answer(present), -players.answer(present), atol=1e-9)


def test_the_usual_value_is_the_median_of_those_it_learned_from(
    served: Callable[..., Any], rows: Callable[..., Any]
) -> None:
    values = np.stack([sample.inputs["row"].values for sample in rows()])
    np.testing.assert_allclose(served().context["usual"], np.median(values, axis=0), rtol=1e-6)


def test_another_value_is_another_risk(served: Callable[..., Any], rows: Callable[..., Any]) -> None:
    model, sample = served(), rows(5)[3]
    players = model.open_up(sample, 1)
    assert players.latest == pytest.approx(
        dict(zip(sample.inputs["row"].names, sample.inputs["row"].values.tolist(), strict=True))
    )
    low, same, high = players.edited([{"strong": -3.0}, {}, {"strong": 3.0}])
    assert 0 < low < same < high < 1
    assert same == pytest.approx(1 / (1 + np.exp(-float(log_odds(model, [sample])[0]))))


def test_shapley_values_of_a_linear_model_are_its_terms(
    served: Callable[..., Any], rows: Callable[..., Any]
) -> None:
    model, sample = served(), rows(5)[3]
    why = explain_players(model.open_up(sample, 1), "shapley")
    assert why.passed
    got = {row["variable"]: row["value"] for row in why.values["rows"]}
    usual = np.asarray(model.context["usual"])
    for at, name in enumerate(("strong", "weak", "none")):
        changed = sample.inputs["row"].values.copy()
        changed[at] = usual[at]
        without = replace(sample, inputs={"row": replace(sample.inputs["row"], values=changed)})
        both = log_odds(model, [sample, without])
        assert got[name] == pytest.approx(both[0] - both[1], abs=1e-6)


def test_wide_tables_are_screened_in_chunks(
    served: Callable[..., Any], rows: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, sample = served(), rows(5)[3]
    asked: list[int] = []
    real = type(model).logits

    def counted(self: Any, samples: Any) -> Any:
        asked.append(len(samples))
        return real(self, samples)

    monkeypatch.setattr(type(model), "logits", counted)
    monkeypatch.setattr(opened, "FEW_COLUMNS", 2)
    players = model.open_up(sample, 1)
    assert asked[0] == 1 + 2, "the sample, and two chunks of its three columns"
    assert set(players.variables) == {"strong", "weak", "none"}


def test_who_is_not_answered_for_has_no_scores(served: Callable[..., Any], rows: Callable[..., Any]) -> None:
    def gate(sample: Any) -> Abstention | None:
        return Abstention(code="odd", reason="odd") if int(sample.source.split()[1]) % 2 else None

    model, samples = served(gate=gate), rows(6)
    answers = model.infer(samples)
    assert [one.abstained and one.abstained.code for one in answers] == [None, "odd"] * 3
    assert [one.logits is None for one in answers] == [False, True] * 3
    np.testing.assert_allclose([one.logits for one in answers[::2]], model.logits(samples[::2]))
    assert [one is None for one in model.gates(samples)] == [True, False] * 3
    assert len(model.infer([samples[1]])) == 1
    assert model.units(samples) is None
