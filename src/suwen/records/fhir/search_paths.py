"""Search parameters' FHIRPath expressions, read once into plain JSON paths.

R4's expressions are a closed set: paths, ``|``, ``as``, ``where(x='y')``, ``where(resolve() is T)``, ``[0]`` and one
rule of its own for ``Patient.deceased``. Each becomes a tuple of :class:`Atom`: the JSON properties to go through,
and the FHIR type found there, so that nothing is interpreted while resources are indexed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from suwen.core.errors import BadInput
from suwen.records.fhir.definitions import Definitions, Parameter
from suwen.records.fhir.search_references import reference_type

Getter = Callable[[Mapping[str, Any]], list[tuple[Any, str]]]

UNSUPPORTED: Mapping[str, str] = {
    "_text": "free text would have to be indexed outside the patient's key",
    "_content": "free text would have to be indexed outside the patient's key",
    "_query": "no named queries are defined",
    "near": "special: distances on a map are not computed",
    "DeviceDefinition.classification": "its expression names an element R4's DeviceDefinition does not have",
}
"""Parameters of the standard (as ``code`` or ``Type.code``) without a getter, and why; all others have one."""

DECEASED = "Patient.deceased.exists() and Patient.deceased != false"
_STEP = re.compile(
    r"\.?(?:(?:as|ofType)\((?P<kind>\w+)\)"
    r"|where\(resolve\(\) is (?P<target>\w+)\)"
    r"|where\((?P<key>\w+)='(?P<value>[^']*)'\)"
    r"|\[(?P<index>\d+)\]"
    r"|(?P<name>\w+))"
)
_CAST = re.compile(r"\((?P<path>[^()]+) as (?P<kind>\w+)\)")


@dataclass(frozen=True, slots=True)
class Step:
    """One JSON property on the way; of a list only item ``index``, and only objects whose ``where`` holds."""

    key: str
    where: tuple[str, str] | None = None
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Atom:
    """A place in a resource's JSON.

    Attributes
    ----------
    steps
        From the resource (or the element it is relative to).
    type
        FHIR type of what is found there.
    target
        Only references to this resource type count.
    rule
        ``deceased``: a boolean worked out from the whole Patient.
    binding
        Of a code: the value set whose systems it belongs to.
    """

    steps: tuple[Step, ...]
    type: str
    target: str | None = None
    rule: str | None = None
    binding: str | None = None

    @property
    def path(self) -> str:
        """Name of the place, unique within its resource type."""
        return ".".join(
            step.key
            + (f"[{step.where[0]}={step.where[1]}]" if step.where else "")
            + (f"[{step.index}]" if step.index is not None else "")
            for step in self.steps
        )


@lru_cache(maxsize=8192)
def atoms(definitions: Definitions, holder: str, expression: str) -> tuple[Atom, ...]:
    """Places an expression names, relative to a type or backbone.

    Parameters
    ----------
    definitions
        The elements.
    holder
        ``Patient``, or ``Observation.component`` for the part of a composite.
    expression
        As in :class:`~suwen.records.fhir.definitions.Parameter`.

    Raises
    ------
    BadInput
        Code ``bad-expression``: it is none of R4's forms, or names an element that is not there.
    """
    found = [
        atom for part in expression.split("|") for atom in _alternative(definitions, holder, part.strip())
    ]
    return tuple(dict.fromkeys(found))


def _alternative(definitions: Definitions, holder: str, text: str) -> Iterator[Atom]:
    if text == DECEASED:
        yield Atom((), "boolean", rule="deceased")
        return
    text = _CAST.sub(r"\g<path>.as(\g<kind>)", text)
    if text.startswith("%resource."):
        text, holder = text.removeprefix("%resource."), holder.partition(".")[0]
    first, _, rest = text.partition(".")
    if first[:1].isupper():  # a path from the resource itself
        text = rest
    places: list[tuple[Atom, str]] = [(Atom((), holder), holder)]
    at = 0
    while at < len(text):
        step = _STEP.match(text, at)
        if step is None:
            raise BadInput(
                "A search expression has a form R4 does not use", where=holder, code="bad-expression"
            )
        places = [place for old in places for place in _advance(definitions, *old, step)]
        at = step.end()
    if not places:
        raise BadInput("A search expression leads nowhere", where=holder, code="bad-expression")
    for atom, _ in places:
        yield atom


def _advance(
    definitions: Definitions, atom: Atom, holder: str, step: re.Match[str]
) -> Iterator[tuple[Atom, str]]:
    if kind := step["kind"]:
        if atom.type.lower() == kind.lower():  # R4 once writes DateTime
            yield atom, holder
    elif target := step["target"]:
        yield replace(atom, target=target), holder
    elif key := step["key"]:
        last = Step(atom.steps[-1].key, (key, step["value"]))
        yield replace(atom, steps=(*atom.steps[:-1], last)), holder
    elif step["index"]:
        last = Step(atom.steps[-1].key, None, int(step["index"]))
        yield replace(atom, steps=(*atom.steps[:-1], last)), holder
    else:
        try:
            element = definitions.elements(holder)[step["name"]]
        except KeyError:
            raise BadInput(
                "A search expression names an unknown element", where=holder, code="bad-expression"
            ) from None
        for key, kind in element.properties():
            inner = f"{holder}.{element.name}" if kind in {"BackboneElement", "Element"} else kind
            binding = element.binding if kind == "code" else None
            yield Atom((*atom.steps, Step(key)), kind, binding=binding), inner


def reach(element: Any, steps: tuple[Step, ...]) -> list[Any]:
    """Everything found by following the steps from an element; lists are flattened, nulls dropped."""
    found = [element]
    for step in steps:
        ahead: list[Any] = []
        for item in found:
            value = item.get(step.key) if isinstance(item, Mapping) else None
            if isinstance(value, list):
                ahead += value if step.index is None else value[step.index : step.index + 1]
            elif value is not None:
                ahead.append(value)
        if step.where is not None:
            key, wanted = step.where
            ahead = [item for item in ahead if isinstance(item, Mapping) and item.get(key) == wanted]
        found = ahead
        if not found:
            break
    return [item for item in found if item is not None]


def deceased(resource: Mapping[str, Any]) -> bool:
    """R4's rule for ``Patient?deceased=``: something is said of it, and not that it is false."""
    return resource.get("deceasedBoolean") is True or resource.get("deceasedDateTime") is not None


