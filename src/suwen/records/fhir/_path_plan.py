"""Simple paths as plain functions on JSON, without the engine, where the result is the same.

Covered: members whose type the model knows, ``first()``, ``[0]``, ``exists()``, ``empty()``, ``not()``,
``where(...)``, ``ofType(T)`` of a choice, ``extension(url)``, ``join()``, the two key functions, texts, and
``=``, ``!=``, ``and``, ``or`` on texts and booleans. Anything else has no plan and goes through the engine. A
plan needs the type it starts from, because types are settled once, here, and not on every resource.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from suwen.records.fhir._path_engine import Tree
from suwen.records.fhir._path_functions import join_texts
from suwen.records.fhir._path_keys import reference_key, resource_key
from suwen.records.fhir._path_nodes import MODEL, chosen_by, fields, is_a

Items = list[Any]
Run = Callable[[Items], Items]
_BOOLEAN, _TEXT, _MIXED = "boolean", "string", "?"
_TEXTS = frozenset({"string", "uri", "base64Binary", "xhtml"})
"""Types (with those derived from them) whose equality is that of their texts."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A function from items to items, and the type of what it finds; ``?`` when that differs by item."""

    run: Run
    type: str
    choice: tuple[tuple[str, str], ...] = ()


def is_primitive(kind: str) -> bool:
    """Whether elements of a type may be primitives, whose extensions plain JSON values do not carry."""
    return kind[:1].islower() or kind == _MIXED


def plan(tree: Tree, start: str, constants: Mapping[str, Any]) -> Plan | None:
    """A plan for a path's tree on elements of type ``start``, or ``None`` when it needs the engine."""
    found = _plan(tree, Plan(_nothing_yet, start), constants)
    return None if found is None or found.choice else found


def _plan(tree: Tree, at: Plan, constants: Mapping[str, Any]) -> Plan | None:
    """Continue ``at`` by one tree."""
    children = tree.get("children") or []
    match tree["type"]:
        case "TermExpression" | "InvocationTerm" | "LiteralTerm" | "ParenthesizedTerm":
            return _plan(children[0], at, constants)
        case "ThisInvocation":
            return at
        case "InvocationExpression":
            left = _plan(children[0], at, constants)
            return left and _plan(children[1], left, constants)
        case "suwen:member":
            return _member(at, tree["key"])
        case "suwen:call":
            return _call(at, tree["name"], children, constants)
        case "IndexerExpression":
            left, place = _plan(children[0], at, constants), _literal(children[1], constants)
            if left is None or left.choice or type(place) is not int or place < 0:
                return None
            return Plan(_then(left.run, lambda items: items[place : place + 1]), left.type)
        case "EqualityExpression" | "AndExpression" | "OrExpression":
            return _operator(tree["terminalNodeText"][0], children, at, constants)
    text = _literal(tree, constants)
    return Plan(lambda items: [text], _TEXT) if isinstance(text, str) else None


def _member(at: Plan, key: str) -> Plan | None:
    if at.choice or is_primitive(at.type):
        return None
    if key[:1].isupper():
        return (
            at if at.type == key and MODEL["type2Parent"].get(key) in {"Resource", "DomainResource"} else None
        )
    names, is_choice = fields(at.type, key)
    if is_choice:
        return Plan(at.run, at.type, names)
    ((name, path),) = names
    if is_a(path, "Resource"):
        return None
    return Plan(_then(at.run, _getter((name,))), path)


def _getter(names: tuple[str, ...]) -> Run:
    pairs = [(name, "_" + name) for name in names]

    def get(items: Items) -> Items:
        found: Items = []
        for item in items:
            if type(item) is dict:
                for name, beside in pairs:
                    value = item.get(name)
                    if type(value) is list:
                        found += value
                    elif value is not None:
                        found.append(value)
                    elif beside in item:
                        # only extensions: elements without a value
                        extra = item[beside]
                        found += [None] * (len(extra) if isinstance(extra, list) else extra is not None)
        return found

    return get


