"""The application factory: routes, errors, guards, logs and figures put together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from suwen import __version__
from suwen.core.errors import NotFound
from suwen.server import fhir_openapi, openapi, operations, page, patients, plans, problems, tasks, verbs
from suwen.server.fhir import Fhir
from suwen.server.guard import Guard, SecurityHeaders
from suwen.server.jobs import Jobs
from suwen.server.logs import Observed
from suwen.server.state import State, served

if TYPE_CHECKING:
    from suwen.records.record import Record


def create_app(
    *,
    data: Path | None = None,
    only: Sequence[str] = (),
    hosts: Sequence[str] = (),
    record: Record | None = None,
) -> FastAPI:
    """Make the web application.

    Parameters
    ----------
    data
        Folder under which every SOURCE must lie; without it the routes that learn are closed.
    only
        Systems (``imaging``) or tasks (``imaging.pneumonia``) to serve; empty serves all.
    hosts
        Host names to answer for besides those of the loopback.
    record
        The open patient record to serve under ``/fhir``. When the application shuts down it is closed: what
        is under way is finished first.

    Raises
    ------
    NotFound
        When ``data`` is no folder, or ``only`` names nothing there is.
    """
    if data is not None and not data.is_dir():
        raise NotFound("the data folder is not there", where=str(data), fix="Name a folder with --data")

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        yield
        if record is not None:
            record.close()

    app = FastAPI(
        lifespan=life,
        title="suwen 素问",
        version=__version__,
        description=openapi.DESCRIPTION,
        openapi_tags=openapi.TAGS,
        openapi_url="/api/openapi.json",
        docs_url=None,  # the stock pages load scripts from a CDN
        redoc_url=None,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    here = State(data=data, only=served(only), jobs=Jobs(), record=record)
    app.state.suwen = here
    for part in (tasks, plans, patients, verbs, operations, page):
        app.include_router(part.router)
    problems.install(app)
    # The last one added sees a request first.
    app.add_middleware(Fhir, record=record)
    app.add_middleware(Guard, hosts=tuple(hosts))
    app.add_middleware(Observed, metrics=here.metrics)
    app.add_middleware(SecurityHeaders)

    def description() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _describe(app)
        return app.openapi_schema

    app.openapi = description  # type: ignore[method-assign]
    return app


def _describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document; the framework's own 422 is replaced by what this server really answers."""
    found: dict[str, Any] = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
        license_info=app.license_info,
    )
    parts = found.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        parts.pop(name, None)
    parts["OperationOutcome"] = openapi.OPERATION_OUTCOME
    parts |= fhir_openapi.schemas()
    found["paths"] |= fhir_openapi.paths()
    for path in found["paths"].values():
        for operation in path.values():
            stock = operation["responses"].get("422", {}).get("content", {})
            if "application/json" in stock:
                del operation["responses"]["422"]
    return found
