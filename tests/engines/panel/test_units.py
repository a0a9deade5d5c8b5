"""Units: rows of samples, renumbered, in the order that is asked for."""

from __future__ import annotations

import numpy as np

from suwen.core.endpoint import Endpoint, TimeToEvent
from suwen.core.engine import Units
from suwen.core.sample import Sample
from suwen.core.target import Outcome
from suwen.engines.panel.units import one_each, rows, take

CODE = ("http://snomed.info/sct", "0", "A finding")
HOURLY = Units(
    owner=np.array([0, 0, 0, 1, 3, 3]),
    hour=np.array([1.0, 2.0, 3.0, 1.0, 1.0, 2.0]),
    target=np.array([0, 0, 1, 0, -1, 1]),
)
"""Sample 2 has no unit at all."""


def test_rows_come_sample_by_sample_in_the_given_order() -> None:
    assert rows(HOURLY, np.array([3, 0])).tolist() == [4, 5, 0, 1, 2]
    assert rows(HOURLY, np.array([2])).tolist() == []
    assert rows(HOURLY, np.array([], np.int64)).tolist() == []


def test_what_is_taken_is_numbered_anew() -> None:
    taken = take(HOURLY, np.array([3, 2, 1]))
    assert taken.owner.tolist() == [0, 0, 2]
    assert taken.hour.tolist() == [1.0, 2.0, 1.0]
    assert taken.target.tolist() == [-1, 1, 0]
    again = take(taken, np.array([2, 0]))
    assert again.owner.tolist() == [0, 1, 1]
    assert again.target.tolist() == [0, -1, 1]


def test_one_answer_each_of_classes() -> None:
    endpoint = Endpoint(labels={"well": ("0",), "ill": ("1",)}, positive="ill", code=CODE)
    samples = [Sample(subject_id="a", inputs={}, target=t) for t in ("ill", "well", None)]
    made = one_each(samples, endpoint, endpoint.classes)
    assert made.target.tolist() == [1, 0, -1], "unknown is unknown"
    assert made.owner.tolist() == [0, 1, 2]
    assert made.hour.tolist() == [0, 0, 0]


def test_one_answer_each_of_a_time_to_an_event() -> None:
    endpoint = TimeToEvent(event="death", code=CODE)
    targets = (Outcome(time=3.5, event=True), Outcome(time=9.0, event=False), None)
    samples = [Sample(subject_id="a", inputs={}, target=t) for t in targets]
    made = one_each(samples, endpoint, endpoint.classes)
    assert made.target[:2].tolist() == [[3.5, 1.0], [9.0, 0.0]]
    assert np.isnan(made.target[2]).all()
    assert one_each([], endpoint, endpoint.classes).target.shape == (0, 2)
