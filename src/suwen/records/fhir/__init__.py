"""FHIR R4 as facts and pure functions: definitions, JSON, validation, search values, patches, views."""
