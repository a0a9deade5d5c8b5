"""``POST /api/tasks/{task}/plan``: a case in, a certified, chained and signed plan out."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, UploadFile
from starlette.responses import Response

from suwen.core.errors import BadInput
from suwen.core.task import Computed, Task
from suwen.lifecycle import discovery
from suwen.server import openapi, uploads
from suwen.server.fhir_messages import ACTOR
from suwen.server.openapi import document, errors
from suwen.server.problems import Document
from suwen.server.state import State
from suwen.server.tasks import Files, Here, Name, OneFile, Patient, noted

router = APIRouter(prefix="/api/tasks", tags=["daily use"], default_response_class=Document)

PlanId = Annotated[
    str | None,
    Form(
        description="Id of the plan that this one replaces.",
        pattern=r"^[A-Za-z0-9-]{1,64}$",
        examples=["5f0c7f9e-6d5c-4f7e-9b3a-2f4f2a3b1c0d"],
    ),
]
Motion = Annotated[bool, Form(description="Whether an arm is moved along it in simulation.")]


@router.post(
    "/{task}/plan",
    operation_id="plan",
    summary="A certified plan, or which structure leaves no way",
    responses={
        **document("The document of `suwen plan`.", openapi.PLAN, verb="plan"),
        **errors(400, 403, 404, 413, 415, 422, 424),
    },
)
async def plan(
    request: Request,
    here: Here,
    task: Name,
    files: Files,
    file: OneFile,
    patient: Patient = None,
    plan_id: PlanId = None,
    motion: Motion = True,
) -> Response:
    """Plan one case: a ZIP archive of `case.json` and the volumes it names."""
    found = noted(request, here, task)
    given = [*files, *file]
    uploads.check(request.headers, given)
    if len(given) != 1 or not isinstance(found.endpoint, Computed):
        raise BadInput(
            "one case of a task that is planned was expected",
            fix="Send one ZIP archive to a task of surgery",
            code="no-plan",
        )
    made = await here.run(_planned, here, found, given, patient or None, plan_id, motion)
    outcome = "certified" if made["certificate"] and made["certificate"]["holds"] else "no plan"
    request.scope["suwen"].outcome = outcome
    here.metrics.predictions(found.name, [outcome])
    return Document(made)


def _planned(
    here: State,
    task: Task,
    given: list[UploadFile],
    patient: str | None,
    plan_id: str | None,
    motion: bool,
) -> dict[str, Any]:
    from suwen.lifecycle.plan import plan as make

    (item,), _ = uploads.read(given)
    mover = f"{task.system}.motion"
    moved = mover if motion and mover in discovery.all_tasks() else None
    made, _ = make(
        task.name, item, motion=moved, plan_id=plan_id, patient=patient, record=here.record, actor=ACTOR
    )
    return made
