"""One patient's document and page: complete, additive or withheld, escaped, self-contained, the same every time."""

from __future__ import annotations

import json
import math
import re
import tarfile
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.documents import plain
from suwen.core.engine import Players, Raw
from suwen.core.prediction import Abstention, Explanation, Outlook, Survival
from suwen.core.sample import Sample
from suwen.core.tally import Part, Sheet
from suwen.formats.signals.observations import Observations
from suwen.lifecycle import models
from suwen.lifecycle import patient_page_answer as answers
from suwen.lifecycle import patient_page_reasons as reasons
from suwen.lifecycle.discovery import find
from suwen.lifecycle.models import Loaded
from suwen.lifecycle.patient_page import render
from suwen.lifecycle.patient_page_charts import MOST_POINTS, thin
from suwen.lifecycle.patient_page_document import FORMAT, patient_document, quality
from suwen.lifecycle.patient_page_style import CSS
from suwen.lifecycle.patient_page_svg import hour_ticks, ticks

SCORES, MODEL = "signals.deterioration", "signals.mortality"
WEIGHTS = {"HR": 0.02, "GCS": -0.15, "Urine": -0.002, "Temp": 0.3, "BUN": 0.01}


class Linear:
    """A model whose log-odds are a sum over what was observed last: every attribution is known beforehand."""

    def __init__(self, task: Any, *, lie: float = 0.0) -> None:
        self.task, self.lie = task, lie

    def logit(self, seen: Observations) -> float:
        last = {seen.names[int(v)]: float(x) for v, x in zip(seen.variable, seen.values, strict=True)}
        return -2.0 + sum(weight * last[name] for name, weight in WEIGHTS.items() if name in last)

    def infer(self, samples: Any) -> list[Raw]:
        out = []
        for sample in samples:
            (seen,) = sample.inputs.values()
            if len(seen) < 3:
                why = Abstention(code="too-little", reason="fewer than three observations")
                out.append(Raw(logits=None, members=None, abstained=why))
                continue
            row, spread = np.array([0.0, self.logit(seen)]), np.array([0.0, 0.2])
            out.append(Raw(logits=row, members=np.stack([row - spread, row + spread])))
        return out

    def open_up(self, sample: Sample, explained: int) -> Players:
        (seen,) = sample.inputs.values()
        last = {seen.names[int(v)]: float(x) for v, x in zip(seen.variable, seen.values, strict=True)}
        names = [name for name in WEIGHTS if name in last]
        values = np.array([WEIGHTS[name] * last[name] for name in names])
        return Players(
            variables=tuple(names),
            periods=tuple((24.0, 48.0) for _ in names),
            shown=tuple(f"{last[name]:g}" for name in names),
            answer=lambda present: (-2.0 + np.asarray(present, float) @ values)[:, None],
            outputs=("log-odds of died",),
            unit="log-odds",
            headline=0,
            edited=lambda changes: np.array(
                [
                    1 / (1 + math.exp(-(-2 + sum(WEIGHTS[n] * {**last, **c}[n] for n in names))))
                    for c in changes
                ]
            ),
            latest=last,
        )

    def stream(self) -> Linear:
        self.last: dict[str, dict[int, float]] = {}
        return self

    def begin(self, patient: str, static: Any = None) -> None:
        self.last[patient] = {}

    def update_many(self, updates: Any) -> list[float]:
        out = []
        for patient, _, variable, value in updates:
            self.last[patient][variable] = value
            known = {self.task.names[v]: x for v, x in self.last[patient].items()}
            logit = -2.0 + sum(weight * known[name] for name, weight in WEIGHTS.items() if name in known)
            out.append(1 / (1 + math.exp(-logit)))
        return out

    def forget(self, patient: str) -> None:
        self.last.pop(patient, None)


MANIFEST = {
    "version": "abc123",
    "created_at": "2025-01-01T00:00:00+00:00",
    "code_version": "0.1.0",
    "data_fingerprint": "ab" * 32,
    "weights_sha256": "cd" * 32,
    "calibration": {"temperature": 1.0, "temperature_se": 0.05},
    "operating_point": {"rule": "event1", "threshold": 0.3},
    "conformal": {"quantile": 0.9, "alpha": 0.1},
    "report": {
        "split": "validation",
        "n": 400,
        "passed": True,
        "metrics": {"auroc": {"value": 0.8, "lo": 0.7, "hi": 0.9}},
    },
    "warnings": ["Read <this> first."],
}  # fmt: skip


