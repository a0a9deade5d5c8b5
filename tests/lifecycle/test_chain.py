"""The chain of a plan: whatever is changed in whichever part, it is noticed and named."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from suwen.core.errors import Untrusted
from suwen.lifecycle import chain

PARTS: list[tuple[str, Any]] = [
    ("image", {"sha256": "ab", "shape": [4, 4, 4]}),
    ("plan", {"path": [[0.1, 0.2, 1e-17], [1, 2, 3]]}),
    ("certificate", {"holds": True}),
    ("motion", None),
]


def test_it_holds_as_it_was_made(home: Path) -> None:
    chain.check(chain.signed(PARTS), copy.deepcopy(PARTS), where="plan")


def test_each_step_knows_everything_before_it() -> None:
    steps = chain.link(PARTS)
    assert [step["kind"] for step in steps] == ["image", "plan", "certificate", "motion"]
    assert steps[0]["previous"] == ""
    assert [step["previous"] for step in steps[1:]] == [step["link"] for step in steps[:-1]]
    other = chain.link([("image", {"sha256": "ac"}), *PARTS[1:]])
    assert [a["link"] != b["link"] for a, b in zip(steps, other, strict=True)] == [True] * 4
    assert [a["sha256"] == b["sha256"] for a, b in zip(steps, other, strict=True)] == [
        False,
        True,
        True,
        True,
    ]


@pytest.mark.parametrize("at", range(4))
def test_a_changed_part_is_named(home: Path, at: int) -> None:
    made = chain.signed(PARTS)
    changed = [*PARTS]
    changed[at] = (PARTS[at][0], {"other": 1})
    with pytest.raises(Untrusted, match=f"part '{PARTS[at][0]}'") as refused:
        chain.check(made, changed, where="plan")
    assert refused.value.code == "altered-plan"


def test_the_order_of_keys_and_the_spelling_of_numbers_do_not_count(home: Path) -> None:
    made = chain.signed([("plan", {"a": 1.5, "b": (1, 2)})])
    chain.check(made, [("plan", {"b": [1, 2], "a": 1.5})], where="plan")


def test_a_part_left_out_or_exchanged_is_noticed(home: Path) -> None:
    made = chain.signed(PARTS)
    for changed in (PARTS[:-1], [PARTS[1], PARTS[0], *PARTS[2:]]):
        with pytest.raises(Untrusted):
            chain.check(made, changed, where="plan")


def test_nobody_else_can_sign_it(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("SUWEN_HOME", str(tmp_path / "stranger"))
        foreign = chain.signed(PARTS)
    with pytest.raises(Untrusted) as refused:
        chain.check(foreign, PARTS, where="plan")
    assert refused.value.code == "bad-signature"
    broken = {**chain.signed(PARTS), "signature": "AAAA"}
    with pytest.raises(Untrusted):
        chain.check(broken, PARTS, where="plan")


@pytest.mark.parametrize(
    "nothing", [None, {}, [], {"format": chain.FORMAT}, {"format": chain.FORMAT, "steps": "x"}]
)
def test_what_is_no_chain_is_refused(home: Path, nothing: Any) -> None:
    with pytest.raises(Untrusted) as refused:
        chain.check(nothing, PARTS, where="plan")
    assert refused.value.code == "altered-plan"
