"""Functions the path engine lacks, has wrong, or would let run without bound.

Each entry adds to, or replaces, fhirpathpy's functions (2.2.4): ``where`` took any non-empty result for
true, ``=`` compared only the first of several items and dates as text, ``extension`` returned one extension
only, ``join`` of nothing was nothing, ``|``, ``distinct`` and ``children`` lost the types, ``repeat`` could
go on for ever, ``trace`` printed patient data.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from fhirpathpy.engine.invocations import invocation_registry as _engine
from fhirpathpy.engine.nodes import TypeInfo

from suwen.records.fhir._path_keys import reference_key, resource_key
from suwen.records.fhir._path_nodes import chosen_by, is_a, matches_type, step, value_of
from suwen.records.fhir._path_values import boundary, order, same, written

MAX_TEXT = 1_000_000
"""Characters a computed string may have."""
_MAX_INTEGER = 10**28

Context = dict[str, Any]
Items = list[Any]
Lambda = Callable[[Any], Items]


def single(items: Items) -> Any:
    """The only item of a collection, ``None`` for an empty one."""
    if len(items) > 1:
        raise ValueError("a single item was expected")
    return items[0] if items else None


def truth(items: Items) -> bool:
    """A criterion's verdict: empty is false, anything but one boolean is an error."""
    verdict = value_of(single(items))
    if verdict is not None and not isinstance(verdict, bool):
        raise TypeError("a criterion must be true or false")
    return bool(verdict)


def bounded(text: Any) -> Any:
    """A computed value, refused when it is a string longer than :data:`MAX_TEXT`."""
    if isinstance(text, str) and len(text) > MAX_TEXT:
        raise OverflowError("a computed text is too long")
    return text


def spend(context: Context, visits: int) -> None:
    """Draw on the evaluation's budget.

    Raises
    ------
    OverflowError
        When it is used up.
    """
    context["budget"] -= visits
    if context["budget"] < 0:
        raise OverflowError("too many steps")


def _where(context: Context, items: Items, criterion: Lambda) -> Items:
    kept = []
    for index, item in enumerate(items):
        context["$index"] = index
        if truth(criterion(item)):
            kept.append(item)
    return kept


def _exists(context: Context, items: Items, criterion: Lambda | None = None) -> bool:
    return bool(items if criterion is None else _where(context, items, criterion))


def _extension(context: Context, items: Items, url: str) -> Items:
    found: Items = []
    for item in items:
        step(item, "extension", found)
    return [one for one in found if isinstance(one.data, dict) and one.data.get("url") == url]


def join_texts(items: Items, separator: str = "") -> str:
    """The texts of items, one after the other; those without a value are left out."""
    texts = [value for value in map(value_of, items) if value is not None]
    if sum(map(len, texts), len(separator) * len(texts)) > MAX_TEXT:
        raise OverflowError("a computed text is too long")
    return separator.join(texts)


def _join(context: Context, items: Items, separator: str = "") -> str:
    return join_texts(items, separator)


def _replace(context: Context, items: Items, old: Any, new: Any) -> Items | str:
    text = value_of(single(items))
    if not isinstance(old, str) or not isinstance(new, str):
        return []
    pieces = text.count(old)
    if len(text) + pieces * (len(new) - len(old)) > MAX_TEXT:
        raise OverflowError("a computed text is too long")
    return str(text.replace(old, new))


def _matches(context: Context, items: Items, pattern: Any) -> Items | bool:
    text = value_of(single(items))
    return bool(_linear_regex(pattern).is_valid(text)) if isinstance(pattern, str) else []


@lru_cache(maxsize=256)
def _linear_regex(pattern: str) -> Any:
    """Rust's regex crate, through the schema validator: linear in the text, whatever the pattern."""
    import jsonschema_rs

    options = jsonschema_rs.RegexOptions(size_limit=1_000_000)
    return jsonschema_rs.validator_for(
        {"type": "string", "pattern": f"(?s){pattern}"}, pattern_options=options
    )


def _key(item: Any) -> str:
    return json.dumps(value_of(item), sort_keys=True, default=str)


def _distinct(context: Context, items: Items) -> Items:
    seen: dict[str, Any] = {}
    for item in items:
        seen.setdefault(_key(item), item)
    return list(seen.values())


def _repeat(context: Context, items: Items, projection: Lambda) -> Items:
    found: dict[str, Any] = {}
    waiting = deque(items)
    while waiting:
        spend(context, 1)
        for item in projection(waiting.popleft()):
            if (key := _key(item)) not in found:
                found[key] = item
                waiting.append(item)
    return list(found.values())


def _children(context: Context, items: Items) -> Items:
    found: Items = []
    for item in items:
        data = value_of(item)
        # a primitive's only children are its extensions
        names = [name.lstrip("_") for name in data] if type(data) is dict else ["extension"]
        for name in dict.fromkeys(names):
            if name != "resourceType":
                step(item, name, found)
    spend(context, len(found))
    return found


def _descendants(context: Context, items: Items) -> Items:
    found: Items = []
    while items := _children(context, items):
        found += items
    return found


def _union(context: Context, items: Items, others: Items) -> Items:
    return _distinct(context, [*items, *others])


