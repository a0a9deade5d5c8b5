"""Published scores judged: they rank and warn, at the threshold their authors published, and are no probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from suwen.core.errors import UnknownSetting
from suwen.core.sample import Sample
from suwen.core.tally import Sheet
from suwen.lifecycle.discovery import find
from suwen.lifecycle.judges import Judged, judge_of
from suwen.lifecycle.judges.points import NOT_PROBABILITIES, decision, said

TASK = find("signals.deterioration")
FACTS = {"urgent": {"news2": 5, "qsofa": 2}, "maximum": {"news2": 20, "qsofa": 3}}
MANIFEST = {"engine_manifest": FACTS, **decision(FACTS)}


def judged(totals: list[float], qsofa: list[float], ill: list[int]) -> Judged:
    samples = [
        Sample(
            subject_id=f"s{at}",
            inputs={},
            target="deteriorated" if one else "stable",
            attributes={"ward": "7"},
        )
        for at, one in enumerate(ill)
    ]
    return Judged(
        samples=samples,
        scores=np.array(totals)[:, None],
        units=None,
        baselines={"qsofa": np.array(qsofa)[:, None]},
        split="test",
        data_fingerprint="f",
    )


def test_figures_at_the_published_threshold() -> None:
    totals = [0, 1, 4, 5, 6, 7, 5, 2, 9, 4]
    ill = [0, 0, 0, 0, 1, 1, 1, 1, 1, 1]
    report = judge_of(TASK).report(TASK, MANIFEST, judged(totals, [0, 0, 0, 2, 2, 3, 1, 0, 2, 1], ill))
    figures = {name: one.value for name, one in report.metrics.items()}
    assert figures["sensitivity"] == pytest.approx(4 / 6)
    assert figures["specificity"] == pytest.approx(3 / 4)
    assert figures["ppv"] == pytest.approx(4 / 5)
    pairs = [(a > b) + 0.5 * (a == b) for a, i in zip(totals, ill, strict=True) if i
             for b, j in zip(totals, ill, strict=True) if not j]  # fmt: skip
    assert figures["auroc"] == pytest.approx(np.mean(pairs))
    assert not {"brier", "ece", "calibration_slope"} & set(figures)
    assert report.baselines["qsofa"]["sensitivity"].value == pytest.approx(3 / 6)
    assert "auroc_minus_qsofa" in report.differences
    assert NOT_PROBABILITIES in report.warnings
    (table,) = report.curves["tables"]  # type: ignore[misc]
    assert table["rows"][0][:3] == ["0", 1, 0]
    assert sum(row[1] for row in table["rows"]) == 10


def test_stays_without_a_vital_sign_are_left_out_and_counted() -> None:
    report = judge_of(TASK).report(
        TASK, MANIFEST, judged([0, float("nan"), 7, 8], [0, float("nan"), 2, 3], [0, 1, 1, 0])
    )
    assert report.n == 3
    assert any("1 stays without any vital sign" in one for one in report.warnings)


def test_only_the_published_threshold_is_known() -> None:
    judge = judge_of(TASK)
    judge.rule("published")
    with pytest.raises(UnknownSetting):
        judge.rule("sensitivity>=0.95")
    found = decision(FACTS)
    assert found["operating_point"] == {"rule": "published", "threshold": 5.0}
    assert found["baselines"] == {"qsofa": 2.0}
    assert found["conformal"]["quantile"] is None


@pytest.mark.parametrize(
    ("least", "most", "band", "worst", "words"),
    [
        (7, 7, "high", "high", "NEWS2 7 of 20: high"),
        (7, 9, "high", "high", "NEWS2 7 to 9 of 20: high (open: )"),
        (1, 5, "low", "medium", "NEWS2 1 to 5 of 20: at least low, could be medium (open: )"),
    ],
)
def test_a_score_in_one_line(least: int, most: int, band: str, worst: str, words: str) -> None:
    parts: dict[str, Any] = {"title": "t", "source": "s", "hour": 0.0, "maximum": 20, "parts": (), "level": 0}
    sheet = Sheet(
        name="NEWS2", least=least, most=most, band=band, band_most=worst, response="", monitoring="", **parts
    )
    assert said(sheet) == words
