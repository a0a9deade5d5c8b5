"""Tables of stays: every column from its definition, and the same numbers whole or observation by observation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from suwen.core.sample import Sample
from suwen.engines.panel.summaries import Points, Running, Summaries
from suwen.formats.signals.observations import Observations

NAMES = ("HR", "SysABP", "NISysABP", "Urine", "BUN")
SPEC = Summaries(
    key="stay",
    names=NAMES,
    length_h=48.0,
    windows=((0, 12), (12, 24), (42, 48)),
    merged={"systolic": ("SysABP", "NISysABP")},
    ratios=(("HR", "systolic"), ("BUN", "HR")),
    totals=("Urine",),
    points=(
        Points(
            name="worst",
            window=(0, 24),
            parts={
                "HR": ((40.0, 70.0, 110.0), (4.0, 2.0, 0.0, 3.0)),
                ("SysABP", "BUN"): ((1.0, 2.0), (2.0, 1.0, 0.0)),
            },
        ),
    ),
    static=("Age", "Height"),
    choices={"ICUType": (1.0, 2.0)},
)


def stay(seed: int, n: int = 60) -> Observations:
    """Whole quarters of an hour, so that some fall on the edges; the last minute among them."""
    rng = np.random.default_rng(seed)
    hours = np.sort(rng.integers(0, 193, n) / 4)
    hours[-1] = 48.0
    return Observations(
        hours=hours,
        variable=rng.integers(0, len(NAMES), n).astype(np.int16),
        values=rng.normal(90, 30, n).astype(np.float32),
        names=NAMES,
        static={"Age": 60.0 + seed, "Height": np.nan, "ICUType": float(seed % 3)},
        length_h=48.0,
    )


def samples(n: int) -> list[Sample]:
    return [Sample(subject_id=str(i), inputs={"stay": stay(i, 5 + 12 * i)}) for i in range(n)]


def by_definition(seen: Observations, name: str) -> float:
    """One column, from the raw observations."""
    if name == "observations":
        return float(len(seen))
    if name == "variables":
        return float(len(set(seen.variable.tolist())))
    if name in {"Age", "Height"}:
        return float(seen.static[name])
    if "=" in name:
        key, _, kind = name.partition("=")
        return float(seen.static[key] == float(kind))
    variable, _, rest = name.partition(":")
    if "/" in variable:
        above, below = (_of(seen, part, 0, 48) for part in variable.split("/"))
        if not len(above) or not len(below):
            return np.nan
        return _what(rest, above) / _what(rest, below)
    what, _, window = rest.partition("@")
    a, b = map(float, window.split("-"))
    found = _of(seen, variable, a, b)
    if what == "total":
        return float(found[:, 1].sum())
    return _what(what, found)


def _of(seen: Observations, name: str, a: float, b: float) -> Any:
    sources = SPEC.merged.get(name, (name,))
    at = [NAMES.index(one) for one in sources]
    inside = (seen.hours >= a) & ((seen.hours < b) | (b == 48) & (seen.hours == 48))
    keep = np.isin(seen.variable, at) & inside
    return np.stack([seen.hours[keep], seen.values[keep].astype(np.float64)], 1)


def _what(what: str, found: Any) -> float:
    t, x = found.T
    if what == "count":
        return float(len(x))
    if not len(x) or (what in {"sd", "slope"} and len(x) < 2):
        return np.nan
    if what == "slope":
        return np.nan if np.ptp(t) == 0 else float(np.polyfit(t, x, 1)[0])
    of: dict[str, Any] = {
        "mean": x.mean, "sd": x.std, "min": x.min, "max": x.max, "last": lambda: x[-1], "first": lambda: x[0],
        "last_h": lambda: t[-1], "change": lambda: x[-1] - x[0],
    }  # fmt: skip
    return float(of[what]())


def alone(running: Running, stays: Any) -> Any:
    return Running.joined(running.spec, [running.part(stays)]).table()


def test_every_column_is_what_its_name_says() -> None:
    given = samples(6)
    table, names = SPEC(given)
    assert names == SPEC.columns
    assert table.shape == (6, len(names))
    assert table.dtype == np.float32
    assert len(set(names)) == len(names)
    checked = 0
    for row, sample in zip(table, given, strict=True):
        for name, value in zip(names, row, strict=True):
            if name.startswith("worst@"):
                continue
            expected = by_definition(sample.inputs["stay"], name)
            np.testing.assert_allclose(value, expected, rtol=2e-4, atol=2e-4, err_msg=name)
            checked += bool(np.isfinite(expected))
    assert checked > 700


def test_points_are_the_worse_of_the_lowest_and_the_highest() -> None:
    def worst(*seen: tuple[float, str, float]) -> float:
        hours, names, values = zip(*seen, strict=True)
        one = Observations(
            hours=np.array(hours),
            variable=np.array([NAMES.index(name) for name in names], np.int16),
            values=np.array(values, np.float32),
            names=NAMES,
            static={},
            length_h=48.0,
        )
        table, columns = SPEC([Sample(subject_id="a", inputs={"stay": one})])
        return float(table[0, columns.index("worst@0-24")])

    assert worst((1.0, "HR", 80.0)) == 0
    assert worst((1.0, "HR", 80.0), (2.0, "HR", 55.0)) == 2
    assert worst((1.0, "HR", 80.0), (2.0, "HR", 30.0), (3.0, "HR", 120.0)) == 4
    assert worst((1.0, "HR", 70.0)) == 0, "a limit belongs to what lies above it"
    assert worst((1.0, "HR", 120.0), (2.0, "SysABP", 150.0), (3.0, "BUN", 100.0)) == 3 + 1
    assert worst((1.0, "HR", 120.0), (2.0, "SysABP", 150.0)) == 3, "what was not observed has no points"
    assert np.isnan(worst((30.0, "HR", 30.0))), "and what was observed later does not count"


def test_nothing_observed_is_missing_and_not_zero() -> None:
    empty = replace(
        stay(1),
        hours=np.zeros(0),
        variable=np.zeros(0, np.int16),
        values=np.zeros(0, np.float32),
        static={},
    )
    table, names = SPEC([Sample(subject_id="a", inputs={"stay": empty})])
    known = {name for name, value in zip(names, table[0], strict=True) if np.isfinite(value)}
    rest = known - {name for name in names if ":count@" in name or ":total@" in name or "=" in name}
    assert rest == {"observations", "variables"}
    assert np.nansum(table) == 0


def test_what_lies_after_the_stay_is_not_read() -> None:
    early, late = stay(3), stay(3)
    late = replace(
        late,
        hours=np.append(late.hours, 49.0),
        variable=np.append(late.variable, np.int16(0)),
        values=np.append(late.values, np.float32(999)),
    )
    first, _ = SPEC([Sample(subject_id="a", inputs={"stay": early})])
    second, _ = SPEC([Sample(subject_id="a", inputs={"stay": late})])
    np.testing.assert_array_equal(first, second)


def test_observation_by_observation_gives_exactly_the_batch() -> None:
    given = [sample.inputs["stay"] for sample in samples(6)]
    running = Running(SPEC, len(given))
    longest = max(map(len, given))
    for number in range(longest):
        now = np.array([at for at, one in enumerate(given) if number < len(one)])
        running.observe(
            now,
            np.array([given[at].hours[number] for at in now]),
            np.array([given[at].variable[number] for at in now], np.int64),
            np.array([given[at].values[number] for at in now], np.float64),
        )
        if number % 7 and number + 1 < longest:
            continue
        batch = Running(SPEC, len(given))
        for at, one in enumerate(given):
            batch.add(at, one.where(np.arange(len(one)) <= number))
        np.testing.assert_array_equal(running.table(), batch.table())
        for name in ("sums", "least", "most", "first", "last", "last_h"):
            np.testing.assert_array_equal(getattr(running, name), getattr(batch, name), err_msg=name)


def test_places_grow_are_forgotten_and_asked_for_alone() -> None:
    given = [sample.inputs["stay"] for sample in samples(4)]
    running = Running(SPEC, 2)
    running.add(0, given[0])
    running.add(1, given[1])
    before = running.table()
    running.grow(4)
    np.testing.assert_array_equal(running.table()[:2], before)
    running.add(2, given[2])
    running.add(3, given[3])
    whole = running.table()
    np.testing.assert_array_equal(alone(running, np.array([3, 1])), whole[[3, 1]])
    running.forget(1)
    fresh = Running(SPEC, 1)
    np.testing.assert_array_equal(alone(running, np.array([1])), fresh.table())
    np.testing.assert_array_equal(alone(running, np.array([0, 2, 3])), whole[[0, 2, 3]])
    running.add(1, given[3])
    np.testing.assert_array_equal(alone(running, np.array([1])), whole[[3]])


@pytest.mark.parametrize("hour", [0.0, 6.25, 12.0, 30.0, 48.0])
def test_a_stay_cut_off_is_one_of_which_less_is_known(hour: float) -> None:
    seen = stay(5)
    cut = seen.until(hour)
    table, _ = SPEC([Sample(subject_id="a", inputs={"stay": cut})])
    running = Running(SPEC, 1)
    for at in range(len(seen)):
        if seen.hours[at] <= hour:
            running.observe(
                np.array([0]),
                seen.hours[[at]],
                seen.variable[[at]].astype(np.int64),
                seen.values[[at]].astype(np.float64),
            )
    expected = np.concatenate([running.table(), SPEC.fixed([seen.static])], axis=1)
    np.testing.assert_array_equal(table, expected)
