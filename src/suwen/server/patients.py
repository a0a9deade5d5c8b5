"""Routes of one patient of the record: their page, the document behind it, and bringing their risk up to date."""

from __future__ import annotations

import base64
import hashlib
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from suwen.core.errors import NotFound
from suwen.core.task import Task
from suwen.lifecycle import models
from suwen.lifecycle.patient_page_style import CSS
from suwen.server import openapi
from suwen.server.fhir_messages import ACTOR
from suwen.server.openapi import document, errors
from suwen.server.problems import Document
from suwen.server.state import State, state
from suwen.server.tasks import noted

router = APIRouter(prefix="/api/tasks", tags=["daily use"], default_response_class=Document)

Here = Annotated[State, Depends(state)]
Name = Annotated[str, Path(description="Name of a task.", examples=["signals.deterioration"])]
Patient = Annotated[
    str, Path(description="Logical id of a Patient of the record.", examples=["p-001"], max_length=64)
]
Since = Annotated[
    str | None,
    Query(
        description="Hour 0: a date or time; by default when the latest stay began, else the first observation.",
        examples=["2024-05-01T08:00:00Z"],
        max_length=40,
    ),
]
Method = Annotated[
    str | None, Query(description="Method of explanation; the task's own by default.", max_length=40)
]

POLICY = (
    "default-src 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()
    + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Of the page: no script, no request, and this one style sheet by its hash."""
EXAMPLE = {
    "format": "suwen-patient/1",
    "task": {"name": "signals.deterioration", "kind": "points"},
    "patient": {"id": "p-001", "sex": "female", "age_years": 71.2},
    "answer": {"headline": "8", "unit": "of 20 NEWS2 points", "level": "alarm"},
    "alarms": [{"hour": 4.0, "risk": 8.0, "reasons": ["Respiration rate: 23 /min (2 points)"]}],
}


@router.get(
    "/{task}/patients/{patient}",
    operation_id="getPatient",
    summary="A patient's observations, risk over time, drivers and alarms",
    responses={
        **document("The document behind the patient's page; the ledger has who looked.", EXAMPLE),
        **errors(400, 403, 404, 424),
    },
)
async def get_patient(
    request: Request, here: Here, task: Name, patient: Patient, since: Since = None, method: Method = None
) -> Response:
    """Read a patient from the record, ask the model in service, and explain; nothing is stored."""
    return Document(await here.run(_look, here, noted(request, here, task), patient, since, method))


@router.get(
    "/{task}/patients/{patient}/page",
    operation_id="getPatientPage",
    summary="The same as one self-contained page",
    response_class=Response,
    responses={
        200: {
            "description": "HTML without scripts or external resources.",
            "content": {"text/html": {"example": "<!doctype html><html lang=en>..."}},
        },
        **errors(400, 403, 404, 424),
    },
)
async def get_page(
    request: Request, here: Here, task: Name, patient: Patient, since: Since = None, method: Method = None
) -> Response:
    """Render the patient's document as a page to look at and to print."""
    from suwen.lifecycle.patient_page import render

    found = await here.run(_look, here, noted(request, here, task), patient, since, method)
    return Response(
        render(found), media_type="text/html; charset=utf-8", headers={"Content-Security-Policy": POLICY}
    )


@router.post(
    "/{task}/patients/{patient}",
    operation_id="followPatient",
    summary="Bring a patient's risk up to date",
    responses={
        **document(
            "As predict, with `alarms` heard now; no results where nothing is new. A RiskAssessment with its "
            "Provenance is stored in the record.",
            openapi.PREDICTION,
            verb="predict",
        ),
        **errors(400, 403, 404),
    },
)
async def follow(request: Request, here: Here, task: Name, patient: Patient, since: Since = None) -> Response:
    """Take in what was stored or changed since the last call, evaluate the alarm rule, store the result."""
    found = await here.run(_follow, here, noted(request, here, task), patient, since)
    outcomes = ["alarm" if one["alarms"] else one["abstained"] or "no-alarm" for one in found["results"]]
    request.scope["suwen"].outcome = ",".join(outcomes) or "nothing-new"
    here.metrics.predictions(task, outcomes)
    return Document(found)


def _look(here: State, task: Task, patient: str, since: str | None, method: str | None) -> dict[str, Any]:
    from suwen.lifecycle.patient_look import look, moment

    return look(task.name, _record(here), patient, actor=ACTOR, since=moment(since), method=method)


def _follow(here: State, task: Task, patient: str, since: str | None) -> dict[str, Any]:
    from suwen.lifecycle.live_record import Follower
    from suwen.lifecycle.patient_look import moment, predict_patient

    record, loaded = _record(here), models.load(task)
    kept = here.followers.get(task.name)
    if kept is None or kept.loaded.name != loaded.name:  # another model serves now: its streams start anew
        kept = here.followers[task.name] = Follower(loaded, record, actor=ACTOR)
    return predict_patient(task.name, record, patient, actor=ACTOR, since=moment(since), follower=kept)


def _record(here: State) -> Any:
    if here.record is None:
        raise NotFound(
            "this server was started without a patient record",
            fix="Start it with: suwen serve --store DIR",
            code="no-record",
        )
    return here.record
