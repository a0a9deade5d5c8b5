from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from suwen.core.errors import BadInput
from suwen.core.sample import Sample
from suwen.formats.signals.observations import Observations
from suwen.formats.signals.row import Row
from suwen.lifecycle.evaluation.drift import draw, psi, reference, table, vectors

NAMES = ("age", "lactate", "sex", "constant")


def ward(n: int, seed: int, *, older: float = 0.0, missing: float = 0.3) -> Any:
    rng = np.random.default_rng(seed)
    x = np.stack(
        [
            rng.normal(60 + older, 15, n),
            rng.lognormal(0.5, 0.6, n),
            rng.integers(0, 2, n).astype(float),
            np.full(n, 7.0),
        ],
        axis=1,
    )
    x[rng.random(n) < missing, 1] = np.nan
    return x


def named(rows: Any) -> dict[str, Any]:
    return {row.name: row for row in rows}


def test_psi_by_hand() -> None:
    old = np.repeat([0.0, 1.0], [50, 50])[:, None]
    new = np.repeat([0.0, 1.0], [80, 20])[:, None]
    (row,) = psi(reference(old, ["x"]), new, ["x"])
    # The bins below 0 and of missing values are empty on both sides, and do not count.
    assert row.psi == pytest.approx(0.3 * math.log(0.8 / 0.5) - 0.3 * math.log(0.2 / 0.5), abs=1e-6)
    assert row.by_chance == pytest.approx(3.841 * 0.02, rel=0.15)  # chi-square, 1 degree of freedom
    assert row.reading == "large change"


def test_nothing_changed_is_within_chance_and_a_shift_is_found() -> None:
    known = reference(ward(3000, 0), NAMES)
    same = named(psi(known, ward(2000, 1), NAMES))
    assert {row.reading for row in same.values()} == {"no relevant change"}
    assert same["constant"].psi == 0
    assert same["lactate"].missing == pytest.approx(0.3, abs=0.03)
    moved = psi(known, ward(2000, 2, older=12, missing=0.9), NAMES)
    assert [row.name for row in moved[:2]] == ["lactate", "age"]
    assert {row.reading for row in moved[:2]} == {"large change"}
    assert named(moved)["sex"].reading == "no relevant change"
    slight = named(psi(known, ward(4000, 3, older=6), NAMES))
    assert slight["age"].reading == "some change"
    assert slight["age"].median > slight["age"].median_reference + 4


def test_small_samples_are_not_alarmed_by_chance() -> None:
    known = reference(ward(3000, 0), NAMES)
    readings = [row.reading for seed in range(40) for row in psi(known, ward(40, 100 + seed), NAMES)]
    assert readings.count("within chance") > 20  # the convention alone would have cried wolf
    assert sum(reading in {"some change", "large change"} for reading in readings) < 0.08 * len(readings)


def test_the_reference_is_small_json_without_extremes() -> None:
    x = ward(500, 4)
    x[0, 0] = 999.0
    known = reference(x, NAMES)
    assert json.loads(json.dumps(known)) == known
    assert "999" not in json.dumps(known)
    one = known["variables"]["age"]
    assert len(one["edges"]) == 9
    assert len(one["shares"]) == 10
    assert sum(one["shares"]) == pytest.approx(1, abs=1e-5)
    empty = reference(np.full((5, 1), np.nan), ["never"])
    assert empty["variables"]["never"]["median"] is None
    (row,) = psi(empty, np.ones((50, 1)), ["never"])
    assert row.reading == "large change"
    (same,) = psi(empty, np.full((50, 1), np.nan), ["never"])
    assert same.psi == 0
    assert psi(known, np.ones((50, 1)), ["unheard of"]) == []


def test_the_table_says_what_moved() -> None:
    found = table(psi(reference(ward(3000, 0), NAMES), ward(2000, 2, older=12), NAMES), against="2019")
    assert found["title"] == "Drift against 2019"
    assert found["rows"][0][0] == "age"
    assert all(len(row) == len(found["columns"]) for row in found["rows"])
    assert found["note"].startswith("1 of 4 changed.")


def test_draws_are_like_the_reference() -> None:
    known = reference(ward(3000, 0), NAMES)
    drawn = draw(known, [*NAMES, "unheard of"], 2000, seed=1)
    rows = named(psi(known, drawn[:, :4], NAMES))
    assert {row.reading for row in rows.values()} == {"no relevant change"}
    assert set(np.unique(drawn[:, 2])) == {0.0, 1.0}
    assert set(drawn[:, 3]) == {7.0}
    assert np.isnan(drawn[:, 4]).all()
    assert np.array_equal(drawn, draw(known, [*NAMES, "unheard of"], 2000, seed=1), equal_nan=True)


def stay(values: list[float]) -> Observations:
    return Observations(
        hours=np.arange(len(values), dtype=np.float64),
        variable=np.array([0] * (len(values) - 1) + [1], np.int16),
        values=np.array(values, np.float32),
        names=("HR", "Lactate", "pH"),
        static={"Age": 70.0, "Height": float("nan")},
    )


def test_samples_become_vectors() -> None:
    samples = [
        Sample(subject_id="a", inputs={"stay": stay([80, 90, 2.0])}),
        Sample(subject_id="b", inputs={"stay": stay([4.0])}),
    ]
    x, names = vectors(samples)
    assert names == ("Age", "Height", "HR", "Lactate")
    assert x[0].tolist()[2:] == [85.0, 2.0]
    assert np.isnan(x[1, 2])
    rows = [
        Sample(subject_id="a", inputs={"row": Row(values=np.array([1, 2], np.float32), names=("p", "q"))})
    ]
    assert vectors(rows)[0].tolist() == [[1.0, 2.0]]
    assert vectors([Sample(subject_id="a", inputs={"image": object()})])[0].shape == (1, 0)


def test_a_variable_taken_out_was_never_measured() -> None:
    whole = stay([80, 90, 2.0])
    less = whole.without(["HR", "Age"])
    assert less.means() == {"Lactate": 2.0}
    assert math.isnan(less.static["Age"])
    assert less.length_h == whole.length_h
    assert whole.means() == {"HR": 85.0, "Lactate": 2.0}
    assert len(whole.where(whole.values > 85)) == 1
    assert whole.without([]).content_key() == stay([80, 90, 2.0]).content_key()


def test_what_does_not_fit_is_refused() -> None:
    known = reference(ward(50, 0), NAMES)
    for x in (np.ones((3, 2)), np.ones((0, 4)), np.ones(4)):
        with pytest.raises(BadInput, match="do not fit"):
            psi(known, x, NAMES)
