"""A sample taken apart: what is left when some of it was not observed, and what an edit changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from suwen.core.sample import Sample
from suwen.engines.panel.parts import BLOCKS, MOST_COLUMNS, REST, edited, latest, of_observations, of_row
from suwen.formats.signals.observations import Observations
from suwen.formats.signals.row import Row

NAMES = ("HR", "Temp", "Urine")
STAY = Observations(
    hours=np.array([0.0, 1.0, 7.0, 30.0, 47.9, 48.0]),
    variable=np.array([0, 1, 0, 0, 2, 0], np.int16),
    values=np.array([80, 37, 85, 90, 100, 110], np.float32),
    names=NAMES,
    static={"Age": 70.0, "Height": np.nan},
    length_h=48.0,
)
SAMPLE = Sample(subject_id="a", inputs={"stay": STAY})


def row(d: int) -> Sample:
    values = np.arange(d, dtype=np.float32)
    values[0] = np.nan
    return Sample(subject_id="a", inputs={"row": Row(values=values, names=tuple(f"c{i}" for i in range(d)))})


def whole(parts: Any) -> Any:
    return np.ones((1, len(parts.variables)), bool)


def test_a_part_is_a_variable_in_a_period_or_a_known_descriptor() -> None:
    parts = of_observations(SAMPLE, "stay", ("Age", "Height"))
    found = list(zip(parts.variables, parts.periods, strict=True))
    six = 48 / BLOCKS
    assert found == [
        ("HR", (0.0, six)), ("HR", (six, 2 * six)), ("HR", (30.0, 36.0)), ("HR", (42.0, 48.0)),
        ("Temp", (0.0, six)), ("Urine", (42.0, 48.0)), ("Age", None),
    ]  # fmt: skip
    assert parts.shown == ("80", "85", "90", "110", "37", "100", "70")


def test_nothing_taken_away_is_the_sample_itself() -> None:
    parts = of_observations(SAMPLE, "stay", ("Age", "Height"))
    (left,) = parts.without(whole(parts))
    assert left.inputs["stay"].content_key() == STAY.content_key()


def test_what_is_taken_away_was_never_observed() -> None:
    parts = of_observations(SAMPLE, "stay", ("Age", "Height"))
    present = np.ones((3, len(parts.variables)), bool)
    present[0, 1] = present[1, 6] = False
    present[2] = False
    first, second, none = (sample.inputs["stay"] for sample in parts.without(present))
    assert first.hours.tolist() == [0.0, 1.0, 30.0, 47.9, 48.0]
    assert np.isnan(second.static["Age"])
    assert len(second) == len(STAY)
    assert len(none) == 0
    assert none.length_h == 48.0, "time went by all the same"
    assert STAY.static["Age"] == 70.0, "and the sample itself is as it was"


def test_an_empty_stay_has_descriptors_alone() -> None:
    bare = Observations(
        hours=np.zeros(0), variable=np.zeros(0, np.int16), values=np.zeros(0, np.float32),
        names=NAMES, static={"Age": 50.0},
    )  # fmt: skip
    parts = of_observations(Sample(subject_id="a", inputs={"stay": bare}), "stay", ("Age",))
    assert parts.variables == ("Age",)
    (left,) = parts.without(np.zeros((1, 1), bool))
    assert np.isnan(left.inputs["stay"].static["Age"])


def test_columns_of_least_effect_are_one_part_together() -> None:
    d = MOST_COLUMNS + 12
    effect = np.zeros(d)
    effect[5], effect[3] = -2.0, 1.0
    usual = np.full(d, -1.0, np.float32)
    parts = of_row(row(d), "row", usual, effect)
    assert parts.variables[:2] == ("c5", "c3")
    assert parts.variables[-1] == REST
    assert len(parts.variables) == MOST_COLUMNS + 1
    assert "c0" not in parts.variables, "a missing value is no part"
    present = whole(parts)
    present[0, -1] = False
    (left,) = parts.without(present)
    changed = left.inputs["row"].values == -1
    assert changed.sum() == d - 1 - MOST_COLUMNS
    (same,) = parts.without(whole(parts))
    np.testing.assert_array_equal(same.inputs["row"].values, row(d).inputs["row"].values)


def test_an_absent_column_has_its_usual_value() -> None:
    usual = np.array([9.0, 8.0, 7.0], np.float32)
    parts = of_row(row(3), "row", usual, np.array([0.0, 0.1, 0.2]))
    (left,) = parts.without(np.zeros((1, 2), bool))
    np.testing.assert_array_equal(left.inputs["row"].values, [np.nan, 8, 7])
    assert parts.shown == ("2", "1")


def test_an_edit_changes_what_was_seen_late_or_last() -> None:
    changed = edited(SAMPLE, "stay", {"HR": 60.0, "Temp": 39.0}).inputs["stay"]
    assert changed.values.tolist() == pytest.approx([80, 39, 85, 90, 100, 60])
    assert STAY.values[-1] == 110
    table = edited(row(3), "row", {"c0": 4.0}).inputs["row"].values
    assert table.tolist() == [4, 1, 2]


def test_the_latest_value_is_the_last_in_time() -> None:
    assert latest(SAMPLE, "stay") == {"HR": 110.0, "Temp": 37.0, "Urine": 100.0}
    found = latest(row(2), "row")
    assert np.isnan(found["c0"])
    assert found["c1"] == 1.0


def test_what_is_kept_belongs_to_no_part_and_always_stays() -> None:
    kept = np.array([False, False, False, False, False, True])
    parts = of_observations(SAMPLE, "stay", (), edges=np.array([0.0, 24.0, 46.0, 48.0]), kept=kept)
    found = list(zip(parts.variables, parts.periods, strict=True))
    assert found == [
        ("HR", (0.0, 24.0)), ("HR", (24.0, 46.0)), ("Temp", (0.0, 24.0)), ("Urine", (46.0, 48.0)),
    ]  # fmt: skip
    (nothing,) = parts.without(np.zeros((1, 4), bool))
    assert nothing.inputs["stay"].hours.tolist() == [48.0]
    (everything,) = parts.without(whole(parts))
    assert everything.inputs["stay"].hours.tolist() == STAY.hours.tolist()
