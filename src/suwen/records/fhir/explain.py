"""A failed schema keyword as an issue: what is wrong where in FHIR's words, without the value found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

import jsonschema_rs

from suwen.records.fhir.definitions import Definitions, Element
from suwen.records.fhir.schema import WHOLE, Schema

Kind = jsonschema_rs.ValidationErrorKind
_EMPTY = {
    "minItems": "An array must not be empty",
    "minLength": "A string must not be empty",
    "minProperties": "The element has neither a value nor children",
}
_TEXTS = {
    "ext-1": ("invariant", "An extension has either one value or extensions, and not both"),
    "per-1": ("invariant", "The start of the period is after its end"),
    "reference-type": ("value", "The type of the reference is not the one its target has"),
    "sibling": ("structure", "The element has neither a value nor extensions"),
    "xhtml": (
        "invariant",
        "The narrative is not a <div> of plain XHTML: no scripts, forms, events or objects",
    ),
    "id": ("value", "Not a legal id: 1 to 64 of the letters A-Z and a-z, digits, '-' and '.'"),
    "date": ("value", "Not a date of the calendar as YYYY, YYYY-MM or YYYY-MM-DD"),
    "dateTime": ("value", "Not a dateTime of the calendar; one with hours needs seconds and a time zone"),
    "instant": ("value", "Not an instant: date, time with seconds, and time zone"),
}


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing wrong with a resource, as an OperationOutcome tells it.

    Attributes
    ----------
    severity
        ``error`` or ``warning``; a resource with warnings alone is valid.
    code
        FHIR's issue type: ``structure``, ``required``, ``value``, ``code-invalid``, ``not-found`` or
        ``invariant``.
    path
        FHIRPath of the element, such as ``Patient.contact[0].gender``.
    text
        What is wrong, without the value.
    rule
        Name of the rule: a primitive type, ``binding``, ``target``, ``ele-1``, ``ext-1``, ``per-1`` ...
    """

    severity: Literal["error", "warning"]
    code: str
    path: str
    text: str
    rule: str


