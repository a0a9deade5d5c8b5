"""A score filled in: every boundary of every band, and bounds for whatever was not observed."""

from __future__ import annotations

import itertools
import json
import random
from typing import Any

import pytest

from suwen.core.documents import dumps
from suwen.engines.rules.fill import MISSING, fill, rounded
from suwen.engines.rules.table import (
    FORMAT,
    Band,
    Fact,
    Parameter,
    Reading,
    Response,
    Score,
    Table,
    document,
    scores_of,
)

ALERT = Fact(
    name="drowsy",
    yes="drowsy",
    no="awake",
    readings=(Reading(variable="d", above=0), Reading(variable="g", below=15)),
)
SCORE = Score(
    name="Toy",
    title="A toy",
    source="nowhere",
    parameters=(
        Parameter(
            name="a",
            title="A",
            variable="a",
            step=0.1,
            tables=(
                Table(
                    bands=(Band(up_to=1.0, points=3), Band(up_to=2.5, points=0), Band(up_to=None, points=2))
                ),
            ),
        ),
        Parameter(
            name="b",
            title="B",
            variable="b",
            tables=(
                Table(bands=(Band(up_to=10, points=1), Band(up_to=None, points=0)), when={"drowsy": False}),
                Table(bands=(Band(up_to=10, points=0), Band(up_to=None, points=3)), when={"drowsy": True}),
            ),
        ),
        Parameter(
            name="c",
            title="C",
            fact="drowsy",
            tables=(Table(bands=(Band(up_to=0, points=0), Band(up_to=None, points=2))),),
        ),
    ),
    facts=(ALERT,),
    responses=(
        Response(band="calm", at_least=0, text="wait", monitoring="daily", risk="low"),
        Response(band="red", at_least=None, text="look", monitoring="hourly", risk="moderate", alarm=True),
        Response(band="bad", at_least=5, text="act", monitoring="always", risk="high", alarm=True),
    ),
    urgent=5,
    code=("s", "c", "d"),
)


def sheet(at: float = 0, window_h: float = 12, **values: float | tuple[float, float]) -> Any:
    known = {name: v if isinstance(v, tuple) else (0.0, float(v)) for name, v in values.items()}
    return fill(SCORE, known, at, window_h=window_h, variables={})


@pytest.mark.parametrize(
    ("value", "step", "wanted"),
    [
        (38.05, 0.1, 38.1),
        (38.04999, 0.1, 38.0),
        (20.5, 1, 21),
        (20.4999, 1, 20),
        (-0.5, 1, -1),
        (100, 1, 100),
    ],
)
def test_values_are_rounded_to_the_step_halves_up(value: float, step: float, wanted: float) -> None:
    assert rounded(value, step) == wanted


def test_single_precision_does_not_move_a_value_over_a_boundary() -> None:
    import numpy as np

    for tenth in range(340, 420):
        assert rounded(float(np.float32(tenth / 10)), 0.1) == tenth / 10
        assert rounded(float(np.float32(tenth / 10 + 0.05)), 0.1) == pytest.approx(tenth / 10 + 0.1)


@pytest.mark.parametrize(("value", "points"), [(1.0, 3), (1.04, 3), (1.1, 0), (2.5, 0), (2.6, 2), (99, 2)])
def test_a_band_holds_its_upper_bound(value: float, points: int) -> None:
    assert sheet(a=value, b=20, d=0).parts[0].points == points


def test_a_condition_chooses_the_table() -> None:
    assert sheet(a=2, b=10, d=0).total == 1
    assert sheet(a=2, b=10, d=1).total == 2
    assert sheet(a=2, b=11, d=1).total == 5
    assert sheet(a=2, b=11, g=14).total == 5
    assert sheet(a=2, b=11, g=15).total == 0


def test_what_is_missing_widens_the_total_and_is_never_normal() -> None:
    found = sheet(a=2, d=0)
    assert (found.least, found.most, found.total) == (0, 1, None)
    assert found.missing == ("B",)
    assert found.parts[1].shown == MISSING
    assert found.parts[1].points is None
    everything = sheet()
    assert (everything.least, everything.most) == (0, 8)
    assert everything.band == "calm"
    assert everything.band_most == "bad"


def test_the_bounds_of_a_total_keep_conditions_together() -> None:
    """With b above 10 the points of b and c go together: 0 + 0 when awake, 3 + 2 when drowsy, never 3 + 0."""
    found = sheet(a=2, b=11)
    assert (found.least, found.most) == (0, 5)
    low = sheet(a=2, b=9)
    assert (low.least, low.most) == (1, 2)


def test_bounds_hold_every_completion() -> None:
    """Whatever is left out, the true total lies within the bounds, and both bounds are reached."""
    grid = {"a": (0.5, 2.0, 3.0), "b": (9.0, 11.0), "d": (0.0, 1.0)}
    every = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    rng = random.Random(0)
    for seen in every:
        hidden = {name for name in seen if rng.random() < 0.5}
        part = sheet(**{name: value for name, value in seen.items() if name not in hidden})
        totals = [
            sheet(**one).total for one in every if all(one[n] == seen[n] for n in seen if n not in hidden)
        ]
        assert min(totals) == part.least
        assert max(totals) == part.most


def test_the_latest_observation_counts_and_a_yes_wins_a_tie() -> None:
    assert sheet(at=2, a=2, b=11, d=(1, 0), g=(2, 14)).total == 5
    assert sheet(at=2, a=2, b=11, d=(2, 0), g=(1, 14)).total == 0
    assert sheet(at=2, a=2, b=11, d=(2, 0), g=(2, 14)).total == 5


def test_an_old_observation_does_not_count() -> None:
    assert sheet(at=12, a=2, b=11, d=0).total == 0
    late = sheet(at=12.01, a=2, b=(12.0, 11), d=0)
    assert (late.least, late.most) == (0, 8)
    assert late.missing == ("A", "B", "C")


def test_one_red_parameter_is_a_band_of_its_own() -> None:
    found = sheet(a=1, b=20, d=0)
    assert (found.total, found.band, found.red, found.level) == (3, "red", ("A",), 1)
    assert sheet(a=1, b=20, d=1).band == "bad"
    assert sheet(b=20, d=0).band == "calm"
    assert sheet(b=20, d=0).band_most == "red"


def test_the_document_gives_the_score_back() -> None:
    found = json.loads(dumps(document((SCORE,), window_h=6)))
    assert found["format"] == FORMAT
    assert found["window_h"] == 6
    assert scores_of(found) == (SCORE,)
    assert SCORE.maximum == 8
    with pytest.raises(KeyError):
        scores_of({**found, "format": "suwen-rules/0"})
