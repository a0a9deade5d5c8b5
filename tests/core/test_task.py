"""Tasks, samples and predictions as nouns."""

from __future__ import annotations

from pathlib import Path

import pytest

from suwen.core.errors import BadInput
from suwen.core.prediction import Scores
from suwen.core.sample import Sample, Samples
from suwen.core.task import ABSENT_LABELS, Endpoint, Field, Task

ENDPOINT = Endpoint(
    labels={"normal": ("0", "No Finding"), "pneumonia": ("1",)}, positive="pneumonia", code=("s", "c", "d")
)
TASK = Task(
    name="room.task", title="t", intended_use="u", not_for="n", engine="none", endpoint=ENDPOINT,
    inputs=(Field(name="x", kind="image", description="d"),),
)  # fmt: skip


@pytest.mark.parametrize(
    ("label", "wanted"),
    [("0", "normal"), (" no finding ", "normal"), ("PNEUMONIA", "pneumonia"), ("1", "pneumonia")],
)
def test_spellings_are_resolved(label: str, wanted: str) -> None:
    assert ENDPOINT.resolve(label) == wanted


@pytest.mark.parametrize("label", [None, *sorted(ABSENT_LABELS)])
def test_an_absent_label_is_unknown(label: str | None) -> None:
    assert ENDPOINT.resolve(label) is None


@pytest.mark.parametrize("label", ["2", "pneumo", "0.0", "-0"])
def test_another_label_is_refused(label: str) -> None:
    with pytest.raises(BadInput, match="not one this task knows"):
        ENDPOINT.resolve(label)


def test_the_positive_class_must_be_a_class() -> None:
    with pytest.raises(BadInput):
        Endpoint(labels={"a": (), "b": ()}, positive="c", code=("", "", ""))


def test_a_bare_task_says_what_it_lacks() -> None:
    assert TASK.system == "room"
    with pytest.raises(NotImplementedError, match="collect"):
        TASK.collect("x")
    with pytest.raises(NotImplementedError, match="read"):
        TASK.read(Path("x"))
    sample = Sample(subject_id="a", inputs={})
    assert TASK.prepare(sample) is sample


def test_samples_are_counted_and_chosen() -> None:
    samples = Samples(
        samples=tuple(Sample(subject_id=str(n), inputs={}, target="a" if n % 2 else None) for n in range(5)),
        fingerprint="f",
    )
    assert len(samples) == 5
    assert [s.subject_id for s in samples] == list("01234")
    assert [s.subject_id for s in samples.where(lambda s: s.target is None)] == list("024")


def test_the_headline_is_the_positive_class() -> None:
    scores = Scores(
        probabilities={"a": 0.3, "b": 0.7}, positive="b", interval=(0.6, 0.8), threshold=0.5, decision="b",
        conformal_set=("b",),
    )  # fmt: skip
    assert scores.probability == 0.7
