"""JSON Schema of one FHIR resource type, built from the definitions for jsonschema-rs.

The schema is *strict*: three things which FHIR allows only together with something elsewhere in the resource
are refused by it, and :mod:`.explain` lets them pass afterwards where the rest is there. A resource without
them, as nearly all are, is therefore judged in Rust alone:

======================================  ==============================================
refused by the schema (``x`` says)      allowed by FHIR where
======================================  ==============================================
``null`` in a primitive array           the sibling array has the other half (``null``)
``_name`` without an extension          ``name`` itself is there (``sibling``)
``#id`` as a reference                  a contained resource has that id (``local``)
======================================  ==============================================

Contained resources, the entries of a bundle and the resources in Parameters are only objects here: each is
judged by the schema of its own type.

Every part that can fail for a reason its keyword does not tell has a key ``x`` with the name of the rule.
"""

from __future__ import annotations

from typing import Any

from suwen.records.fhir import patterns
from suwen.records.fhir.definitions import Definitions, Element

Schema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
WHOLE = "urn:suwen:whole-number"
"""A number written without a fraction: in this one draft 1.0 is no integer."""
INTEGERS = {
    "integer": (-(1 << 31), (1 << 31) - 1),
    "unsignedInt": (0, (1 << 31) - 1),
    "positiveInt": (1, (1 << 31) - 1),
}
_BACKBONES = {"BackboneElement", "Element"}


def schema_for(definitions: Definitions, resource_type: str, *, conditional: bool = False) -> Schema:
    """The schema of a resource type, with just the parts reachable from it.

    Parameters
    ----------
    conditional
        Whether a reference may be a search (``Patient?identifier=…``), as in the entries of a transaction.
    """
    return _Builder(definitions, conditional).build(resource_type)