class Explainer:
    """Explains the errors of one resource.

    Parameters
    ----------
    schema
        The schema its type was judged by.
    neighbours
        Types by id of the resources contained where this one is: what ``#id`` may mean.
    """

    def __init__(
        self,
        definitions: Definitions,
        schema: Schema,
        resource: Mapping[str, Any],
        neighbours: Mapping[str, str],
    ) -> None:
        self._definitions, self._schema = definitions, schema
        self._resource, self._neighbours = resource, neighbours

    def issues(self, error: jsonschema_rs.ValidationError, at: str) -> list[Issue]:
        """What an error says of a resource at a place; nothing where FHIR allows what the schema refused."""
        part, rule = self._failed(error)
        found = self._find(error.instance_path)
        if self._forgiven(error, part, rule, found):
            return []
        path = at + self._path(error.instance_path)
        if isinstance(error.kind, Kind.AdditionalProperties):
            return [self._unknown(name, found, part, path) for name in error.kind.unexpected]
        code, text, rule = self._words(error.kind, part, rule, found)
        return [Issue("error", code, path, text, rule)]

    def _failed(self, error: jsonschema_rs.ValidationError) -> tuple[Schema, str]:
        """The innermost named part of the schema that failed, and its rule's name."""
        if (error.absolute_keyword_location or "").startswith(WHOLE):
            return {}, "integer"
        part: Any = self._schema
        named: Schema = part
        for step in error.schema_path[:-1]:
            part = part[step]
            if isinstance(part, dict) and ("x" in part or part.get("type") == "object"):
                named = part
        return named, named.get("x", "structure")

    def _find(self, path: Sequence[str | int]) -> Any:
        found: Any = self._resource
        for step in path:
            found = found[step]
        return found

    def _forgiven(self, error: jsonschema_rs.ValidationError, part: Schema, rule: str, found: Any) -> bool:
        """Whether FHIR allows what the strict schema refused, or another error says the same."""
        path = error.instance_path
        if (
            part.get("type") == "string"
            and not isinstance(found, str)
            and not isinstance(error.kind, Kind.Type)
        ):
            return True
        if rule == "target" and isinstance(found, str) and found.startswith("#"):
            kind = self._neighbours.get(found[1:])
            targets = part.get("targets")
            return kind is not None and (not targets or kind in targets)
        if found is None and len(path) > 1 and isinstance(path[-1], int):
            return self._other_half(path) is not None
        is_alone = rule == "sibling" and isinstance(error.kind, Kind.Required)
        return is_alone and self._other_half(path) is not None

    def _other_half(self, path: Sequence[str | int]) -> Any:
        """What stands at the same place in ``name`` for ``_name``, and the other way round."""
        at = len(path) - 1 if isinstance(path[-1], str) else len(path) - 2
        name = path[at]
        if not isinstance(name, str):
            return None
        holder = self._find(path[:at])
        other = holder.get(name[1:] if name.startswith("_") else "_" + name)
        if at == len(path) - 1:
            return other
        index = path[-1]
        return (
            other[index]
            if isinstance(other, list) and isinstance(index, int) and index < len(other)
            else None
        )

    def _unknown(self, name: str, found: Any, part: Schema, path: str) -> Issue:
        """A property FHIR does not define: told by its position, for its name may be anybody's."""
        position = list(found).index(name) + 1
        close = get_close_matches(name, list(part.get("properties", ())), n=1, cutoff=0.75)
        hint = f"; did you mean '{close[0]}'" if close else ""
        return Issue(
            "error", "structure", path, f"Property number {position} is not defined here{hint}", "unknown"
        )

    def _words(self, kind: Kind, part: Schema, rule: str, found: Any) -> tuple[str, str, str]:
        if kind.name in _EMPTY:
            return "structure", _EMPTY[kind.name], "ele-1"
        match kind:
            case Kind.Required(property=name) if rule != "sibling":
                return "required", f"'{name}' is required", "required"
            case Kind.Type(types=types):
                return "structure", f"Must be of JSON type {' or '.join(types)}", rule
            case Kind.Enum() if not isinstance(found, str):
                return "structure", "Must be of JSON type string", rule
            case Kind.Minimum() | Kind.Maximum():
                return "value", "The number is out of the range of its type", rule
            case Kind.MaxLength(limit=limit):
                return "value", f"A string must not be longer than {limit} characters", rule
        if rule in _TEXTS:
            return (*_TEXTS[rule], rule)
        if rule == "required":
            return "required", f"'{part['name']}' is required", rule
        if rule == "choice":
            none = isinstance(kind, Kind.OneOfNotValid)
            text = (
                f"'{part['name']}[x]' is required"
                if none
                else f"'{part['name']}[x]' may be given in one type only"
            )
            return "required" if none else "structure", text, rule
        if rule == "binding":
            return "code-invalid", f"The code is not in the required value set {part['value_set']}", rule
        if rule == "target":
            return self._wrong_target(part, found)
        return "value", f"Not a legal {rule}", rule

    def _wrong_target(self, part: Schema, found: Any) -> tuple[str, str, str]:
        if isinstance(found, str) and found.startswith("#") and found[1:] not in self._neighbours:
            return "not-found", "No contained resource has the id that is referred to", "ref-1"
        targets = part.get("targets") or ["any resource type"]
        return "value", f"Must be a reference to {' or '.join(targets)}", "target"

    def _path(self, path: Sequence[str | int]) -> str:
        """A JSON path as FHIRPath below the resource: ``_name`` is ``name``, ``valueString`` is ``value``."""
        text, types = "", [self._resource["resourceType"]]
        for step in path:
            if isinstance(step, int):
                text += f"[{step}]"
                continue
            element, kind = self._element(types[-1], step.removeprefix("_"))
            text += "." + (element.name if element else step)
            types.append(kind)
        return text

    def _element(self, holder: str, key: str) -> tuple[Element | None, str]:
        """The element a JSON key stands for, and the path of the elements inside it."""
        try:
            elements = self._definitions.elements(holder)
        except KeyError:
            elements = {}
        for element in elements.values():
            for name, kind in element.properties():
                if name == key:
                    inner = element.content or (
                        f"{holder}.{key}" if kind in {"BackboneElement", "Element"} else kind
                    )
                    return element, inner
        return None, "Extension" if key == "extension" else ""
