"""Pieces that several schemas share. Documents may gain keys; they never lose one."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
COUNT: Schema = {"type": "integer", "minimum": 0}
NULL_NUMBER: Schema = {"type": ["number", "null"]}
ANY_OBJECT: Schema = {"type": "object"}
PROBABILITY: Schema = {"type": "number", "minimum": 0, "maximum": 1}


def an_object(**properties: Schema) -> Schema:
    """An object with at least these keys."""
    return {"type": "object", "properties": properties, "required": sorted(properties)}


def also(schema: Schema, **optional: Schema) -> Schema:
    """The same object, which may have these keys besides."""
    return {**schema, "properties": {**schema["properties"], **optional}}


def a_list(items: Schema) -> Schema:
    """A list of these."""
    return {"type": "array", "items": items}


def a_map(values: Schema) -> Schema:
    """An object whose every value is one of these."""
    return {"type": "object", "additionalProperties": values}


def either(*schemas: Schema) -> Schema:
    """One of these, or null."""
    return {"anyOf": [*schemas, {"type": "null"}]}


TEXTS = a_list(TEXT)
ESTIMATE = an_object(value=NULL_NUMBER, lo=NULL_NUMBER, hi=NULL_NUMBER)
ESTIMATES = a_map(ESTIMATE)
REPORT: Schema = an_object(
    task=TEXT,
    split=TEXT,
    n=COUNT,
    n_subjects=COUNT,
    n_positive=COUNT,
    metrics=ESTIMATES,
    baselines=a_map(ESTIMATES),
    differences=ESTIMATES,
    by_group=a_map(ESTIMATES),
    floor=a_map(NUMBER),
    passed={"type": "boolean"},
    warnings=TEXTS,
    data_fingerprint=TEXT,
)
DEPLOYED = an_object(
    model=TEXT,
    source=TEXT,
    created_at=TEXT,
    weights_sha256=TEXT,
    data_fingerprint=TEXT,
    report=an_object(split=TEXT, n=COUNT, passed={"type": "boolean"}, metrics=ESTIMATES),
    warnings=TEXTS,
)
BUNDLES = a_list(an_object(at=TEXT, event={"enum": ["promoted", "rolled-back"]}, version=TEXT))
PROVENANCE = an_object(
    model=TEXT, weights_sha256=TEXT, data_fingerprint=TEXT, code_version=TEXT, created_at=TEXT
)
EXPLANATION = an_object(
    method=TEXT, unit=TEXT, faithfulness=NULL_NUMBER, checks=a_map(NULL_NUMBER), passed={"type": "boolean"}
)
SHEET = an_object(
    name=TEXT,
    hour=NUMBER,
    least=NUMBER,
    most=NUMBER,
    total=NULL_NUMBER,
    maximum=NUMBER,
    band=TEXT,
    response=TEXT,
)
RISKS: Schema = an_object(
    hours=a_list(NUMBER),
    probabilities=a_list(PROBABILITY),
    intervals=a_list(a_list(PROBABILITY)),
    alarms=a_list(NUMBER),
    refractory_h=NUMBER,
)
TOTALS: Schema = an_object(
    hours=a_list(NUMBER),
    least=a_list(NUMBER),
    most=a_list(NUMBER),
    alarms=a_list(NUMBER),
    refractory_h=NUMBER,
)
OUTLOOK: Schema = an_object(
    quantity=TEXT,
    unit=TEXT,
    last=NUMBER,
    horizons=a_list(an_object(minutes=COUNT, value=NUMBER, interval=a_list(NUMBER))),
    alarms=TEXTS,
)
SURVIVAL: Schema = an_object(
    event=TEXT,
    times=a_list(NUMBER),
    probabilities=a_list(PROBABILITY),
    median=NULL_NUMBER,
    lower_bound_90=NULL_NUMBER,
    risk=NUMBER,
)
SOLUTION: Schema = an_object(
    kind=TEXT,
    found={"type": "boolean"},
    holds={"type": "boolean"},
    said=TEXT,
    figures=a_map(NULL_NUMBER),
    units=a_map(TEXT),
    document=ANY_OBJECT,
)
RESULT: Schema = also(
    an_object(
        input=TEXT,
        subject_id=TEXT,
        positive=TEXT,
        probability=either(PROBABILITY),
        probabilities=either(a_map(PROBABILITY)),
        interval=either(a_list(PROBABILITY)),
        threshold=either(NUMBER),
        decision=either(TEXT),
        conformal_set=either(TEXTS),
        said=either(TEXT),
        abstained=either(TEXT),
        reason=either(TEXT),
        quality=a_map(NULL_NUMBER),
        simulated={"type": "boolean"},
        explanation=either(EXPLANATION),
        provenance=PROVENANCE,
        fhir=an_object(resourceType={"const": "Bundle"}),
    ),
    course={"anyOf": [RISKS, TOTALS]},
    scores=a_list(SHEET),
    outlook=OUTLOOK,
    survival=SURVIVAL,
    solution=SOLUTION,
    overlay=TEXT,
    page=TEXT,
)
"""One answer. What answers of its kind do not say is null; what only some kinds say may be absent."""