def linear() -> Loaded:
    task = find(MODEL)
    return Loaded(task=task, folder=Path(), manifest=MANIFEST, served=Linear(task))  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def stay(data_dir: Path) -> Callable[[str], Sample]:
    """A real stay of CinC 2012."""

    def read(name: str) -> Sample:
        with tarfile.open(data_dir / "signals" / "cinc2012" / "set-a.tar.xz") as archive:
            for member in archive:
                if member.name.endswith(f"{name}.txt"):
                    file = archive.extractfile(member)
                    assert file is not None
                    (sample,) = find(MODEL).read(file.read())
                    return sample
        raise AssertionError(name)

    return read


@pytest.fixture(scope="session")
def real(stay: Callable[[str], Sample]) -> dict[str, Any]:
    """The document of a real stay under a model that is known."""
    return patient_document(linear(), stay("132539"), patient="p-1", sex="female", age_years=54.0)


def vitals(*rows: tuple[float, str, float]) -> Sample:
    names = tuple(variable.name for variable in find(SCORES).variables)  # type: ignore[attr-defined]
    seen = Observations(
        hours=np.array([r[0] for r in rows], np.float64),
        variable=np.array([names.index(r[1]) for r in rows], np.int16),
        values=np.array([r[2] for r in rows], np.float32),
        names=names,
        length_h=rows[-1][0] if rows else 0.0,
        dropped={"wrong-unit": 2, "converted": 1},
        start="2024-05-01T08:00:00+00:00",
    )
    return Sample(subject_id="x", inputs={"observations": seen})


ILL = (
    *(
        (0.0, name, value)
        for name, value in {"RespRate": 16, "SpO2": 97, "Oxygen": 0, "SysBP": 120, "HR": 80}.items()
    ),
    *(
        (6.0, name, value)
        for name, value in {"RespRate": 26, "SpO2": 93, "SysBP": 98, "HR": 115, "Temp": 38.6}.items()
    ),
)


@pytest.fixture
def points(home: Path) -> dict[str, Any]:
    return patient_document(models.load(find(SCORES)), vitals(*ILL), patient="p-2")