class _Builder:
    def __init__(self, definitions: Definitions, conditional: bool) -> None:
        self.definitions = definitions
        self.references = patterns.References(definitions.resource_types, conditional=conditional)
        self.parts: dict[str, Schema] = {
            "whole": {
                "$schema": "http://json-schema.org/draft-04/schema#",
                "$id": WHOLE,
                "id": WHOLE,
                "type": "integer",
            }
        }

    def build(self, resource_type: str) -> Schema:
        schema = {"$schema": DIALECT, **self._object(resource_type), "$defs": self.parts}
        schema["properties"]["resourceType"] = {"const": resource_type}
        schema["required"] = ["resourceType", *schema.get("required", ())]
        return schema

    def _ref(self, name: str, make: Any, *arguments: Any) -> Schema:
        """A pointer to a part by name, which is made when it is first pointed at."""
        if name not in self.parts:
            self.parts[name] = {}
            self.parts[name].update(make(*arguments))
        return {"$ref": "#/$defs/" + name}

    def _object(self, path: str, reference: Schema | None = None, *, simple: bool = False) -> Schema:
        """An object with the elements of a type or backbone, and nothing else."""
        properties: Schema = {}
        required: list[str] = []
        rules: list[Schema] = []
        for element in self.definitions.elements(path).values():
            if simple and element.name == "comparator":
                continue
            for key, kind in element.properties():
                properties.update(self._property(path, element, key, kind))
            rules += self._presence(path, element, required)
        if reference is not None:
            properties["reference"] = reference
        schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
        if required:
            schema["required"] = required
        if path not in self.definitions.resource_types:
            # ele-1: a value or children, and an id is neither.
            schema["minProperties"] = 1
            rules.append({"x": "ele-1", "dependentSchemas": {"id": {"minProperties": 2}}})
        if path == "Period":
            rules.append({"x": "per-1", "order": True})
        if path == "Reference":
            rules.append(
                {
                    "x": "reference-type",
                    "dependentSchemas": {"type": {"dependentSchemas": {"reference": {"typed": True}}}},
                }
            )
        if rules:
            schema["allOf"] = rules
        return schema

    def _presence(self, path: str, element: Element, required: list[str]) -> list[Schema]:
        """What says that an element must be there, or be there once of its kinds."""
        groups = [
            [key, "_" + key] if self._has_sibling(path, key, kind) else [key]
            for key, kind in element.properties()
        ]
        if path == "Extension" and element.name == "value":
            # Nearly every extension has two keys; the second is then the one thing it must have.
            two = {"minProperties": 2, "maxProperties": 2, "properties": {"id": False}}
            return [{"x": "ext-1", "anyOf": [two, _once("ext-1", [["extension"], *groups], always=True)]}]
        if element.choice:
            return [_once("choice", groups, always=element.min > 0) | {"name": element.name}]
        if not element.min:
            return []
        if len(groups[0]) == 1:
            required.append(element.name)
            return []
        return [{"x": "required", "name": element.name, "anyOf": [{"required": [key]} for key in groups[0]]}]

    def _has_sibling(self, path: str, key: str, kind: str) -> bool:
        """Whether ``_key`` may stand beside a key: not for what is an attribute in XML."""
        attribute = kind == "xhtml" or key == "id" or (path, key) == ("Extension", "url")
        return kind in self.definitions.primitives and not attribute

    def _property(self, path: str, element: Element, key: str, kind: str) -> Schema:
        schema = self._type(path, element, kind)
        many = element.max != 1
        found = {key: _array(schema, element.min) if many else schema}
        if self._has_sibling(path, key, kind):
            sibling = self._ref("sibling", self._sibling)
            found["_" + key] = _array(sibling, 1) if many else sibling
        return found

    def _type(self, path: str, element: Element, kind: str) -> Schema:
        """Schema of one value of an element."""
        definitions = self.definitions
        if element.content:
            return self._backbone(element.content)
        if kind in _BACKBONES:
            return self._backbone(f"{path}.{element.name}")
        if kind == "Resource" or kind in definitions.resource_types:
            return {"type": "object"}
        if kind == "Reference" and element.targets:
            name = "Reference:" + "+".join(element.targets)
            return self._ref(name, self._object, "Reference", self.references.to(element.targets))
        if kind == "Reference":
            return self._ref("Reference", self._object, "Reference", self.references.to(()))
        if kind == "Quantity" and element.simple:
            return self._ref("SimpleQuantity", lambda: self._object("Quantity", simple=True))
        concepts = definitions.concepts(element.binding) if element.binding else None
        if concepts and element.binding:
            name = f"{kind}:{element.binding.rpartition('/')[2]}"
            if kind == "code":
                return self._ref(
                    name,
                    lambda: {
                        "x": "binding",
                        "value_set": element.binding,
                        "enum": sorted(definitions.codes(element.binding) or ()),
                    },
                )
            if kind == "CodeableConcept":
                return self._ref(name, self._bound, concepts, element.binding)
        if kind in definitions.primitives:
            return self._ref(kind, self._primitive, kind)
        return self._ref(kind, self._object, kind)

    def _backbone(self, path: str) -> Schema:
        return self._ref(path, self._object, path)

    def _bound(self, concepts: Any, value_set: str) -> Schema:
        """A CodeableConcept one of whose codings is of a value set; one with only an extension has none."""
        coding = [
            {
                "properties": {"system": {"const": system}, "code": {"enum": codes}},
                "required": ["system", "code"],
            }
            for system, codes in concepts.items()
        ]
        bound = {"required": ["coding"], "properties": {"coding": {"contains": {"anyOf": coding}}}}
        absent = {"required": ["extension"], "properties": {"coding": False}}
        return self._object("CodeableConcept") | {
            "x": "binding",
            "value_set": value_set,
            "anyOf": [bound, absent],
        }

    def _sibling(self) -> Schema:
        """The id and extensions of a primitive; without the primitive it must have an extension."""
        return {
            "x": "sibling",
            "type": "object",
            "properties": {
                "id": self._ref("string", self._primitive, "string"),
                "extension": _array(self._ref("Extension", self._object, "Extension"), 1),
            },
            "additionalProperties": False,
            "required": ["extension"],
        }

    def _primitive(self, kind: str) -> Schema:
        if kind == "boolean":
            return {"x": kind, "type": "boolean"}
        if kind == "decimal":
            return {"x": kind, "type": "number"}
        if kind in INTEGERS:
            low, high = INTEGERS[kind]
            return {"x": kind, "$ref": WHOLE, "minimum": low, "maximum": high}
        return {"x": kind, "type": "string", **patterns.TEXTS[kind]}


def _array(items: Schema, low: int) -> Schema:
    return {"type": "array", "minItems": max(low, 1), "items": items}


def _once(rule: str, groups: list[list[str]], *, always: bool) -> Schema:
    """Exactly one of the groups of keys has a key in the object; unless ``always``, or none has."""
    branches: list[Schema] = [
        {"required": keys} if len(keys) == 1 else {"anyOf": [{"required": [key]} for key in keys]}
        for keys in groups
    ]
    if always:
        return {"x": rule, "oneOf": branches}
    branches.append({"properties": {key: False for keys in groups for key in keys}})
    # The kind named first is the usual one: no other of them there, and all is said.
    usual = {"properties": {key: False for keys in groups[1:] for key in keys}}
    return {"x": rule, "anyOf": [usual, {"oneOf": branches}]}
