"""JSON merge patch: every example of RFC 7396, digits kept, nothing changed in place."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.records.fhir import merge_patch, wire

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("document", "patch", "merged"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_the_examples_of_the_rfc(document: Any, patch: Any, merged: Any) -> None:
    assert merge_patch.apply(document, patch) == merged


def test_decimals_keep_their_digits() -> None:
    document = wire.read(b'{"a":1.00,"b":{"c":0.10,"d":1}}')
    assert wire.write(merge_patch.apply(document, wire.read(b'{"b":{"d":2.0}}'))) == (
        b'{"a":1.00,"b":{"c":0.10,"d":2.0}}'
    )


@given(JSON, JSON)
def test_nothing_is_changed_in_place_and_nothing_is_shared(document: Any, patch: Any) -> None:
    before = copy.deepcopy((document, patch))
    merged = merge_patch.apply(document, patch)
    spoil(merged)
    assert (document, patch) == before


@given(JSON, JSON)
def test_merging_twice_is_merging_once(document: Any, patch: Any) -> None:
    once = merge_patch.apply(document, patch)
    assert merge_patch.apply(once, patch) == once


def spoil(value: Any) -> None:
    """Change every object and list in a value."""
    if isinstance(value, dict):
        for one in value.values():
            spoil(one)
        value["spoilt"] = True
    elif isinstance(value, list):
        for one in value:
            spoil(one)
        value.append("spoilt")