class Page(HTMLParser):
    """Tags, what they carry, and whether they are closed in order."""

    VOID = frozenset({"meta", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def check_page(document: dict[str, Any]) -> Page:
    """Render from what JSON gives back; nothing but one style sheet, no script, nothing from elsewhere."""
    text = render(json.loads(json.dumps(document)))
    assert text == render(document)
    page = Page(text)
    assert page.open == []
    names = {tag for tag, _ in page.tags}
    assert not names & {
        "script",
        "link",
        "img",
        "iframe",
        "object",
        "embed",
        "form",
        "canvas",
        "foreignobject",
    }
    assert [tag for tag, _ in page.tags].count("style") == 1
    assert f"<style>{CSS}</style>" in text
    for _, attributes in page.tags:
        assert not set(attributes) & {"style", "src", "href", "onclick", "onload", "srcset"}
    assert not re.search(r"https?://|url\(|@import", text)
    for tag, attributes in page.tags:
        if tag == "svg":
            assert attributes["role"] == "img"
            assert attributes["aria-label"]
            assert "nan" not in text.lower().split("<svg")[1][:2000]
    assert not re.search(r'="[^"]*\b(nan|inf|None)\b[^"]*"', text)
    return page


def test_the_document_of_a_real_stay_is_whole(real: dict[str, Any]) -> None:
    assert real["format"] == FORMAT
    assert json.loads(json.dumps(real)) == real
    seen = {one["name"]: one for one in real["variables"]}
    assert {"HR", "GCS", "Urine", "Temp", "BUN"} <= set(seen)
    assert seen["HR"]["unit"] == "/min"
    assert len(seen["HR"]["hours"]) == len(seen["HR"]["values"]) > 20
    assert real["window"]["end_h"] == 48.0
    assert real["unobserved"]
    assert "Troponin I" in real["unobserved"]
    assert real["patient"] == {"id": "p-1", "sex": "female", "age_years": 54.0}
    assert real["model"]["name"] == f"{MODEL}@abc123"
    assert len(real["provenance"]["inputs_sha256"]["stay"]) == 64
    assert {one["name"] for one in real["descriptors"]} >= {"Age"}


def test_risk_over_time_is_the_answer_for_what_was_known_then(
    real: dict[str, Any], stay: Callable[[str], Sample]
) -> None:
    risk, sample = real["risk"], stay("132539")
    (seen,) = sample.inputs.values()
    model = linear().served
    assert risk["hours"] == sorted(risk["hours"])
    assert risk["hours"][-1] == 48.0
    for hour, value in zip(risk["hours"], risk["values"], strict=True):
        known = seen.until(hour)
        wanted = None if len(known) < 3 else 1 / (1 + math.exp(-model.logit(known)))  # type: ignore[attr-defined]
        assert value == (None if wanted is None else pytest.approx(wanted, abs=1e-9))
    assert real["answer"]["value"] == pytest.approx(risk["values"][-1], abs=1e-12)
    for low, value, high in zip(risk["low"], risk["values"], risk["high"], strict=True):
        assert value is None or low <= value <= high


def test_attributions_add_up_and_are_told_in_words(real: dict[str, Any]) -> None:
    why = real["explanation"]
    assert why["shown"]
    assert why["gap"] <= 1e-3
    assert why["base"] + sum(row["total"] for row in why["rows"]) == pytest.approx(why["output"], abs=1e-9)
    assert why["periods"] == [[24.0, 48.0]]
    last = {one["name"]: one["latest"]["value"] for one in real["variables"]}
    for row in why["rows"]:
        assert row["total"] == pytest.approx(WEIGHTS[row["variable"]] * last[row["variable"]], rel=1e-5)
    totals = [abs(one["value"]) for one in real["drivers"]]
    assert totals == sorted(totals, reverse=True)
    gcs = next(one for one in real["drivers"] if one["title"] == "Glasgow coma scale")
    assert gcs["direction"] == "lowers"
    assert "lowers the log-odds by" in gcs["sentence"]
    assert "hours 24 to 48" in gcs["sentence"]


def test_what_does_not_add_up_is_withheld() -> None:
    told = Explanation(
        method="shapley",
        values={"base": 0.0, "output": 1.0, "outputs": ["log-odds"], "headline": 0, "rows": []},
        unit="log-odds",
        faithfulness=None,
        checks={"additivity_gap": 0.2, "additivity_limit": 1e-3},
        passed=False,
    )
    found = reasons.table(told, {})
    assert found is not None
    assert not found["shown"]
    assert found["rows"] == []
    assert "withheld" in found["sentence"]
    assert reasons.drivers(found, {}) == []
    # Values that pass their own method's check but miss the limit are withheld all the same.
    rows = [{"variable": "a", "from_h": None, "to_h": None, "shown": "1", "value": 0.8}]
    liar = replace(told, passed=True, values={**told.values, "rows": rows})
    assert reasons.table(liar, {})["rows"] == []  # type: ignore[index]


def test_a_withheld_explanation_shows_no_value(real: dict[str, Any]) -> None:
    withheld = {**real["explanation"], "shown": False, "rows": [], "sentence": "They do not add up."}
    page = check_page({**real, "explanation": withheld, "drivers": []})
    assert "They do not add up." in page.text
    assert 'class="heat"' not in render({**real, "explanation": withheld, "drivers": []})


def test_many_variables_become_one_line_and_still_add_up() -> None:
    rows = [
        {"variable": f"v{at}", "from_h": 6.0 * (at % 4), "to_h": 6.0 * (at % 4) + 6, "shown": "1"}
        | {"value": (-1) ** at / (at + 1)}
        for at in range(40)
    ] + [{"variable": "Age", "from_h": None, "to_h": None, "shown": "70", "value": 0.3}]  # fmt: skip
    output = sum(row["value"] for row in rows)
    told = Explanation(
        method="shapley",
        values={"base": 0.0, "output": output, "outputs": ["log-odds"], "headline": 0, "rows": rows},
        unit="log-odds",
        faithfulness=None,
        checks={"additivity_gap": 0.0},
    )
    found = reasons.table(told, {"Age": "Age, years"})
    assert found is not None
    assert len(found["rows"]) == reasons.ROWS + 1
    assert found["rows"][-1]["title"].startswith(reasons.OTHERS)
    assert sum(row["total"] for row in found["rows"]) == pytest.approx(output)
    for row in found["rows"]:
        assert sum(cell or 0 for cell in row["cells"]) == pytest.approx(row["total"])
    assert found["periods"][-1] is None


def test_lime_ranks_and_does_not_share_out() -> None:
    told = Explanation(
        method="lime",
        values={"base": 0.0, "output": 1.0, "outputs": ["log-odds"], "headline": 0, "rows": []},
        unit="weight",
        faithfulness=0.7,
        checks={"fidelity": 0.9},
    )
    found = reasons.table(told, {})
    assert found is not None
    assert found["gap"] is None
    assert found["shown"]
    assert "need not add up" in found["sentence"]


def test_what_would_lower_the_risk_is_the_models_own_answer(real: dict[str, Any]) -> None:
    found = real["counterfactual"]
    assert "not the effect of a treatment" in found["statement"]
    for change in found["changes"]:
        assert change["risk"] < found["risk"]
        assert change["change"] == pytest.approx(change["risk"] - found["risk"])
        assert all(edit["unit"] != "mm[Hg]" for edit in change["edits"])
    risks = [change["risk"] for change in found["changes"]]
    assert risks == sorted(risks)


def test_alarms_are_those_that_daily_use_would_have_heard(real: dict[str, Any]) -> None:
    assert "0.3" in real["alarm_rule"]
    for one in real["alarms"]:
        assert one["risk"] >= 0.3
    hours = [one["hour"] for one in real["alarms"]]
    assert all(later - earlier >= 24 for earlier, later in pairwise(hours))


def test_the_page_of_a_real_stay(real: dict[str, Any]) -> None:
    page = check_page(real)
    for words in (
        *(
            "Death in hospital after 48 hours",
            "p-1",
            "54 years",
            "Risk over time",
            "Observations",
            "Glasgow coma scale",
        ),
        *(
            "What drives it, and when",
            "Additivity check passed",
            "Alarms",
            "What would lower this risk",
            "Data quality",
        ),
        *(
            "Provenance",
            "cd" * 32,
            "Never observed, and never taken for normal",
            "A clinician decides".lower(),
        ),
        *("风险变化", "观察值", "归因热图", "警报", "来源", "AUROC 0.800 (0.700 to 0.900)"),
    ):
        assert words in page.text, words
    assert "Read <this> first." in page.text  # escaped in the source, whole on the page
    assert "<this>" not in render(real)
    assert len([tag for tag, _ in page.tags if tag == "article"]) == len(real["variables"])
    assert len(render(real)) < 600_000


def test_the_page_of_a_score(points: dict[str, Any]) -> None:
    assert points["answer"]["headline"] == "10 to 13"
    assert points["answer"]["level"] == "alarm"
    assert points["risk"]["unit"] == "points"
    assert points["risk"]["values"] == [0, 10]
    assert [level["name"] for level in points["risk"]["levels"]] == ["low", "medium", "high"]
    assert points["alarms"][0]["hour"] == 6.0
    why = points["explanation"]
    for at, total in enumerate(points["risk"]["values"]):
        assert sum(row["cells"][at] or 0 for row in why["rows"]) == total
    page = check_page(points)
    for words in (
        "of 20 NEWS2 points",
        "High risk.",
        "not recorded",
        "0 to 3",
    ):
        assert words in page.text, words
    assert "2 values in a unit that the variable cannot have: left out." in page.text
    assert "1 value in another unit: converted." in page.text
    assert "probability" not in page.text.lower().replace("not probabilities", "").replace("points, not", "")


def test_the_past_is_called_the_past(points: dict[str, Any]) -> None:
    assert points["window"]["age_h"] > 24
    assert "this was the state then" in check_page(points).text
    points["window"]["age_h"] = 2.0
    assert "this was the state then" not in check_page(points).text


def test_a_low_score_with_holes_is_not_called_calm(home: Path) -> None:
    document = patient_document(models.load(find(SCORES)), vitals((0.0, "HR", 80.0), (0.0, "RespRate", 16.0)))
    assert document["answer"]["level"] == "open"
    page = check_page(document)
    assert "not settled" in page.text
    assert "At least low risk, could be high." in page.text
    assert "Continue routine" not in page.text


def test_nothing_observed_is_an_abstention_with_a_page(home: Path) -> None:
    document = patient_document(models.load(find(SCORES)), vitals(), patient="p-3")
    assert document["answer"]["abstained"] == "no-observations"
    assert document["answer"]["value"] is None
    page = check_page(document)
    assert "No answer" in page.text
    assert "none of the score's vital signs was observed" in page.text


def test_hostile_text_stays_text(points: dict[str, Any]) -> None:
    evil = "<script>alert(1)</script>\"'&"
    document = json.loads(json.dumps(points).replace("Respiration rate", "RRR"))
    document["patient"]["id"] = evil
    document["variables"][0]["title"] = evil
    document["variables"][0]["unit"] = evil
    document["alarms"][0]["reasons"] = [evil]
    document["explanation"]["rows"][0]["title"] = evil
    document["quality"][0]["sentence"] = evil
    document["scores"][0]["parts"][0]["shown"] = evil
    document["provenance"]["observations"] = [evil]
    page = check_page(document)
    assert page.text.count("<script>alert(1)</script>") >= 6


@pytest.mark.parametrize("kind", ["outlook", "curve"])
def test_forecasts_and_curves_have_their_charts(real: dict[str, Any], kind: str) -> None:
    document = {**real, "risk": None, "alarm_rule": None, "alarms": []}
    if kind == "outlook":
        said = Outlook(
            quantity="Glucose", unit="mg/dL", horizons_min=(30, 60), values=(70.0, 62.0),
            intervals=((60.0, 80.0), (48.0, 77.0)), last=83.0, alarms=("low at 60 min",),
        )  # fmt: skip
        document["outlook"] = answers.outlook(said, 48.0)
        assert document["outlook"]["hours"] == [48.5, 49.0]
        assert "in 60 min 62 mg/dL (48 to 77)" in check_page(document).text
        assert "low at 60 min" in check_page(document).text
    else:
        said = Survival(
            event="death", times=(1.0, 2.0, 5.0), probabilities=(0.9, 0.7, 0.4), median=4.0, risk=0.9
        )
        document["curve"] = plain(answers.curve(said))
        assert "Time to death" in check_page(document).text


def test_quality_says_what_was_left_out() -> None:
    (seen,) = vitals().inputs.values()
    found = quality(replace(seen, dropped={"future": 3, "odd": 1, "missing": 0}), ["Temperature"])
    assert [one["code"] for one in found] == ["future", "odd", "unobserved"]
    assert found[0]["sentence"] == "3 values in the future: left out."
    assert "Temperature" in found[2]["sentence"]


def test_a_score_whose_parts_miss_its_total_is_withheld() -> None:
    part = Part(name="a", title="A", shown="1", value=1, hour=0, points=1, least=1, most=1)
    sheet = Sheet(
        name="S", title="S", source="s", hour=0, least=3, most=3, maximum=5, parts=(part,), band="b", band_most="b",
        response="r", monitoring="m", level=0,
    )  # fmt: skip
    found = reasons.points_table([0.0], [sheet])
    assert not found["shown"]
    assert found["rows"] == []


def test_long_series_keep_their_extremes() -> None:
    values = [math.sin(at / 50) for at in range(5000)]
    values[1234], values[4000] = 9.0, -9.0
    hours, kept = thin([float(at) for at in range(5000)], values)
    assert len(kept) <= MOST_POINTS + 1
    assert max(kept) == 9.0
    assert min(kept) == -9.0
    assert hours == sorted(hours)
    assert hours[-1] == 4999


def test_axes_are_round() -> None:
    assert ticks(0, 1, 6) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert ticks(0, 20, 6) == pytest.approx([0, 5, 10, 15, 20])
    assert [label for _, label in hour_ticks(0, 48, 9)] == [
        "0 h",
        "6 h",
        "12 h",
        "18 h",
        "24 h",
        "30 h",
        "36 h",
        "42 h",
        "48 h",
    ]
    assert [label for _, label in hour_ticks(0, 240, 6)] == ["0 d", "2 d", "4 d", "6 d", "8 d", "10 d"]
    assert ticks(3, 3, 5) == [3]


def test_moments_of_a_stay() -> None:
    (seen,) = vitals((2.5, "HR", 80.0), (5.0, "HR", 81.0)).inputs.values()
    assert answers.moments(seen) == [3.0, 4.0, 5.0]
    assert answers.moments(replace(seen, length_h=2000.0))[-1] == 2000.0
    assert len(answers.moments(replace(seen, length_h=2000.0))) <= answers.MOST_MOMENTS + 1
