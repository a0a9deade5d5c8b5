from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from suwen.core.errors import BadInput
from suwen.core.variables import Variable
from suwen.explain.counterfactual import STATEMENT, Change, Edit, edits, lower

TABLE = (
    Variable(
        name="sbp",
        title="Systolic pressure",
        unit="mm[Hg]",
        plausible=(40, 300),
        reference=(90, 120),
        modifiable=True,
    ),
    Variable(
        name="chol",
        title="Cholesterol",
        unit="mg/dL",
        plausible=(50, 700),
        reference=(None, 200),
        modifiable=True,
    ),
    Variable(name="smoker", title="Smoking", unit="", plausible=(0, 1), reference=(0, 0), modifiable=True),
    Variable(name="age", title="Age", unit="a", plausible=(18, 110), reference=(18, 40)),
    Variable(
        name="bmi",
        title="Body mass index",
        unit="kg/m2",
        plausible=(8, 90),
        reference=(18.5, 25),
        modifiable=True,
    ),
)
PATIENT = {"sbp": 160.0, "chol": 260.0, "smoker": 1.0, "age": 66.0, "bmi": float("nan")}
WEIGHTS = {"sbp": 0.02, "chol": 0.004, "smoker": 0.7, "age": 0.06, "bmi": 0.1}


def model(combinations: Sequence[tuple[Edit, ...]]) -> np.ndarray:
    odds = []
    for combination in combinations:
        now = PATIENT | {edit.name: edit.after for edit in combination}
        odds.append(-9.5 + sum(WEIGHTS[name] * now[name] for name in WEIGHTS if name != "bmi"))
    return 1 / (1 + np.exp(-np.array(odds)))


def test_only_what_can_change_and_lies_outside_its_range() -> None:
    found = {(edit.name, edit.after) for edit in edits(PATIENT, TABLE)}
    assert found == {("sbp", 120.0), ("sbp", 105.0), ("chol", 200.0), ("smoker", 0.0)}
    assert edits({"sbp": 110.0, "chol": 150.0}, TABLE) == ()
    low = edits({"sbp": 80.0}, TABLE)
    assert [edit.after for edit in low] == [90.0, 105.0]


def test_singles_and_pairs_are_ordered_by_risk() -> None:
    found = lower(model, edits(PATIENT, TABLE))
    assert found.statement == STATEMENT
    assert "not the effect of a treatment" in found.statement
    risks = [change.risk for change in found.changes]
    assert risks == sorted(risks)
    assert [tuple(edit.name for edit in change.edits) for change in found.changes[:2]] == [
        ("sbp", "smoker"),
        ("sbp", "chol"),
    ]
    assert {len(change.edits) for change in found.changes} == {1, 2}
    for change in found.changes:
        assert change.risk == pytest.approx(float(model([change.edits])[0]))
        assert change.change == pytest.approx(change.risk - found.risk)
        assert change.change < 0
    assert len([c for c in found.changes if len(c.edits) == 1]) == 3  # one target per variable
    assert found.tried == 5 + 3


def test_what_would_raise_the_risk_is_not_listed() -> None:
    def other(combinations: Sequence[tuple[Edit, ...]]) -> list[float]:
        """Lower pressure is worse; cholesterol does nothing; smoking alone matters."""
        names = [{edit.name for edit in combination} for combination in combinations]
        return [0.3 + 0.1 * ("sbp" in one) - 0.1 * ("smoker" in one) for one in names]

    found = lower(other, edits(PATIENT, TABLE))
    assert [[edit.name for edit in change.edits] for change in found.changes] == [["smoker"]]


def test_nothing_to_change() -> None:
    found = lower(lambda combinations: [0.4] * len(combinations), ())
    assert (found.risk, found.changes, found.tried) == (0.4, (), 1)


def test_a_change_reads_as_a_sentence() -> None:
    edit = Edit(name="sbp", title="Systolic pressure", unit="mm[Hg]", before=160, after=120)
    smoke = Edit(name="smoker", title="Smoking", unit="", before=1, after=0)
    said = str(Change(edits=(edit, smoke), risk=0.25, change=-0.125))
    assert said == "Systolic pressure 160 to 120 mm[Hg] and Smoking 1 to 0: 0.25 instead of 0.375"


@pytest.mark.parametrize("answer", [[float("nan")], [0.1, 0.2], 0.5])
def test_a_model_that_does_not_answer_is_refused(answer: object) -> None:
    with pytest.raises(BadInput, match="one finite risk"):
        lower(lambda _: answer, ())  # type: ignore[arg-type,return-value]
