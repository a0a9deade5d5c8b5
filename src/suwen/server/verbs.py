"""Routes of the life cycle: they start jobs on data under the folder the server was given."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from suwen.core.documents import read_json
from suwen.core.errors import BadInput, Conflict, NotFound, Refused
from suwen.core.home import home
from suwen.lifecycle import run as runs
from suwen.server import openapi
from suwen.server.openapi import document, errors
from suwen.server.problems import Document
from suwen.server.state import State
from suwen.server.tasks import Here, Name, noted

router = APIRouter(prefix="/api/tasks/{task}", tags=["life cycle"], default_response_class=Document)

Source = Annotated[
    str,
    Field(
        description="Path under the server's data folder.",
        examples=["imaging/pneumoniamnist.npz"],
        min_length=1,
        max_length=500,
    ),
]
Run = Annotated[
    str,
    Field(
        description="A plain name; the run is kept under `SUWEN_HOME/runs`.",
        examples=["first"],
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
    ),
]
Seed = Annotated[int, Field(ge=0, lt=2**32, description="Fixes every random choice.")]
Settings = Annotated[
    dict[str, str | int | float | bool],
    Field(
        alias="set", default_factory=dict, description="Settings as with `--set`.", examples=[{"epochs": 10}]
    ),
]
_KEY = re.compile(r"[a-z][a-z0-9_]{0,63}")
_ACCEPTED = {
    **document("The job; ask `status_url` for how it goes.", openapi.JOB, status=202),
    **errors(400, 403, 404, 409),
}


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Collect(_Body):
    """What to audit."""

    source: Source
    seed: Seed = 0
    probe: bool = Field(True, description="Probe trivial inputs for the label.")


class Prepare(_Body):
    """What to split, and how."""

    source: Source
    run: Run
    seed: Seed = 0
    settings: Settings


class Train(_Body):
    """What to learn from, and how."""

    source: Source
    run: Run
    seed: Seed = 0
    settings: Settings
    sweep: int = Field(0, ge=0, le=1000, description="Settings to try first, on validation alone.")


class Evaluate(_Body):
    """What to judge, and on what; without `run`, the model in service."""

    source: Source
    run: Run | None = None
    seed: Seed = 0
    split: str | None = Field(None, pattern=r"^[a-z]{1,20}$", examples=["test"])


class Deploy(_Body):
    """Which run to promote."""

    run: Run


@router.post(
    "/collect", status_code=202, operation_id="collect", summary="Audit a source", responses=_ACCEPTED
)
def collect(request: Request, here: Here, task: Name, body: Collect) -> Response:
    """Say what is in the data and what is wrong with it, without changing it."""
    words = ["--from", _source(here, body.source), "--seed", str(body.seed)]
    return _job(request, here, task, "collect", [*words, *([] if body.probe else ["--no-probe"])])


@router.post(
    "/prepare", status_code=202, operation_id="prepare", summary="Split a source", responses=_ACCEPTED
)
def prepare(request: Request, here: Here, task: Name, body: Prepare) -> Response:
    """Make the parts that training with the same seed and settings would use."""
    source = _source(here, body.source)
    words = ["--from", source, "--out", str(_run(body.run)), "--seed", str(body.seed), *_set(body.settings)]
    return _job(request, here, task, "prepare", words)


@router.post("/train", status_code=202, operation_id="train", summary="Train a run", responses=_ACCEPTED)
def train(request: Request, here: Here, task: Name, body: Train) -> Response:
    """Train, or resume an interrupted run of the same name; one training runs at a time."""
    source = _source(here, body.source)
    words = ["--from", source, "--run", str(_run(body.run)), "--seed", str(body.seed), *_set(body.settings)]
    if body.sweep:
        words += ["--sweep", str(body.sweep)]
    return _job(request, here, task, "train", words)


@router.post(
    "/evaluate", status_code=202, operation_id="evaluate", summary="Judge a model", responses=_ACCEPTED
)
def evaluate(request: Request, here: Here, task: Name, body: Evaluate) -> Response:
    """Judge a run, or the model in service, on a part of a source."""
    words = ["--from", _source(here, body.source), "--seed", str(body.seed)]
    words += ["--split", body.split] if body.split else []
    target = str(_existing(task, body.run)) if body.run else None
    return _job(request, here, task, "evaluate", words, target=target)


@router.post("/deploy", status_code=202, operation_id="deploy", summary="Promote a run", responses=_ACCEPTED)
def deploy(request: Request, here: Here, task: Name, body: Deploy) -> Response:
    """Put a finished run into service; refused where its report did not pass."""
    _open(here)
    return _job(request, here, task, "deploy", [], target=str(_existing(task, body.run)))


@router.post(
    "/rollback",
    operation_id="rollback",
    summary="Go back to the model before",
    responses={**document("What serves now.", openapi.MODEL), **errors(403, 404, 409)},
)
def rollback(request: Request, here: Here, task: Name) -> Response:
    """Take the model in service off; the one before it serves again."""
    from suwen.lifecycle.deploy import rollback as roll_back

    _open(here)
    return Document(roll_back(noted(request, here, task).name))


def _open(here: State) -> Path:
    """The data folder, if this server may learn at all."""
    if here.data is None:
        raise Refused(
            "this server was started without a data folder, so it changes no models",
            fix="Start it with: suwen serve --data DIR",
            code="no-data-folder",
        )
    return here.data.resolve()


def _source(here: State, given: str) -> str:
    """The real path of a source, which must lie under the data folder, links followed."""
    root = _open(here)
    path = Path(given)
    if "\0" in given or path.is_absolute() or ".." in path.parts:
        raise BadInput(
            "the source must be a relative path under the data folder",
            fix="Leave out '..' and a leading '/'",
        )
    real = (root / path).resolve()
    if not real.is_relative_to(root):
        raise Refused("the source is a link that leads out of the data folder", fix="Copy the data there")
    if not real.exists():
        raise NotFound("there is no such source in the data folder", fix="Check the path, relative to it")
    return str(real)


def _run(name: str) -> Path:
    return home() / "runs" / name


def _existing(task: str, name: str) -> Path:
    """Folder of a run of this very task."""
    folder = _run(name)
    if not runs.is_run(folder):
        raise NotFound(f"there is no run '{name}'", fix=f"Train it: POST /api/tasks/{task}/train")
    found = read_json(folder / runs.RUN)["task"]
    if found != task:
        raise Conflict(f"the run '{name}' was trained for '{found}'", fix=f"Use /api/tasks/{found}")
    return folder


def _set(settings: dict[str, Any]) -> list[str]:
    """Settings as words of the command line; whether they exist is for the verb to say."""
    for key in settings:
        if not _KEY.fullmatch(key):
            raise BadInput(
                "a setting's name holds other signs than a-z, 0-9 and '_'", fix="See: suwen train --help"
            )
    return [
        word for key, value in settings.items() for word in ("--set", f"{key}={orjson.dumps(value).decode()}")
    ]


def _job(
    request: Request, here: State, task: str, verb: str, words: list[str], *, target: str | None = None
) -> Response:
    """Start ``suwen VERB TARGET WORDS`` and answer 202 with the job."""
    name = noted(request, here, task).name
    job = here.jobs.submit(verb, name, [target or name, *words])
    return Document(job, 202, {"Location": job["status_url"]})
