from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from suwen.core.errors import MissingExtra
from suwen.core.report import Report
from suwen.core.task import DISCLAIMER, Task
from suwen.lifecycle.evaluation.plots import draw
from suwen.lifecycle.evaluation.report import build_report
from suwen.lifecycle.evaluation.writing import write_report

PLOTS = ("roc", "pr", "reliability", "confusion", "risk_coverage")


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
