"""Published JSON schemas (draft 2020-12) of the document that each verb prints with ``--json``."""

from __future__ import annotations

from typing import Any

from suwen.core.errors import NotFound, nearest
from suwen.core.schemas.parts import (
    ANY_OBJECT,
    BUNDLES,
    COUNT,
    DEPLOYED,
    ESTIMATES,
    NULL_NUMBER,
    NUMBER,
    PROVENANCE,
    REPORT,
    RESULT,
    TEXT,
    TEXTS,
    a_list,
    a_map,
    an_object,
    either,
)

BASE = "https://suwen.dev/schemas/"

_TASK = an_object(
    name=TEXT,
    system=TEXT,
    title=TEXT,
    intended_use=TEXT,
    not_for=TEXT,
    inputs=a_list(an_object(name=TEXT, kind=TEXT, description=TEXT, accepts=TEXTS, body_parts=TEXTS)),
    endpoint=an_object(classes=TEXTS, positive=TEXT),
    engine=TEXT,
    metrics=TEXTS,
    floor=a_map(NUMBER),
    deployed=either(DEPLOYED),
    problem=either(TEXT),
)
_FINDING = an_object(kind=TEXT, between=TEXTS, count=COUNT, examples=a_list(a_list(COUNT)))
_SHORTCUT = an_object(
    name=TEXT,
    meaning=TEXT,
    auroc=an_object(value=NULL_NUMBER, lo=NULL_NUMBER, hi=NULL_NUMBER),
    threshold=NUMBER,
    flagged={"type": "boolean"},
)
_ANSWERS = {
    "task": TEXT,
    "model": TEXT,
    "disclaimer": TEXT,
    "results": a_list(RESULT),
    "stored": either(TEXTS),
}

_VERBS: dict[str, dict[str, Any]] = {
    "error": an_object(error=an_object(code=TEXT, what=TEXT, where=either(TEXT), fix=either(TEXT))),
    "tasks": an_object(tasks=a_list(_TASK)),
    "doctor": an_object(
        ok={"type": "boolean"},
        checks=a_list(an_object(name=TEXT, ok={"type": "boolean"}, detail=TEXT, fix=either(TEXT))),
    ),
    "fetch": an_object(path=TEXT, licence=TEXT),
    "collect": an_object(
        task=TEXT,
        n=COUNT,
        n_subjects=COUNT,
        subjects_known={"type": "boolean"},
        labelled=a_map(a_map(COUNT)),
        unlabelled=COUNT,
        unusable=a_map(TEXTS),
        exact_duplicates=a_list(a_list(COUNT)),
        near_duplicates=a_list(a_list(COUNT)),
        label_conflicts=a_list(_FINDING),
        leakage=a_list(_FINDING),
        near_crossings=a_list(_FINDING),
        shortcuts=a_list(_SHORTCUT),
        probe=TEXT,
        warnings=TEXTS,
        notes=TEXTS,
        integrity=ANY_OBJECT,
        fingerprint=TEXT,
        split_fingerprints=a_map(TEXT),
        leaks={"type": "boolean"},
        summary=TEXTS,
    ),
    "prepare": an_object(
        task=TEXT, fingerprint=TEXT, counts=a_map(COUNT), warnings=TEXTS, settings=ANY_OBJECT, table=TEXT
    ),
    "train": an_object(
        task=TEXT,
        run=TEXT,
        seed={"type": "integer"},
        settings=ANY_OBJECT,
        data_fingerprint=TEXT,
        model=TEXT,
        validation=REPORT,
        calibration=ANY_OBJECT,
        operating_point=an_object(rule=TEXT, threshold=NULL_NUMBER),
        conformal=ANY_OBJECT,
        warnings=TEXTS,
        cpu_seconds=NUMBER,
        counts=a_map(COUNT),
    ),
    "evaluate": REPORT,
    "deploy": an_object(
        task=TEXT,
        model=TEXT,
        precision=either(TEXT),
        quantisation=either(ANY_OBJECT),
        report=an_object(split=TEXT, n=COUNT, passed={"type": "boolean"}, metrics=ESTIMATES),
        folder=TEXT,
        in_service={"type": "boolean"},
        bundles=BUNDLES,
    ),
    "rollback": an_object(task=TEXT, in_service=TEXT, bundles=BUNDLES),
    "models": an_object(task=TEXT, deployed=either(DEPLOYED), bundles=BUNDLES),
    "predict": an_object(**_ANSWERS),
    "explain": an_object(**_ANSWERS),
    "plan": an_object(
        format=TEXT,
        task=TEXT,
        title=TEXT,
        disclaimer=TEXT,
        plan_id=TEXT,
        revision=COUNT,
        sentence=TEXT,
        found={"type": "boolean"},
        simulated={"type": "boolean"},
        image=an_object(sha256=TEXT, frame_sha256=TEXT, shape=a_list(COUNT), spacing_mm=a_list(NUMBER)),
        question=ANY_OBJECT,
        instrument=ANY_OBJECT,
        margin=ANY_OBJECT,
        path_lps_mm=either(a_list(a_list(NUMBER))),
        length_mm=NULL_NUMBER,
        blocked_by=a_list(ANY_OBJECT),
        certificate=either(ANY_OBJECT),
        figures=a_map(NULL_NUMBER),
        motion=either(ANY_OBJECT),
        provenance=PROVENANCE,
        chain=an_object(
            format=TEXT,
            head=TEXT,
            signature=TEXT,
            public_key=TEXT,
            steps=a_list(an_object(kind=TEXT, sha256=TEXT, previous=TEXT, link=TEXT)),
        ),
        ledger=either(an_object(log=TEXT, plan_id=TEXT, revision=COUNT)),
        fhir=an_object(resourceType={"const": "Bundle"}),
        stored=either(TEXTS),
    ),
    "demo": an_object(task=TEXT, results=a_list(RESULT), lines=TEXTS),
}

VERBS = tuple(_VERBS)
"""Documents that have a schema."""


def schema_of(verb: str) -> dict[str, Any]:
    """The schema of one verb's document.

    Raises
    ------
    NotFound
        Naming the nearest verb that has one.
    """
    if verb not in _VERBS:
        raise NotFound(f"there is no schema for '{verb}'", fix=nearest(verb, VERBS), code="no-schema")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{BASE}{verb}.json",
        "title": f"suwen {verb} --json",
        **_VERBS[verb],
    }
