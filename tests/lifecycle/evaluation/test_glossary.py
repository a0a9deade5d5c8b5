from __future__ import annotations

import pytest

from suwen.lifecycle.evaluation import glossary
from suwen.lifecycle.evaluation.glossary import GLOSSARY, line_of
from suwen.lifecycle.evaluation.glossary_line import Line
from suwen.lifecycle.evaluation.metrics import METRICS
from suwen.lifecycle.evaluation.report import reaches


def test_every_metric_of_classes_is_in_it() -> None:
    for name, metric in METRICS.items():
        line = GLOSSARY[name]
        assert (line.title, line.direction, line.target) == (metric.title, metric.direction, metric.target)


def test_every_line_is_whole() -> None:
    for name, line in GLOSSARY.items():
        assert line.title and line.unit and line.meaning.endswith("."), name
        assert (line.direction == "target") == (line.target is not None), name


@pytest.fixture
def horizons(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {
        "rmse": Line(title="RMSE", direction="lower", unit="of the quantity", meaning="Error."),
        "coverage_30min": Line(title="Own", direction="target", unit="share", meaning="Own.", target=0.9),
        "coverage": Line(title="Coverage", direction="target", unit="share", meaning="Held.", target=0.9),
    }
    monkeypatch.setattr(glossary, "GLOSSARY", {**GLOSSARY, **known})


@pytest.mark.usefixtures("horizons")
@pytest.mark.parametrize(
    ("name", "title", "unit"),
    [
        ("rmse_30min_mg_dl", "RMSE at 30 min", "mg/dL"),
        ("rmse_mg_dl", "RMSE", "mg/dL"),
        ("rmse_60min", "RMSE at 60 min", "of the quantity"),
        ("coverage_30min", "Own", "share"),
        ("coverage_60min", "Coverage at 60 min", "share"),
        ("coverage_30min_percent", "Own", "percent"),
        ("auroc_24h", "AUROC at 24 h", METRICS["auroc"].unit),
        ("auroc_at_5y", "AUROC at 5 years", METRICS["auroc"].unit),
    ],
)
def test_horizons_and_units_are_read_from_the_name(name: str, title: str, unit: str) -> None:
    line = line_of(name)
    assert line is not None
    assert (line.title, line.unit) == (title, unit)


@pytest.mark.parametrize("name", ["", "nobody", "nobody_30min_mg_dl", "auroc_30", "AUROC", "30min"])
def test_what_nobody_described_is_none(name: str) -> None:
    assert line_of(name) is None


@pytest.mark.usefixtures("horizons")
def test_a_floor_knows_the_direction_of_a_horizon() -> None:
    from suwen.core.report import Estimate

    metrics = {"rmse_30min_mg_dl": Estimate(value=16.0, lo=15.0, hi=17.0)}
    assert reaches(metrics, {"rmse_30min_mg_dl": 16.5})
    assert not reaches(metrics, {"rmse_30min_mg_dl": 15.5})
