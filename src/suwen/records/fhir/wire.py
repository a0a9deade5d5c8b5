"""FHIR's JSON on the wire: read strictly, written back with the digits it came with.

A number becomes a float (or an int of up to 64 bits) only where :func:`write` gives the very same text back.
Every other one (``1.00``, twenty digits) becomes a decimal, and where even a decimal would write it
differently (``1e2``) an :class:`Exact`, a decimal that keeps its text.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

import orjson

from suwen.core.errors import BadInput, Unreadable

DEPTH = 64
"""Levels of objects and arrays a document may have."""
_NOT_STRUCTURE = bytes(set(range(256)) - set(b'[]{}"'))
_ONE_BRACKET = bytes.maketrans(b"{}", b"[]")
_WHITE = b" \t\r\n"
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|-?Infinity|NaN', re.S)
_LONE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F]", re.S
)
_WORDS = {
    "duplicate-key": "An object has the same key twice",
    "invalid-json": "A number is NaN, infinite or beyond all bounds, which JSON has not",
}
_BOM = b"\xef\xbb\xbf"


class Exact(Decimal):
    """A number that keeps the text it was written as; arithmetic on it gives plain decimals."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Exact:  # noqa: D102 (constructor of an immutable)
        made = super().__new__(cls, text)
        made.text = text
        return made

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Exact({self.text!r})"


class _Found(Exception):
    """Something JSON allows and we do not; ``code`` says what."""

    def __init__(self, code: str) -> None:
        self.code = code


def read(data: bytes) -> Any:
    """Parse one JSON document.

    Parameters
    ----------
    data
        UTF-8; a byte order mark before it is skipped.

    Raises
    ------
    Unreadable
        Code ``invalid-utf8`` (also half of a surrogate pair), ``invalid-json`` (also NaN and Infinity),
        ``duplicate-key`` or ``too-deep`` (more than :data:`DEPTH`). ``where`` is line and column; content is
        never quoted.
    """
    data = data.removeprefix(_BOM)
    try:
        value = orjson.loads(data)
        again = orjson.dumps(value)
    except (orjson.JSONDecodeError, TypeError):
        return _read_slowly(data)
    # The same but for white space: no key was lost by being there twice, no number reads differently.
    if again.translate(None, _WHITE) != data.translate(None, _WHITE):
        return _read_slowly(data)
    if _too_deep(again):
        raise _deep()
    return value


def _read_slowly(data: bytes) -> Any:
    """Read any document with the standard library, which shows every key and the text of every number."""
    if _too_deep(data):
        raise _deep()
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        _refuse("invalid-utf8", "The JSON is not valid UTF-8", before, len(before))
    try:
        value = _decode(text)
    except json.JSONDecodeError as error:
        _refuse("invalid-json", f"The JSON cannot be parsed: {error.msg.rstrip(': ')}", text, error.pos)
    except _Found as found:
        _refuse(found.code, _WORDS[found.code], text, _place(text, found.code))
    except RecursionError:
        raise _deep() from None
    if "\\ud" in text or "\\uD" in text:
        _refuse_half_pairs(value, text)
    return value


def write(value: Any) -> bytes:
    """Compact JSON in UTF-8, every :class:`Exact` with its own digits.

    Raises
    ------
    BadInput
        Code ``not-json``: the value holds something JSON has no form for.
    """
    try:
        return orjson.dumps(value, default=_fragment)
    except TypeError:
        try:
            return orjson.dumps(_with_fragments(value), default=_fragment)
        except TypeError:
            raise BadInput("The value cannot be written as JSON", code="not-json") from None


def _pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(items)
    if len(made) != len(items):
        raise _Found("duplicate-key")
    return made


def _float(text: str) -> float | Decimal:
    value = float(text)
    if orjson.dumps(value).decode() == text:
        return value
    try:
        plain = Decimal(text)
    except InvalidOperation:
        raise _Found("invalid-json") from None
    return plain if str(plain) == text else Exact(text)


def _int(text: str) -> int | Exact:
    if len(text) < 19 and text != "-0":
        return int(text)
    if len(text) <= 20 and text != "-0" and -(1 << 63) <= (value := int(text)) < 1 << 64:
        return value
    return Exact(text)


def _constant(name: str) -> NoReturn:
    raise _Found("invalid-json")


_decode = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_float=_float, parse_int=_int, parse_constant=_constant
).decode


def _too_deep(data: bytes) -> bool:
    """Whether a valid document is nested too deep, in time linear in its length and without parsing it.

    A parser that recurses may run out of the thread's stack before it notices.
    """
    if data.count(b"{") + data.count(b"[") <= DEPTH:
        return False
    if b"\\" in data:  # no quotation mark is to be left inside a string
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    structure = data.translate(_ONE_BRACKET, _NOT_STRUCTURE).replace(b'""', b"")
    if b'"' in structure:  # strings with brackets in them
        structure = b"".join(structure.split(b'"')[::2])
    for _ in range(DEPTH):
        inner = structure.replace(b"[]", b"")
        if len(inner) == len(structure):
            break
        structure = inner
    return b"[]" in structure or structure.count(b"[") > DEPTH


def _deep() -> Unreadable:
    return Unreadable(f"The JSON is nested more than {DEPTH} levels deep", code="too-deep")


def _place(text: str, code: str) -> int:
    """Where the first key given twice, or the first number that is none, stands in a document."""
    open_objects: list[set[str] | None] = []
    key_next = False
    for token in _TOKEN.finditer(text):
        sign = token[0]
        if sign in "{[":
            open_objects.append(set() if sign == "{" else None)
        elif sign in "}]":
            open_objects.pop()
        elif sign[0] == '"' and key_next and (keys := open_objects[-1]) is not None:
            key = json.loads(sign, strict=False)
            if key in keys and code == "duplicate-key":
                return token.start()
            keys.add(key)
        elif sign[-1] in "yN" and code == "invalid-json":
            return token.start()
        key_next = sign in "{,"
    return 0


def _refuse_half_pairs(value: Any, text: str) -> None:
    try:
        orjson.dumps(value, default=_fragment)
    except TypeError:
        found = _LONE.search(text)
        what = "A string has half of a surrogate pair, which UTF-8 cannot hold"
        _refuse("invalid-utf8", what, text, found.start() if found else 0)


def _refuse(code: str, what: str, text: str, position: int) -> NoReturn:
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    raise Unreadable(what, where=f"line {line} column {column}", code=code) from None


def _fragment(value: Any) -> Any:
    if isinstance(value, Exact):
        return orjson.Fragment(value.text)
    if isinstance(value, Decimal) and value.is_finite():
        return orjson.Fragment(str(value))
    raise TypeError


def _with_fragments(value: Any) -> Any:
    """The same value, with the integers orjson refuses for their size as text."""
    if isinstance(value, dict):
        return {key: _with_fragments(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_fragments(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return orjson.Fragment(format(Decimal(value), "f"))
    return value
