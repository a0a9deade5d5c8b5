"""Whether a resource is valid FHIR R4, and if not, what is wrong where.

The schema of its type decides in Rust; only what a schema cannot see is looked at in Python. Issues name
elements, rules and value sets, never the values found: those belong to a patient.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import islice
from typing import Any

import jsonschema_rs

from suwen.records.fhir import rules
from suwen.records.fhir.definitions import Definitions
from suwen.records.fhir.explain import Explainer, Issue
from suwen.records.fhir.schema import Schema, schema_for
from suwen.records.fhir.wire import Exact

__all__ = ["MOST_ISSUES", "Issue", "Validator"]

MOST_ISSUES = 100
"""Issues named of one resource; a document made to be wrong everywhere is not described further."""


class Validator:
    """Checks resources against the definitions; safe to share between threads.

    Parameters
    ----------
    definitions
        The FHIR version.
    conditional_references
        Whether a reference may be a search (``Patient?identifier=…``), as in the entries of a transaction.
    """

    def __init__(self, definitions: Definitions, *, conditional_references: bool = False) -> None:
        self._definitions = definitions
        self._conditional = conditional_references
        self._compiled: dict[str, tuple[Schema, jsonschema_rs.Validator]] = {}

    def valid(self, resource: Mapping[str, Any]) -> bool:
        """Whether :meth:`check` finds no error."""
        return self._fine(resource) or not any(issue.severity == "error" for issue in self.check(resource))

    def _fine(self, resource: Any) -> bool:
        """Whether Rust alone can tell that a resource and all in it are valid."""
        kind = resource.get("resourceType") if isinstance(resource, dict) else None
        if not isinstance(kind, str) or kind not in self._definitions.resource_types:
            return False
        if "contained" in resource:
            original = resource
            resource, pointed = rules.resolved(original, rules.contained_by_id(original))
            if any(rules.contained_problems(original, pointed)):
                return False
        try:
            if not self._schema(kind)[1].is_valid(resource):
                return False
        except ValueError:  # a number that had to keep its text: check() looks at a plain one
            return False
        return not rules.may_hold(resource) or all(self._fine(each) for _, each, _ in rules.held(resource))

    def check(self, resource: Mapping[str, Any]) -> list[Issue]:
        """Everything that is wrong, at most :data:`MOST_ISSUES`; an empty list for a valid resource.

        Parameters
        ----------
        resource
            As :func:`suwen.records.fhir.wire.read` gives it.
        """
        return list(islice(self._issues(_plain(resource), "", {}), MOST_ISSUES))

    def _issues(self, resource: Any, place: str, neighbours: Mapping[str, str]) -> Iterator[Issue]:
        """Issues of a resource at a place; ``neighbours`` are the contained resources it may point at."""
        kind = resource.get("resourceType") if isinstance(resource, dict) else None
        if not isinstance(kind, str) or kind not in self._definitions.resource_types:
            what = "is not an object" if not isinstance(resource, dict) else "has no known 'resourceType'"
            yield Issue("error", "structure", place or "Resource", f"The resource {what}", "resource-type")
            return
        at = place or kind
        inside = neighbours or rules.contained_by_id(resource)
        schema, compiled = self._schema(kind)
        explainer = Explainer(self._definitions, schema, resource, inside)
        for error in compiled.iter_errors(resource):
            yield from explainer.issues(error, at)
        if "contained" in resource:
            for code, path, text, rule in rules.contained_problems(
                resource, rules.resolved(resource, inside)[1]
            ):
                yield Issue("error", code, at + path, text, rule)
        for path, each, contained in rules.held(resource):
            yield from self._issues(each, at + path, inside if contained else {})

    def _schema(self, kind: str) -> tuple[Schema, jsonschema_rs.Validator]:
        found = self._compiled.get(kind)
        if found is None:
            schema = schema_for(self._definitions, kind, conditional=self._conditional)
            compiled = jsonschema_rs.validator_for(
                schema,
                keywords=rules.KEYWORDS,
                pattern_options=jsonschema_rs.RegexOptions(),
                offline=True,
            )
            found = self._compiled.setdefault(kind, (schema, compiled))
        return found


def _plain(value: Any) -> Any:
    """The same value, its numbers such as the schema library knows them."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return Decimal(value) if isinstance(value, Exact) else value