def getter_of(places: tuple[Atom, ...]) -> Getter:
    """What stands at some places of a resource, as pairs of element and FHIR type."""

    def get(resource: Mapping[str, Any]) -> list[tuple[Any, str]]:
        found: list[tuple[Any, str]] = []
        for atom in places:
            if atom.rule is not None:
                found.append((deceased(resource), "boolean"))
                continue
            found += [
                (element, atom.type)
                for element in reach(resource, atom.steps)
                if atom.target is None or reference_type(element) == atom.target
            ]
        return found

    return get


def supported(resource_type: str, code: str) -> bool:
    """Whether a parameter of the standard can be searched by here."""
    return code not in UNSUPPORTED and f"{resource_type}.{code}" not in UNSUPPORTED


@lru_cache(maxsize=8192)
def _atoms(definitions: Definitions, resource_type: str, code: str) -> tuple[Atom, ...]:
    parameter = definitions.parameters(resource_type)[code]
    if parameter.expression is None or not supported(resource_type, code):
        return ()
    return atoms(definitions, resource_type, parameter.expression)


def parameter_atoms(definitions: Definitions, resource_type: str, parameter: Parameter) -> tuple[Atom, ...]:
    """Places of a parameter of a resource type; none where it is :data:`UNSUPPORTED`. Compiled once."""
    return _atoms(definitions, resource_type, parameter.code)


@lru_cache(maxsize=8192)
def getter(definitions: Definitions, resource_type: str, code: str) -> Getter:
    """Values of a search parameter in a resource, as pairs of element and FHIR type. Compiled once."""
    return getter_of(_atoms(definitions, resource_type, code))
