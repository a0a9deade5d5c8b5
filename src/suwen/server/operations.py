"""Routes of whoever runs the server: health, metrics, installation, jobs, schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from suwen import __version__
from suwen.core.errors import NotFound, SuwenError
from suwen.lifecycle import models
from suwen.server import openapi
from suwen.server.openapi import document, errors
from suwen.server.problems import Document, incident
from suwen.server.tasks import Here

if TYPE_CHECKING:
    from suwen.records.record import Record

router = APIRouter(default_response_class=Document)

JobId = Annotated[str, Path(description="The `job` of the answer that started it.")]
_HEALTH = {"status": "ok", "version": __version__, "models": {"imaging.pneumonia": "ok"}}
_WITH_RECORD = _HEALTH | {"record": {"status": "ok", "tree_size": 1024}}


@router.get(
    "/health",
    tags=["operations"],
    operation_id="health",
    summary="Whether every model in service, and the record, opens",
    responses={
        **document("Every model opens, and the record where one is served.", _WITH_RECORD),
        **document("A model does not open.", _HEALTH | {"status": "failing"}, status=503),
        **errors(),
    },
)
async def health(here: Here) -> Response:
    """Verify and open every model in service, and look at the record; no model is no failure."""
    found: dict[str, str] = {}
    for name in sorted(here.only):
        try:
            await here.run(models.load, here.task(name))
            found[name] = "ok"
        except NotFound as error:
            found[name] = "none" if error.code == "no-model" else error.code
        except SuwenError as error:
            found[name] = error.code
        except Exception as error:  # whatever stops a model from opening, health must say so
            incident(error)
            found[name] = "internal"
    ok = set(found.values()) <= {"ok", "none"}
    body: dict[str, Any] = {"version": __version__, "models": found}
    if here.record is not None:
        body["record"] = await here.run(_look_at, here.record)
        ok = ok and body["record"]["status"] == "ok"
    body = {"status": "ok" if ok else "failing"} | body
    return Document(body, 200 if ok else 503)


def _look_at(record: Record) -> dict[str, Any]:
    """Whether the record can be read, and how many entries its log has."""
    try:
        with record.database.reading() as db:
            row = db.row("SELECT max(size) FROM head")
        return {"status": "ok", "tree_size": int(row[0] or 0) if row else 0}
    except SuwenError as error:
        return {"status": error.code}
    except Exception as error:  # as above
        incident(error)
        return {"status": "internal"}


@router.get(
    "/metrics",
    tags=["operations"],
    operation_id="metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={200: {"description": "Text exposition.", "content": {"text/plain": {}}}, **errors(403)},
)
def metrics(here: Here) -> Response:
    """Requests, latencies, results by outcome, models in service."""
    return Response(here.metrics.render(here.tasks()), media_type=CONTENT_TYPE_LATEST)


@router.get(
    "/api/doctor",
    tags=["operations"],
    operation_id="doctor",
    summary="What this installation can and cannot do",
    responses={
        **document("The document of `suwen doctor`.", {"version": __version__}, verb="doctor"),
        **errors(),
    },
)
async def doctor(here: Here) -> Response:
    """Look at the installation."""
    from suwen.lifecycle.doctor import doctor as examine

    return Document(await here.run(examine))


@router.get(
    "/api/schemas/{verb}",
    tags=["operations"],
    operation_id="getSchema",
    summary="The JSON Schema of a verb's document",
    responses={
        **document("A JSON Schema.", {"$schema": "https://json-schema.org/draft/2020-12/schema"}),
        **errors(404),
    },
)
def get_schema(verb: Annotated[str, Path(description="Name of a verb.", examples=["predict"])]) -> Response:
    """Read the schema that `suwen VERB --json` and the route of that verb keep to."""
    from suwen.core.schemas import schema_of

    return Document(schema_of(verb))


@router.get(
    "/api/jobs",
    tags=["life cycle"],
    operation_id="listJobs",
    summary="Every job, newest first",
    responses={**document("Jobs without progress and results.", [openapi.JOB]), **errors()},
)
def list_jobs(here: Here) -> Response:
    """List the jobs of this suwen home."""
    return Document(here.jobs.all())


@router.get(
    "/api/jobs/{job}",
    tags=["life cycle"],
    operation_id="getJob",
    summary="How a job goes",
    responses={**document("Status, progress, result or error.", openapi.JOB), **errors(404)},
)
def get_job(here: Here, job: JobId) -> Response:
    """Ask for a job; `status` is queued, running, done or failed."""
    return Document(here.jobs.status(job))


@router.delete(
    "/api/jobs/{job}",
    tags=["life cycle"],
    operation_id="cancelJob",
    summary="Cancel a job",
    responses={**document("The job as it is now.", openapi.JOB), **errors(404, 409)},
)
def cancel_job(here: Here, job: JobId) -> Response:
    """Stop a job that waits or runs; a training can be resumed by starting it again."""
    return Document(here.jobs.cancel(job))
