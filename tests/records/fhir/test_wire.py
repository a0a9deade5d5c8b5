"""Strict reading and exact writing of JSON."""

from __future__ import annotations

import copy
import gzip
import json
import tracemalloc
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.core.errors import BadInput, Unreadable
from suwen.records.fhir import wire

strings = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
numbers = st.from_regex(r"\A-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,24})?([eE][+-]?[0-9]{1,3})?\Z")
spaces = st.sampled_from(["", " ", "\n", "\t ", "\r\n  "])


@st.composite
def documents(draw: st.DrawFn) -> str:
    """JSON texts with every kind of number, escape and white space, and no key twice."""
    text = draw(
        st.recursive(
            st.one_of(
                numbers,
                st.sampled_from(["true", "false", "null", "-0", "1e400", "18446744073709551616", "1.0"]),
                strings.map(json.dumps),
                strings.map(lambda s: json.dumps(s, ensure_ascii=False)),
            ),
            lambda inner: st.one_of(
                st.tuples(spaces, st.lists(inner, max_size=4)).map(
                    lambda t: "[" + t[0] + f"{t[0]},{t[0]}".join(t[1]) + "]"
                ),
                st.tuples(spaces, st.dictionaries(strings, inner, max_size=4)).map(
                    lambda t: (
                        "{"
                        + f",{t[0]}".join(f"{json.dumps(k)}{t[0]}:{t[0]}{v}" for k, v in t[1].items())
                        + "}"
                    )
                ),
            ),
            max_leaves=12,
        )
    )
    return draw(spaces) + text + draw(spaces)


def literal(text: str) -> Any:
    """The document with every number as the text it is written as."""
    kept = {"parse_float": lambda t: ("number", t), "parse_int": lambda t: ("number", t)}
    return json.loads(text, **kept)


@given(documents())
def test_what_is_read_is_written_back_digit_by_digit(text: str) -> None:
    value = wire.read(text.encode())
    assert literal(wire.write(value).decode()) == literal(text)


@given(documents())
def test_it_reads_what_the_standard_library_reads(text: str) -> None:
    value = wire.read(text.encode())
    expected = json.loads(text, parse_float=Decimal)

    def same(ours: Any, theirs: Any) -> bool:
        if isinstance(theirs, dict):
            return list(ours) == list(theirs) and all(same(ours[key], theirs[key]) for key in theirs)
        if isinstance(theirs, list):
            return len(ours) == len(theirs) and all(map(same, ours, theirs))
        if isinstance(theirs, bool) or not isinstance(theirs, int | Decimal):
            return type(ours) is type(theirs) and ours == theirs
        return Decimal(str(ours)) == theirs

    assert same(value, expected)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("1", int),
        ("-9223372036854775808", int),
        ("18446744073709551615", int),
        ("18446744073709551616", Decimal),
        ("-0", Decimal),
        ("0.5", float),
        ("-0.0", float),
        ("1.00", Decimal),
        ("1.10", Decimal),
        ("0.1000000000000000055511151231257827", Decimal),
        ("1e2", wire.Exact),
        ("1E400", Decimal),
        ("0." + "1" * 400, Decimal),
        ("9" * 5000, Decimal),
    ],
)
def test_a_number_is_a_float_only_where_nothing_is_lost(text: str, kind: type) -> None:
    (value,) = wire.read(b"[" + text.encode() + b"]")
    assert isinstance(value, kind)
    assert wire.write([value]) == b"[" + text.encode() + b"]"
    assert wire.write(copy.deepcopy([value])) == b"[" + text.encode() + b"]"


def test_exact_numbers_calculate_as_decimals() -> None:
    value = wire.Exact("1.50e2")
    assert value == 150
    assert value + 1 == 151
    assert str(value) == "1.50e2"
    assert repr(value) == "Exact('1.50e2')"


