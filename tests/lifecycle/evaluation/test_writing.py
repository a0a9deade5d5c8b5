from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from suwen.core.errors import MissingExtra
from suwen.core.report import Estimate, Report
from suwen.core.task import DISCLAIMER, Forecast, Task, TimeToEvent
from suwen.lifecycle.evaluation.document import read_report
from suwen.lifecycle.evaluation.html import page
from suwen.lifecycle.evaluation.plots import draw
from suwen.lifecycle.evaluation.report import build_report
from suwen.lifecycle.evaluation.writing import write_report

PLOTS = ("roc", "pr", "reliability", "confusion", "risk_coverage", "decision_curve")


@pytest.fixture
def evaluated(two: tuple[np.ndarray, ...], make_task: Callable[..., Task]) -> tuple[Report, Task]:
    p, labels, subjects = two
    task = make_task(
        title="Pneumonia <script>alert(1)</script>",
        classes=("正常", "肺炎 & more"),
        floor={"auroc": 0.7, "ece": 0.001},
    )
    report = build_report(
        task=task,
        split="test",
        probabilities=p,
        labels=labels,
        subjects=subjects,
        threshold=0.4,
        conformal_quantile=0.6,
        rule="sensitivity>=0.95",
        groups={"sex": np.where(np.arange(400) % 3, "F", "<M>")},
        baselines={"prior": np.full((400, 2), 0.5)},
        baseline_thresholds={"prior": 0.5},
        warnings=("A thumbnail predicts the label <b>.",),
        data_fingerprint="cd" * 32,
        resamples=100,
    )
    return report, task


class Links(HTMLParser):
    """Everything a page could load."""

    def __init__(self) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if name in {"src", "href", "srcset", "data"}]


def test_files(evaluated: tuple[Report, Task], tmp_path: Path) -> None:
    written = write_report(tmp_path / "new", *evaluated, {"model": "imaging.pneumonia@1"})
    names = ["report.json", "report.html", *(f"{name}.png" for name in PLOTS)]
    assert [path.name for path in written] == names
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(names)
    for path in written[2:]:
        with Image.open(path) as picture:
            assert picture.format == "PNG"
            assert min(picture.size) > 500


def test_the_page_is_self_contained_and_escaped(evaluated: tuple[Report, Task], tmp_path: Path) -> None:
    write_report(tmp_path, *evaluated, {"model": "imaging.pneumonia@<1>", "weights_sha256": "0f" * 32})
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    links = Links()
    links.feed(text)
    assert len(links.sources) == len(PLOTS)
    assert all(source.startswith("data:image/png;base64,") for source in links.sources)
    assert not {"script", "link", "iframe", "m"} & set(links.tags)
    assert "url(" not in text
    assert "@import" not in text
    for said in (
        "&lt;script&gt;",
        "imaging.pneumonia@&lt;1&gt;",
        "sex=&lt;M&gt;",
        "肺炎 &amp; more",
        "Orders the reading list.",
        "Ruling pneumonia out.",
        DISCLAIMER,
        "cd" * 32,
        "below the floor",
        "sensitivity&gt;=0.95",
    ):
        assert said in text, said
    assert text.index("A thumbnail predicts the label &lt;b&gt;.") < text.index("<h2>Figures</h2>")
    auroc = re.search(r">AUROC</th>(.*?)</tr>", text)
    assert auroc is not None
    assert auroc[1].count("<td") == 4  # model, baseline, difference, floor


@pytest.fixture
def many(two: tuple[np.ndarray, ...], make_task: Callable[..., Task]) -> tuple[Report, Task]:
    """A model among six others, of which one is better."""
    p, labels, subjects = two
    rng = np.random.default_rng(0)

    def other(noise: float, help_: float = 0.0) -> np.ndarray:
        odds = np.log(p[:, 1] / p[:, 0]) + noise * rng.normal(size=len(p)) + help_ * (labels - 0.5)
        return np.stack([1 / (1 + np.exp(odds)), 1 / (1 + np.exp(-odds))], axis=1)

    others = {f"rival_{i}": other(i) for i in range(1, 6)} | {"<oracle>": other(0.1, 2.0)}
    task = make_task(metrics=("auprc", "auroc", "event1", "conformal_coverage"), floor={"auroc": 0.7})
    report = build_report(
        task=task,
        split="test",
        probabilities=p,
        labels=labels,
        subjects=subjects,
        threshold=0.4,
        conformal_quantile=0.6,
        groups={"sex": np.where(np.arange(400) % 3, "F", "M")},
        baselines=others,
        baseline_thresholds=dict.fromkeys(others, 0.5),
        resamples=50,
    )
    return report, task


