"""Columns of hours: what they say, and that replaying a stay hour by hour gives the batch's columns."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from suwen.core.errors import BadInput
from suwen.core.sample import Sample
from suwen.engines.hourly.reading import Reading
from suwen.engines.panel.task import PanelTask
from suwen.systems.signals._sepsis_terms import STATIC, VITAL, terms

PLAIN = Reading(static=STATIC)
FULL = Reading(static=STATIC, full=True, vital=VITAL, terms=terms)


@pytest.mark.parametrize("reading", [PLAIN, FULL], ids=["plain", "full"])
def test_replayed_hour_by_hour_the_columns_are_those_of_the_batch(
    reading: Reading, real: list[Sample], task: PanelTask, until: Callable[[Sample, int], Sample]
) -> None:
    whole = reading.table(task, real)
    for number in (0, 7, 31):
        batch = whole.take(np.array([number]))
        rows = whole.x[batch.rows]
        for hours in range(1, len(rows) + 1):
            then = reading.table(task, [until(real[number], hours)])
            np.testing.assert_array_equal(then.x[-1], rows[hours - 1])


def test_columns_say_what_their_names_say(made: Callable[[int], list[Sample]], task: PanelTask) -> None:
    sample = made(1)[0]
    found = FULL.table(task, [sample])
    column = dict(zip(found.names, found.x.T, strict=True))
    hours, values = sample.inputs["stay"].of("HR")
    last = int(hours[-1])
    assert column["HR last"][-1] == values[-1]
    assert column["HR since"][-1] == 39 - last
    assert column["HR count"][-1] == len(values)
    assert column["HR rise"][-1] == pytest.approx(values[-1] - values[0])
    inside = values[hours > 39 - 6]
    assert column["HR mean6"][-1] == pytest.approx(inside.mean(), rel=1e-5)
    assert column["HR low6"][-1] == inside.min()
    assert column["HR high6"][-1] == inside.max()
    assert column["HR spread6"][-1] == pytest.approx(inside.std(), rel=1e-4)
    assert column["hour"].tolist() == list(range(40))
    assert np.isnan(column["Lactate last"]).all()
    assert (column["Lactate count"] == 0).all()


def test_a_subset_copies_nothing_and_keeps_the_given_order(
    made: Callable[[int], list[Sample]], task: PanelTask
) -> None:
    samples = made(6)
    found = PLAIN.table(task, samples)
    some = found.take(np.array([4, 1]))
    assert some.x is found.x
    alone = PLAIN.table(task, [samples[4], samples[1]])
    np.testing.assert_array_equal(some.columns(found.names), alone.x)
    assert len(some.take(np.array([1]))) == len(PLAIN.table(task, [samples[1]]))


def test_columns_are_found_by_name_or_refused(made: Callable[[int], list[Sample]], task: PanelTask) -> None:
    found = PLAIN.table(task, made(2))
    assert found.columns(["hour", "HR last"])[:, 0].tolist() == found.x[:, found.names.index("hour")].tolist()
    with pytest.raises(BadInput) as error:
        found.columns(["hour", "colour"])
    assert error.value.code == "missing-columns"


def test_the_full_reading_holds_the_plain_one(made: Callable[[int], list[Sample]], task: PanelTask) -> None:
    samples = made(3)
    plain, full = PLAIN.table(task, samples), FULL.table(task, samples)
    np.testing.assert_array_equal(full.columns(plain.names), plain.x)
