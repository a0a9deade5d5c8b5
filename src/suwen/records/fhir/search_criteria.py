"""What a search asks for, taken apart and checked: criteria with typed values, and how the answer is to look."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StringValue:
    """Text a string starts with, holds, or is."""

    text: str
    normal: str


@dataclass(frozen=True, slots=True)
class TokenValue:
    """A code, in ``system``; ``None`` for any system, ``""`` for none. ``kind`` is that of an ``:of-type`` search."""

    system: str | None
    code: str | None
    kind: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ReferenceValue:
    """What a reference leads to: some ``Type/id`` of this store (perhaps at one version), or a text."""

    locals: tuple[str, ...] = ()
    text: str | None = None


@dataclass(frozen=True, slots=True)
class RangeValue:
    """A date or number as a range, both ends included, with how to compare.

    ``unit`` is that of a quantity: ``(None, code)`` for a code or unit name in any system.
    """

    prefix: str
    low: float
    high: float
    unit: tuple[str | None, str] | None = None


@dataclass(frozen=True, slots=True)
class UriValue:
    """A uri."""

    uri: str


@dataclass(frozen=True, slots=True)
class MissingValue:
    """Whether the parameter must have no value."""

    missing: bool


@dataclass(frozen=True, slots=True)
class CompositeValue:
    """One value for each component."""

    parts: tuple[Value, ...]


Value = StringValue | TokenValue | ReferenceValue | RangeValue | UriValue | MissingValue | CompositeValue


@dataclass(frozen=True, slots=True)
class Criterion:
    """A parameter one of whose values must be met.

    Attributes
    ----------
    types
        Resource types it is asked of: one, unless the whole system is searched.
    code, kind
        Of the parameter.
    modifier
        ``""`` or ``exact``, ``contains``, ``missing``, ``not``, ``above``, ``below``, ``identifier``, ``of-type``;
        a resource type as modifier has become part of the values.
    values
        Any of them.
    """

    types: tuple[str, ...]
    code: str
    kind: str
    modifier: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """A reference one of whose targets must meet a condition of its own (``subject:Patient.name=…``)."""

    types: tuple[str, ...]
    code: str
    targets: tuple[tuple[str, Condition], ...]


@dataclass(frozen=True, slots=True)
class Has:
    """A resource of type ``source`` must refer here by its parameter ``code``, and meet a condition (``_has``)."""

    types: tuple[str, ...]
    source: str
    code: str
    inner: Condition


Condition = Criterion | Chain | Has


@dataclass(frozen=True, slots=True)
class Include:
    """Resources to add: those the matches refer to, or (``reverse``) those that refer to the matches.

    ``source`` and ``code`` are ``*`` for all; ``target`` keeps only one resource type.
    """

    reverse: bool
    iterate: bool
    source: str
    code: str
    target: str | None


@dataclass(frozen=True, slots=True)
class SortKey:
    """A parameter to order by."""

    code: str
    kind: str
    descending: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A search, parsed.

    Attributes
    ----------
    types
        Resource types searched; empty for all.
    conditions
        All must be met.
    total
        ``none``, ``estimate`` or ``accurate``, or ``None`` where nothing was said.
    summary
        ``true``, ``text``, ``data``, ``count`` or ``false``, or ``None``.
    cursor
        The text of ``_cursor``, for whoever made it.
    unknown
        Names of parameters nobody knows, and of known ones without a value. They were left out: the caller says
        so, or refuses.
    """

    types: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()
    includes: tuple[Include, ...] = ()
    sort: tuple[SortKey, ...] = ()
    count: int | None = None
    summary: str | None = None
    elements: tuple[str, ...] = ()
    total: str | None = None
    cursor: str | None = None
    unknown: tuple[str, ...] = ()