def test_many_contestants_are_ranked_and_the_deployed_one_is_marked(
    many: tuple[Report, Task], tmp_path: Path
) -> None:
    report, task = many
    write_report(tmp_path, report, task, {"model": "x@1", "winner": "ensemble"})
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    contest = text[text.index("Who competed") : text.index("<h2>Figures</h2>")]
    ranked = re.findall(r"<tr( class=\"chosen\")?><td>(\d)</td><th[^>]*>([^<]*)", contest)
    assert [name.strip() for _, _, name in ranked][:3] == ["&lt;oracle&gt;", "ensemble", "rival_1"]
    assert [place for _, place, _ in ranked] == list("1234567")
    assert [name.strip() for chosen, _, name in ranked if chosen] == ["ensemble"]
    assert contest.count("deployed</span>") == 1
    heads = re.findall(r"<th>([^<]*)</th>", contest)
    assert heads[:4] == ["Rank", "Contestant", "AUPRC", "Deployed minus this, AUPRC"]
    assert "All figures of all 6 others" in text
    beside = text[text.index("<h2>Figures</h2>") : text.index("All figures of all")]
    assert "rival_2" not in beside  # the best of the others alone stands beside the model
    assert "&lt;oracle&gt;" in beside
    groups = text[text.index("<h2>Subgroups</h2>") :]
    assert "Conformal coverage" in groups[: groups.index("</thead>")]
    assert "Operating point: pneumonia at a probability of 0.4" in text
    draw(report)  # no more lines than can be told apart


def test_two_contestants_need_no_ranking(evaluated: tuple[Report, Task], tmp_path: Path) -> None:
    write_report(tmp_path, *evaluated, {})
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Who competed" not in text
    assert "All figures of all" not in text


def test_tables_of_any_kind_are_shown(evaluated: tuple[Report, Task], tmp_path: Path) -> None:
    report, task = evaluated
    table = {
        "title": "Alarms <per day>",
        "columns": ["Hour", "Alarms", "n"],
        "rows": [["00 & 01", 1.23456, 12], ["02", float("nan"), None], []],
        "note": "By <hour>.",
    }
    report = replace(report, curves={**report.curves, "tables": [table]})
    write_report(tmp_path, report, task, {})
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    shown = text[text.index("<h2>Alarms &lt;per day&gt;</h2>") :]
    assert "By &lt;hour&gt;." in shown
    assert '<th scope="row">00 &amp; 01</th><td>1.235</td><td>12</td>' in shown
    assert '<th scope="row">02</th><td></td><td></td>' in shown
    written = read_report(tmp_path / "report.json")
    assert page(written, task, {}, {}).count("Alarms &lt;per day&gt;") == 1  # read back, null for NaN


ENDPOINTS = {
    "survival": (TimeToEvent(event="death", code=("s", "c", "Death")), "100 with death"),
    "forecast": (
        Forecast(
            quantity="glucose",
            unit="mg/dL",
            horizons_min=(30, 60),
            low=70,
            high=180,
            code=("s", "c", "Glucose"),
        ),
        "200 subjects</p>",
    ),
}


@pytest.mark.parametrize("kind", ENDPOINTS)
def test_kinds_without_threshold_or_classes_have_a_page_too(
    kind: str, make_task: Callable[..., Task], tmp_path: Path
) -> None:
    endpoint, said = ENDPOINTS[kind]
    task = make_task(metrics=("rmse_30min_mg_dl",), floor={}, endpoint=endpoint)
    one = Estimate(value=16.25, lo=15.0, hi=123.4)
    report = Report(
        task=task.name,
        split="test",
        n=400,
        n_subjects=200,
        n_positive=100,
        metrics={"rmse_30min_mg_dl": one, "utterly_unknown": one},
        by_group={"sex=F": {"n": Estimate(value=30, lo=30, hi=30), "utterly_unknown": one}},
        baselines={name: {"rmse_30min_mg_dl": one} for name in ("persistence", "linear")},
        passed=True,
    )
    assert len(write_report(tmp_path, report, task, {})) == 2
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert said in text
    assert "Operating point" not in text
    assert "16.25" in text
    assert "15.00–123.4" in text
    assert "utterly unknown" in text


def test_plots_are_the_same_each_time(evaluated: tuple[Report, Task]) -> None:
    report, _ = evaluated
    drawn = draw(report)
    assert draw(report) == drawn
    with Image.open(io.BytesIO(drawn["roc"])) as picture:
        assert len(set(picture.convert("L").tobytes())) > 20  # something is drawn


def test_without_matplotlib_the_plots_are_left_out(
    evaluated: tuple[Report, Task], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtra, match="pip install"):
        draw(evaluated[0])
    assert len(write_report(tmp_path, *evaluated, {})) == 2
    assert "pip install &#x27;suwen[train]&#x27;" in (tmp_path / "report.html").read_text(encoding="utf-8")