@pytest.mark.parametrize(
    ("data", "code", "where"),
    [
        (b"", "invalid-json", "line 1 column 1"),
        (b'{"a":1', "invalid-json", "line 1 column 7"),
        (b'{"a":1}}', "invalid-json", "line 1 column 8"),
        (b'{"a":01}', "invalid-json", "line 1 column 7"),
        (b"[1,]", "invalid-json", None),
        (b"{'a':1}", "invalid-json", "line 1 column 2"),
        (b'["\n"]', "invalid-json", "line 1 column 3"),
        (b'["\\x"]', "invalid-json", "line 1 column 3"),
        (b'{"a":\n  NaN}', "invalid-json", "line 2 column 3"),
        (b'{"NaN":-Infinity}', "invalid-json", "line 1 column 8"),
        (b"[1e999999999999999999999]", "invalid-json", None),
        (b'{"a":1,"a":1}', "duplicate-key", "line 1 column 8"),
        (b'{"x":[{"a":1,\n"b":{"a":2},"\\u0061":1}]}', "duplicate-key", "line 2 column 13"),
        (b'{"a":"\xff"}', "invalid-utf8", "line 1 column 7"),
        ('{"é":"'.encode() + b"\xc3", "invalid-utf8", "line 1 column 7"),
        (b'{"a":"\xed\xa0\x80"}', "invalid-utf8", "line 1 column 7"),
        (b'{"a":"x\\ud800"}', "invalid-utf8", "line 1 column 8"),
        (b'["\\udc00\\ud800"]', "invalid-utf8", "line 1 column 3"),
        ('{"a":1}'.encode("utf-16"), "invalid-utf8", None),
        (b"[" * 65 + b"]" * 65, "too-deep", None),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "too-deep", None),
        (b"[" * 100_000, "too-deep", None),
        (b'[{"a":' * 50_000 + b"1" + b"}]" * 50_000, "too-deep", None),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(data: bytes, code: str, where: str | None) -> None:
    with pytest.raises(Unreadable) as caught:
        wire.read(data)
    assert caught.value.code == code
    if where is not None:
        assert caught.value.where == where


def test_no_content_is_quoted() -> None:
    for data in (
        b'{"a":"SECRET" "SECRET"}',
        b'{"SECRET":1,"SECRET":2}',
        b'{"SECRET":"\xff"}',
        b'{"SECRET":NaN}',
        b'{"SECRET":"\\ud800"}',
        b'{"SECRET":"\\qSECRET"}',
    ):
        with pytest.raises(Unreadable) as caught:
            wire.read(data)
        assert "SECRET" not in str(caught.value)


def test_64_levels_are_read_and_brackets_in_strings_are_no_levels() -> None:
    assert wire.read(b"[" * 64 + b"]" * 64)
    assert wire.read(json.dumps({"a": "[" * 200, 'b\\"': '\\"[{' * 90}).encode())
    assert wire.read(b"[" + b",".join([b"[{}]"] * 200) + b"]")


@given(st.integers(1, 130), st.data())
def test_depth_is_counted_exactly(depth: int, data: st.DataObject) -> None:
    opened = [data.draw(st.sampled_from("[{")) for _ in range(depth)]
    text = "".join('[[],"[\\"",' if sign == "[" else '{"{":' for sign in opened) + "1"
    text += "".join("]" if sign == "[" else "}" for sign in reversed(opened))
    inner = 1 if "[" in opened and opened[-1] == "[" else 0
    deepest = max([at + 2 for at, sign in enumerate(opened) if sign == "["] + [depth])
    assert deepest == depth + inner or not inner
    if deepest <= wire.DEPTH:
        wire.read(text.encode())
    else:
        with pytest.raises(Unreadable, match="nested"):
            wire.read(text.encode())


@given(documents(), documents(), strings)
def test_a_key_given_twice_is_always_found(one: str, two: str, key: str) -> None:
    text = f'{{"before":[1],{json.dumps(key)}:{one},"b":{{}},{json.dumps(key, ensure_ascii=False)}:{two}}}'
    with pytest.raises(Unreadable) as caught:
        wire.read(text.encode())
    assert caught.value.code == "duplicate-key"


@given(
    st.binary(max_size=60)
    | documents().flatmap(lambda t: st.integers(0, len(t)).map(lambda n: t.encode()[:n]))
)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        value = wire.read(data)
    except Unreadable as error:
        assert error.code in {"invalid-utf8", "invalid-json", "duplicate-key", "too-deep"}
    else:
        assert wire.read(wire.write(value)) == value


def test_a_byte_order_mark_is_skipped() -> None:
    assert wire.read(b'\xef\xbb\xbf{"a":1.0}') == {"a": 1.0}


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert wire.read(b'["\\ud83d\\ude00","\\\\ud800"]') == ["\N{GRINNING FACE}", "\\ud800"]


def test_decimals_and_large_integers_of_python_are_written() -> None:
    assert wire.write([Decimal("1.10"), 1 << 70, {"a": [-(1 << 70)]}]) == (
        b'[1.10,1180591620717411303424,{"a":[-1180591620717411303424]}]'
    )
    for value in (Decimal("NaN"), Decimal("Infinity"), object(), "\ud800", {1, 2}):
        with pytest.raises(BadInput) as caught:
            wire.write([value])
        assert caught.value.code == "not-json"


def test_reading_a_large_bad_document_takes_bounded_memory() -> None:
    data = b"[" * 5_000_000
    tracemalloc.start()
    try:
        with pytest.raises(Unreadable):
            wire.read(data)
        assert tracemalloc.get_traced_memory()[1] < 16 * len(data)
    finally:
        tracemalloc.stop()


def test_every_official_example_comes_back_value_by_value(data_dir: Path) -> None:
    files = sorted((data_dir / "records" / "fhir_r4_examples").glob("*.json"))
    assert len(files) > 500
    for path in files:
        text = path.read_text("utf-8")
        assert literal(wire.write(wire.read(text.encode())).decode()) == literal(text), path.name


def test_a_real_bundle_comes_back_value_by_value(data_dir: Path) -> None:
    data = gzip.decompress((data_dir / "records" / "synthea_r4" / "p001.json.gz").read_bytes())
    assert literal(wire.write(wire.read(data)).decode()) == literal(data.decode())
