"""JSON Patch: the official FHIR cases, RFC 6902's finer points, bounds, and nothing changed in place."""

import copy
import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.core.errors import BadInput, Unreadable
from suwen.records.fhir import json_patch, wire

SMALL = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "a", "~", "/"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab01-"), inner, max_size=3),
    max_leaves=8,
)
POINTER = st.lists(st.sampled_from(["a", "b", "0", "1", "-", "~0", "01"]), max_size=3).map(
    lambda parts: "".join("/" + part for part in parts)
)
OPERATION = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]), "path": POINTER},
    optional={"from": POINTER, "value": SMALL},
)


def test_the_official_cases(data_dir: Path) -> None:
    cases = json.loads((data_dir / "records/patch_r4/json-patch-tests.json").read_bytes())
    assert len(cases) == 16
    for case in cases:
        before = copy.deepcopy(case)
        if "error" in case:
            with pytest.raises(BadInput) as raised:
                json_patch.apply(case["doc"], case["patch"])
            assert raised.value.code == "patch-failed", case["comment"]
        else:
            assert json_patch.apply(case["doc"], case["patch"]) == case["expected"], case["comment"]
        assert case == before, case["comment"]


def test_decimals_keep_their_digits() -> None:
    document = wire.read(b'{"value":1.00,"low":{"value":0.10},"list":[2.50]}')
    patch = wire.read(
        b'[{"op":"copy","from":"/low","path":"/high"},{"op":"move","from":"/value","path":"/list/-"},'
        b'{"op":"add","path":"/new","value":3.000},{"op":"test","path":"/list/0","value":2.5}]'
    )
    changed = json_patch.apply(document, patch)
    assert (
        wire.write(changed) == b'{"low":{"value":0.10},"list":[2.50,1.00],"high":{"value":0.10},"new":3.000}'
    )


@pytest.mark.parametrize(
    ("here", "value", "holds"),
    [
        (1, 1.0, True),
        (Decimal("1.00"), 1, True),
        (1, True, False),
        (0, False, False),
        ({}, {"a": None}, False),
    ],
)
def test_numbers_are_compared_by_value_and_truth_is_no_number(
    here: object, value: object, holds: bool
) -> None:
    patch = [{"op": "test", "path": "/x", "value": value}]
    if holds:
        assert json_patch.apply({"x": here}, patch) == {"x": here}
    else:
        with pytest.raises(Unreadable, match="test does not hold"):
            json_patch.apply({"x": here}, patch)


@pytest.mark.parametrize(
    ("patch", "place"),
    [
        ({"op": "add"}, "patch"),
        (["add"], "operation[0]"),
        ([{"op": "ad", "path": "/a", "value": 1}], "operation[0].op"),
        ([{"op": ["add"], "path": "/a"}], "operation[0].op"),
        ([{"op": "add", "path": "/a"}], "operation[0]"),
        ([{"op": "remove"}], "operation[0].path"),
        ([{"op": "remove", "path": "a"}], "operation[0].path"),
        ([{"op": "remove", "path": "/~2"}], "operation[0].path"),
        ([{"op": "remove", "path": 3}], "operation[0].path"),
        ([{"op": "test", "path": "", "value": {}}, {"op": "move", "path": "/a"}], "operation[1]"),
        ([{"op": "move", "path": "/a", "from": None}], "operation[0].from"),
        ([{"op": "test", "path": "", "value": 0}] * 1001, "patch"),
    ],
)
def test_what_is_no_patch_is_refused_before_anything_is_done(patch: object, place: str) -> None:
    with pytest.raises(BadInput) as raised:
        json_patch.apply({}, patch)
    assert (raised.value.code, raised.value.where) == ("bad-patch", place)


def test_the_failing_operation_is_named_and_no_data_is_quoted() -> None:
    patch = [{"op": "test", "path": "", "value": {"name": "Ann"}}, {"op": "remove", "path": "/secret"}]
    with pytest.raises(Unreadable) as raised:
        json_patch.apply({"name": "Ann"}, patch)
    assert raised.value.where == "operation[1]"
    assert "Ann" not in str(raised.value)
    assert raised.value.http_status == 422


def test_copies_that_double_the_document_are_stopped() -> None:
    patch = [{"op": "copy", "from": "", "path": f"/{index}"} for index in range(60)]
    with pytest.raises(BadInput, match="copies too much"):
        json_patch.apply({"a": [1, 2, 3]}, patch)


def test_a_document_cannot_be_nested_without_end() -> None:
    for steps in (70, 900):
        with pytest.raises(BadInput, match="too deeply") as raised:
            json_patch.apply({"a": {}}, [{"op": "copy", "from": "/a", "path": "/a/a"}] * steps)
        assert raised.value.code == "bad-patch"


@given(SMALL, st.lists(OPERATION, max_size=4))
def test_any_patch_gives_a_document_or_our_error_and_changes_nothing(
    document: object, patch: list[object]
) -> None:
    before = copy.deepcopy((document, patch))
    try:
        changed = json_patch.apply(document, patch)
    except BadInput as error:
        assert error.code in {"bad-patch", "patch-failed"}
    else:
        wire.write(changed)
    assert (document, patch) == before
