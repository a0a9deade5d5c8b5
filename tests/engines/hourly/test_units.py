"""One unit per hour of each stay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from suwen.core.errors import BadInput
from suwen.core.sample import Sample
from suwen.engines.hourly.units import hourly_units, hours_of, stay_of
from suwen.engines.panel.task import PanelTask


def test_every_labelled_hour_is_a_unit_in_order(made: Callable[[int], list[Sample]], task: PanelTask) -> None:
    samples = made(12)
    found = hourly_units(samples, task.endpoint)
    lengths = [len(s.target.values) for s in samples]  # type: ignore[union-attr]
    assert np.bincount(found.owner).tolist() == lengths
    assert (np.diff(found.owner) >= 0).all()
    assert found.hour[: lengths[0]].tolist() == list(range(lengths[0]))
    assert found.target.tolist() == np.concatenate([s.target.values for s in samples]).tolist()  # type: ignore[union-attr]


def test_without_labels_hours_are_those_covered_and_unknown(
    made: Callable[[int], list[Sample]], task: PanelTask
) -> None:
    sample = replace(made(1)[0], target=None)
    found = hourly_units([sample], task.endpoint)
    assert len(found) == 40
    assert set(found.target.tolist()) == {-1}


def test_the_hour_of_the_last_observation_counts_even_where_nothing_says_it_is_covered(
    made: Callable[[int], list[Sample]],
) -> None:
    seen = stay_of(made(1)[0])
    short = replace(seen, length_h=0.0)
    assert hours_of(Sample(subject_id="a", inputs={"stay": short})) == int(seen.hours[-1]) + 1
    empty = seen.until(-1.0)
    assert hours_of(Sample(subject_id="a", inputs={"stay": replace(empty, length_h=0.0)})) == 1


def test_a_class_name_is_no_hourly_label(made: Callable[[int], list[Sample]], task: PanelTask) -> None:
    with pytest.raises(BadInput) as error:
        hourly_units([replace(made(1)[0], target="sepsis")], task.endpoint)
    assert error.value.code == "not-hourly"


def test_an_input_without_observations_is_refused() -> None:
    with pytest.raises(BadInput) as error:
        stay_of(Sample(subject_id="a", inputs={"stay": 3}))
    assert error.value.code == "no-observations"
