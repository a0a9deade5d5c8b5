"""``_summary`` and ``_elements``: a part of a resource, marked as such."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from suwen.core.errors import BadInput
from suwen.records.fhir import wire

if TYPE_CHECKING:
    from suwen.records.fhir.definitions import Definitions

SUBSETTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
}
ALWAYS = frozenset({"resourceType", "id", "meta"})
MODES = frozenset({"true", "text", "data", "count", "false"})


@dataclass(frozen=True, slots=True)
class Subset:
    """Which part is wanted.

    Attributes
    ----------
    summary
        ``true``, ``text``, ``data`` or ``count``; ``None`` where elements are named.
    elements
        Top-level elements, without a type in front.
    """

    summary: str | None = None
    elements: frozenset[str] = frozenset()

    @property
    def count(self) -> bool:
        """Whether nothing but the number is wanted."""
        return self.summary == "count"

    def cut(self, definitions: Definitions, body: bytes) -> bytes:
        """The part of a resource, with what is mandatory kept, tagged SUBSETTED."""
        resource = wire.read(body)
        kept = self._kept(definitions, resource["resourceType"])
        part = {
            name: value
            for name, value in resource.items()
            if name in ALWAYS or name.removeprefix("_") in kept
        }
        if len(part) == len(resource) and self.summary == "data":
            return body
        meta = part.setdefault("meta", {})
        part["meta"] = {**meta, "tag": [*meta.get("tag", []), SUBSETTED]}
        return wire.write(part)

    def _kept(self, definitions: Definitions, kind: str) -> frozenset[str]:
        """JSON properties of the type that stay."""
        kept: set[str] = set()
        summary = definitions.summary(kind) if self.summary == "true" else frozenset()
        for element in definitions.elements(kind).values():
            if self.summary == "text":
                wanted = element.name == "text" or element.min > 0
            elif self.summary == "data":
                wanted = element.name != "text"
            elif self.summary == "true":
                wanted = element.name in summary or element.min > 0
            else:
                wanted = element.name in self.elements or element.min > 0
            if wanted:
                kept.update(key for key, _ in element.properties())
        return frozenset(kept)


def subset_of(query: list[tuple[str, str]]) -> Subset | None:
    """What a request's parameters ask for; ``None`` for the whole.

    Raises
    ------
    BadInput
        For a ``_summary`` that the standard does not know, or both parameters at once.
    """
    summary = [value for name, value in query if name == "_summary"]
    named = [part.strip() for name, value in query if name == "_elements" for part in value.split(",")]
    elements = frozenset(part.rpartition(".")[2] for part in named if part)
    mode = summary[-1] if summary else "false"
    if mode not in MODES:
        raise BadInput(
            "_summary is none of true, text, data, count, false", fix="Use one of these", code="bad-search"
        )
    if mode != "false" and elements:
        raise BadInput("_summary and _elements exclude each other", fix="Use one", code="bad-search")
    if elements:
        return Subset(elements=elements)
    return None if mode == "false" else Subset(summary=mode)