def _equal(context: Context, items: Items, others: Items) -> Items | bool:
    if len(items) != len(others):
        return False
    for one, other in zip(items, others, strict=True):
        verdict = same(one, other)
        if verdict is not True:
            return [] if verdict is None else False
    return True


def _unequal(context: Context, items: Items, others: Items) -> Items | bool:
    verdict = _equal(context, items, others)
    return not verdict if isinstance(verdict, bool) else verdict


def _ordered(wanted: set[int]) -> Callable[[Context, Items, Items], Items | bool]:
    def compare(context: Context, items: Items, others: Items) -> Items | bool:
        one, other = single(items), single(others)
        if value_of(one) is None or value_of(other) is None:
            return []
        place = order(one, other)
        return [] if place is None else place in wanted

    return compare


def _of_type(context: Context, items: Items, info: TypeInfo) -> Items:
    return [item for item in items if matches_type(item, info, chosen_by)]


def _is(context: Context, items: Items, info: TypeInfo) -> Items | bool:
    return matches_type(single(items), info, is_a) if items else []


def _as(context: Context, items: Items, info: TypeInfo) -> Items:
    return [item for item in [single(items)] if item is not None and matches_type(item, info, chosen_by)]


def _boundary(high: bool) -> Callable[[Context, Items], Any]:
    def bound(context: Context, items: Items) -> Any:
        return boundary(items[0], high) if single(items) is not None else []

    return bound


def _resource_key(context: Context, items: Items) -> Items:
    return [key for key in map(resource_key, map(value_of, items)) if key is not None]


def _reference_key(context: Context, items: Items, info: TypeInfo | None = None) -> Items:
    kind = info.name if info else None
    return [key for item in items if (key := reference_key(value_of(item), kind)) is not None]


def _multiply(context: Context, one: Any, other: Any) -> Any:
    if isinstance(one, int) and isinstance(other, int) and abs(one) * abs(other) > _MAX_INTEGER:
        raise OverflowError("a computed number is too large")
    return one * other


def _text_bound(name: str) -> Callable[..., Any]:
    engine: Any = _engine[name]
    return lambda context, *given: bounded(engine["fn"](context, *given))


def _to_string(context: Context, items: Items) -> Items | str:
    value = written(single(items))
    if isinstance(value, bool):
        return "true" if value else "false"
    return [] if value is None else str(value)


def _trace(context: Context, items: Items, *ignored: Any) -> Items:
    return items


def _entry(function: Callable[..., Any], *parameters: list[Any], **flags: bool) -> dict[str, Any]:
    """A registry entry; ``parameters`` are the parameter lists it accepts, none where it takes none."""
    arity = {"arity": {len(one): one for one in parameters}} if parameters else {}
    return {"fn": function, **arity, **flags}


_PAIR = [["Any", "Any"]]
FUNCTIONS: dict[str, dict[str, Any]] = {
    "where": _entry(_where, ["Expr"]),
    "exists": _entry(_exists, [], ["Expr"]),
    "repeat": _entry(_repeat, ["Expr"]),
    "children": _entry(_children),
    "descendants": _entry(_descendants),
    "extension": _entry(_extension, ["String"]),
    "join": _entry(_join, [], ["String"]),
    "replace": _entry(_replace, ["String", "String"], nullable_input=True),
    "matches": _entry(_matches, ["String"], nullable_input=True),
    "distinct": _entry(_distinct),
    "union": _entry(_union, ["AnyAtRoot"]),
    "|": _entry(_union, *_PAIR),
    "=": _entry(_equal, *_PAIR, nullable=True),
    "!=": _entry(_unequal, *_PAIR, nullable=True),
    "<": _entry(_ordered({-1}), *_PAIR, nullable=True),
    ">": _entry(_ordered({1}), *_PAIR, nullable=True),
    "<=": _entry(_ordered({-1, 0}), *_PAIR, nullable=True),
    ">=": _entry(_ordered({1, 0}), *_PAIR, nullable=True),
    "ofType": _entry(_of_type, ["TypeSpecifier"]),
    "is": _entry(_is, ["TypeSpecifier"]),
    "isOp": _entry(_is, ["Any", "TypeSpecifier"]),
    "as": _entry(_as, ["TypeSpecifier"]),
    "asOp": _entry(_as, ["Any", "TypeSpecifier"]),
    "lowBoundary": _entry(_boundary(False)),
    "highBoundary": _entry(_boundary(True)),
    "getResourceKey": _entry(_resource_key),
    "getReferenceKey": _entry(_reference_key, [], ["TypeSpecifier"]),
    "*": _entry(_multiply, ["Number", "Number"], nullable=True),
    "+": _entry(_text_bound("+"), *_PAIR, nullable=True),
    "&": _entry(_text_bound("&"), ["String", "String"]),
    "toString": _entry(_to_string),
    "trace": _entry(_trace, [], ["String"], ["String", "Expr"]),
}
_OPERATORS = frozenset(
    {"isOp", "asOp", "containsOp", "inOp", "mod", "div", "or", "and", "xor", "implies"}
    | {name for name in _engine if not name.isalpha()}
)
NAMES = (frozenset(_engine) | frozenset(FUNCTIONS)) - _OPERATORS - {"replaceMatches"}
"""Functions a path may call. ``replaceMatches`` is left out: no engine at hand bounds its time."""
