"""Routes of daily use: which tasks there are, predict, explain, the model card, pictures to try."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Path, Request, UploadFile
from starlette.responses import Response

from suwen.core.errors import NotFound
from suwen.core.task import Task
from suwen.lifecycle import models
from suwen.lifecycle.bundle import CARD, open_bundle
from suwen.lifecycle.reason import DEFAULT
from suwen.server import openapi, uploads
from suwen.server.fhir_messages import ACTOR
from suwen.server.openapi import document, errors
from suwen.server.problems import Document
from suwen.server.state import State, state

router = APIRouter(prefix="/api/tasks", tags=["daily use"], default_response_class=Document)

Here = Annotated[State, Depends(state)]
Name = Annotated[str, Path(description="Name of a task.", examples=["imaging.pneumonia"])]
Files = Annotated[
    list[UploadFile],
    File(description="1 to 32 files, up to 100 MB each: PNG, JPEG, DICOM or NPZ.", default_factory=list),
]
OneFile = Annotated[
    list[UploadFile],
    File(description="A single file, for callers that name the field so.", default_factory=list),
]
Method = Annotated[
    str | None,
    Form(
        description="Method of explanation: `cam`, `occlusion`, `lime`; `shapley`, `shap`, `lime`.",
        examples=["cam"],
        max_length=40,
    ),
]
Patient = Annotated[
    str | None,
    Form(
        description="FHIR id of the patient that the FHIR resources refer to; where a record is served, they "
        "are stored in it.",
        examples=["p-001"],
    ),
]


@router.get(
    "",
    operation_id="listTasks",
    summary="Every task, its model in service and that model's report",
    responses={
        **document("The document of `suwen tasks`.", {"tasks": [openapi.TASK]}, verb="tasks"),
        **errors(403),
    },
)
def list_tasks(here: Here) -> Response:
    """List the tasks served here."""
    return Document({"tasks": here.tasks()})


@router.get(
    "/{task}",
    operation_id="getTask",
    summary="One task",
    responses={**document("What the task says of itself.", openapi.TASK), **errors(403, 404)},
)
def get_task(request: Request, here: Here, task: Name) -> Response:
    """Describe one task."""
    found = noted(request, here, task)
    return Document(next(entry for entry in here.tasks() if entry["name"] == found.name))


@router.post(
    "/{task}/predict",
    operation_id="predict",
    summary="Calibrated results, or abstentions with their reason",
    responses={
        **document("One result per input, in order.", openapi.PREDICTION, verb="predict"),
        **errors(400, 403, 404, 413, 415, 422, 424),
    },
)
async def predict(
    request: Request,
    here: Here,
    task: Name,
    files: Files,
    file: OneFile,
    method: Method = None,
    patient: Patient = None,
) -> Response:
    """Predict for every uploaded file; with `method`, explain each result too."""
    return await _answer(request, here, task, [*files, *file], "predict", method, patient)


@router.post(
    "/{task}/explain",
    operation_id="explain",
    summary="Results with heat maps and the faithfulness of each",
    responses={
        **document(
            "As predict, with `image_png`, `heat_png`, `overlay_png`.", openapi.PREDICTION, verb="explain"
        ),
        **errors(400, 403, 404, 413, 415, 422, 424),
    },
)
async def explain(
    request: Request,
    here: Here,
    task: Name,
    files: Files,
    file: OneFile,
    method: Method = None,
    patient: Patient = None,
) -> Response:
    """Predict for every uploaded file and explain each result, by the task's first method or `method`."""
    return await _answer(request, here, task, [*files, *file], "explain", method or DEFAULT, patient)


@router.get(
    "/{task}/card",
    operation_id="getModelCard",
    summary="The model card, in Markdown",
    response_class=Response,
    responses={
        200: {
            "description": "The card that is signed with the model in service.",
            "content": {"text/markdown": {"example": "# imaging.pneumonia"}},
        },
        **errors(403, 404),
    },
)
def get_card(request: Request, here: Here, task: Name) -> Response:
    """Read the model card of the model in service."""
    _, folder = models.current(noted(request, here, task).name)
    open_bundle(folder)
    return Response((folder / CARD).read_bytes(), media_type="text/markdown; charset=utf-8")


@router.get(
    "/{task}/samples",
    operation_id="listSamples",
    summary="Pictures to try the task on",
    responses={
        **document(
            "Pictures, those of the phantom generator marked `simulated`.",
            [
                {
                    "id": 0,
                    "name": "phantom 1",
                    "simulated": True,
                    "label": None,
                    "url": "/api/tasks/imaging.pneumonia/samples/0",
                }
            ],
        ),
        **errors(404),
    },
)
async def list_samples(request: Request, here: Here, task: Name) -> Response:
    """List the pictures offered for a task."""
    found = await _samples(here, noted(request, here, task))
    return Document(
        [
            {
                "id": number,
                "name": sample["name"],
                "simulated": sample["simulated"],
                "label": sample["label"],
                "url": f"/api/tasks/{task}/samples/{number}",
            }
            for number, sample in enumerate(found)
        ]
    )


@router.get(
    "/{task}/samples/{number}",
    operation_id="getSample",
    summary="One picture to try",
    response_class=Response,
    responses={200: {"description": "The picture.", "content": {"image/png": {}}}, **errors(400, 404)},
)
async def get_sample(
    request: Request,
    here: Here,
    task: Name,
    number: Annotated[int, Path(ge=0, description="Its `id` in the list.")],
) -> Response:
    """Read one of the pictures offered for a task."""
    found = await _samples(here, noted(request, here, task))
    if number >= len(found):
        raise NotFound(f"there is no picture {number}", fix=f"There are {len(found)}, counted from 0")
    return Response(found[number]["png"], media_type="image/png")


async def _samples(here: State, task: Task) -> list[dict[str, Any]]:
    from suwen.lifecycle import demo

    if task.name not in here.samples:
        here.samples[task.name] = list(await here.run(demo.samples, task.name, data=here.data))
    return here.samples[task.name]


def noted(request: Request, here: State, name: str) -> Task:
    """The task of that name, noted for the log now that it is known to be one."""
    task = here.task(name)
    request.scope["suwen"].task = task.name
    return task


async def _answer(
    request: Request,
    here: State,
    name: str,
    files: list[UploadFile],
    verb: str,
    method: str | None,
    patient: str | None,
) -> Response:
    """Check what came, compute on a model thread, count the outcomes."""
    task = noted(request, here, name)
    uploads.check(request.headers, files)
    found = await here.run(_compute, here, task, files, verb, method, patient or None)
    outcomes = [one["abstained"] or one["decision"] for one in found["results"]]
    request.scope["suwen"].outcome = ",".join(sorted(set(outcomes)))
    here.metrics.predictions(task.name, outcomes)
    return Document(found)


def _compute(
    here: State, task: Task, given: list[UploadFile], verb: str, method: str | None, patient: str | None
) -> dict[str, Any]:
    """Read the uploads only now, when it is their turn, so that waiting requests hold no memory."""
    items, names = uploads.read(given)
    uploads.check_archives(task, items, verb if method is None else "explain")
    if verb == "explain":
        from suwen.lifecycle.explain import explain_document

        document = explain_document(task.name, items, method=method or DEFAULT, names=names, patient=patient)
    else:
        from suwen.lifecycle.predict import predict_document

        document = predict_document(task.name, items, names=names, explain=method, patient=patient)
    if here.record is not None and patient is not None:
        from suwen.lifecycle.write_back import write_back

        document["stored"] = write_back(here.record, document, patient, actor=ACTOR)
    return document