def _call(at: Plan, name: str, parameters: list[Tree], constants: Mapping[str, Any]) -> Plan | None:
    if at.choice:
        return _of_type(at, parameters[0]["text"]) if name == "ofType" and len(parameters) == 1 else None
    if not parameters and name in _WITHOUT_PARAMETERS:
        run, kind = _WITHOUT_PARAMETERS[name]
        return Plan(_then(at.run, run), kind or at.type)
    made: tuple[Run, str] | None = None
    match name, len(parameters):
        case "join", 0 | 1 if _is_text(at.type):
            between = _literal(parameters[0], constants) if parameters else ""
            if isinstance(between, str):
                made = (lambda items: [join_texts(items, between)]), _TEXT
        case "not", 0 if at.type == _BOOLEAN:
            made = _negated, _BOOLEAN
        case "getReferenceKey", 0 | 1:
            kind = parameters[0]["text"].rpartition(".")[2] if parameters else None
            made = (
                (lambda items: [key for item in items if (key := reference_key(item, kind)) is not None]),
                _TEXT,
            )
        case "extension", 1 if not is_primitive(at.type):
            url = _literal(parameters[0], constants)
            if isinstance(url, str):
                made = (
                    (lambda items: [one for one in _extensions(items) if one.get("url") == url]),
                    "Extension",
                )
        case "where", 1:
            criterion = plan(parameters[0], at.type, constants)
            if criterion is not None and criterion.type == _BOOLEAN:
                test = criterion.run
                made = (lambda items: [item for item in items if test([item]) == [True]]), at.type
    return made and Plan(_then(at.run, made[0]), made[1])


_WITHOUT_PARAMETERS: dict[str, tuple[Run, str | None]] = {
    "first": (lambda items: items[:1], None),
    "exists": (lambda items: [bool(items)], _BOOLEAN),
    "empty": (lambda items: [not items], _BOOLEAN),
    "getResourceKey": (
        lambda items: [key for item in items if (key := resource_key(item)) is not None],
        _TEXT,
    ),
}
"""What these functions do, and the type of what they give; none where it stays the same."""


def _negated(items: Items) -> Items:
    if len(items) > 1:
        raise ValueError("a single item was expected")
    return [item is False for item in items]


def _extensions(items: Items) -> Items:
    return [one for one in _EXTENSIONS(items) if type(one) is dict]


_EXTENSIONS = _getter(("extension",))


def _of_type(at: Plan, text: str) -> Plan | None:
    kind = text.rpartition(".")[2]
    chosen = [(name, path) for name, path in at.choice if chosen_by(path, kind)]
    if not chosen:
        return Plan(lambda items: [], kind)
    types = {path for _, path in chosen}
    found = types.pop() if len(types) == 1 else _MIXED
    return Plan(_then(at.run, _getter(tuple(name for name, _ in chosen))), found)


def _operator(sign: str, operands: list[Tree], at: Plan, constants: Mapping[str, Any]) -> Plan | None:
    left, right = (plan(one, at.type, constants) for one in operands)
    if left is None or right is None:
        return None
    run_left, run_right = left.run, right.run
    if sign in {"and", "or"}:
        if left.type != _BOOLEAN or right.type != _BOOLEAN:
            return None
        decisive = sign == "or"

        def joined(items: Items) -> Items:
            verdicts = [_only(run_left(items)), _only(run_right(items))]
            if decisive in verdicts:
                return [decisive]
            return [] if None in verdicts else [not decisive]

        return Plan(_then(at.run, joined), _BOOLEAN)
    if sign not in {"=", "!="} or not _comparable(left.type, right.type):
        return None
    equal = sign == "="

    def compared(items: Items) -> Items:
        one, other = run_left(items), run_right(items)
        return [(one == other) is equal] if one and other else []

    return Plan(_then(at.run, compared), _BOOLEAN)


def _comparable(one: str, other: str) -> bool:
    if _BOOLEAN in {one, other}:
        return one == other
    return _is_text(one) and _is_text(other)


def _is_text(kind: str) -> bool:
    return any(is_a(kind, text) for text in _TEXTS)


def _only(items: Items) -> Any:
    if len(items) > 1 or (items and not isinstance(items[0], bool)):
        raise TypeError("a criterion must be true or false")
    return items[0] if items else None


def _literal(tree: Tree, constants: Mapping[str, Any]) -> Any:
    """The text, whole number or plain constant a tree stands for, else ``None``."""
    while tree["type"] in {"TermExpression", "LiteralTerm", "ParenthesizedTerm"}:
        tree = tree["children"][0]
    if tree["type"] == "suwen:text":
        return tree["value"]
    if tree["type"] == "suwen:constant":
        return constants.get(tree["name"])
    return int(tree["text"]) if tree["type"] == "NumberLiteral" and tree["text"].isdigit() else None


def _nothing_yet(items: Items) -> Items:
    return items


def _then(first: Run, second: Run) -> Run:
    return second if first is _nothing_yet else lambda items: second(first(items))
