"""What is kept of a stay, what is counted, and what a look over a cohort finds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from suwen.core.errors import BadInput
from suwen.core.variables import Variable
from suwen.formats.signals.cleaning import Reasons, Rules, Slip, descriptor
from suwen.formats.signals.integrity import audit
from suwen.formats.signals.observations import Observations

A = Variable(name="a", title="A", unit="1", plausible=(0, 10))
B = Variable(name="b", title="B", unit="1", plausible=(100, 200))
RULES = Rules(variables=(A, B), slips={"b": (Slip(low=1, high=2, factor=100),)}, absent=-1)


def apply(
    hours: list[float], which: list[int], values: list[float], **more: Any
) -> tuple[Observations, Reasons]:
    return RULES.apply(np.array(hours), np.array(which, int), np.array(values, float), **more)


def test_values_are_kept_put_right_or_counted() -> None:
    seen, reasons = apply(
        [0, 0, 1, 1, 2, 3, 3], [0, 1, 0, 1, 0, 1, 1], [5, 1.5, -1, 99, math.nan, 150, 160], length_h=4
    )
    assert seen.hours.tolist() == [0, 0, 3, 3]
    assert seen.values.tolist() == [5, 150, 150, 160]
    assert seen.dropped == {"converted": 1, "missing": 2, "impossible": 1, "repeated": 1}
    assert reasons["missing", "a"] == 2
    assert reasons["impossible", "b"] == 1
    assert seen.values.dtype == np.float32
    assert seen.variable.dtype == np.int16


def test_nothing_observed_is_nothing() -> None:
    seen, reasons = apply([], [], [])
    assert len(seen) == 0
    assert not reasons


def test_times_that_fall_are_refused_and_equal_ones_are_not() -> None:
    with pytest.raises(BadInput) as caught:
        apply([1, 0], [0, 0], [5, 5])
    assert caught.value.code == "unsorted-times"
    seen, _ = apply([1, 1], [0, 1], [5, 150])
    assert "repeated" not in seen.dropped


def test_the_given_values_are_left_as_they_are() -> None:
    values = np.array([1.5])
    RULES.apply(np.zeros(1), np.array([1]), values)
    assert values.tolist() == [1.5]


def test_descriptors() -> None:
    reasons = Reasons()
    assert descriptor(5, A, reasons=reasons) == 5
    assert math.isnan(descriptor(-1, A, reasons=reasons, absent=-1))
    assert math.isnan(descriptor(11, A, reasons=reasons))
    assert descriptor(1.5, B, RULES.slips["b"], reasons=reasons) == 150
    assert reasons == {("missing", "a"): 1, ("impossible", "a"): 1, ("converted", "b"): 1}


def stay(*hours: float, length_h: float = 48) -> Observations:
    n = len(hours)
    return Observations(
        hours=np.array(hours, float),
        variable=np.zeros(n, np.int16),
        values=np.array(hours, np.float32),
        names=("a",),
        length_h=length_h,
    )


def test_a_cohort_is_looked_over() -> None:
    every = [float(h) for h in range(48)]
    reasons = Reasons({("impossible", "a"): 3, ("impossible", "b"): 7})
    notes, found = audit([stay(*every), stay(*every), stay(*every[:30])], reasons, window_h=48)
    assert found["observations"] == 126
    assert found["hour_histogram"] == [3] * 30 + [2] * 18
    assert found["truncated_stays"] == 1
    assert found["identical_stays"] == 1
    assert found["late_share"] == pytest.approx(2 / (6 * 3 + 17 * 2) * 23, abs=0.001)
    assert "10 values impossible in a living patient, taken as missing (b 7, a 3)" in notes
    assert "1 stays end 12 hours or more before their declared end" in notes


def test_an_empty_cohort_has_nothing_to_say() -> None:
    notes, found = audit([], Reasons(), window_h=48)
    assert notes == ()
    assert found["late_share"] is None
    assert audit([], Reasons())[1]["hour_histogram"] == []
