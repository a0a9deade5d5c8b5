"""The solver engine as the life cycle sees it: nothing to learn, a protocol to write, sign and keep to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from suwen.core.documents import write_json
from suwen.core.engine import Engine, Fitted, Parts, Progress, ServedModel
from suwen.core.limit import resolve_limits
from suwen.core.task import Task
from suwen.engines.solver.model import SolverModel
from suwen.engines.solver.task import SolverTask
from suwen.engines.unlearned import Unlearned

PROTOCOL = "protocol.json"


class SolverEngine(Unlearned):
    """Computed answers; see :class:`suwen.core.engine.Engine` for the contract."""

    name = "solver"
    nothing = "nothing to learn: the answer is computed, and checked by other code"

    def setting_names(self) -> tuple[str, ...]:
        """None of its own: what can be set is the task's protocol."""
        return ()

    def settings(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Nothing to check."""
        return {}

    def fit(
        self,
        task: Task,
        parts: Parts,
        settings: Mapping[str, Any],
        run: Path,
        *,
        seed: int,
        progress: Progress,
    ) -> Fitted:
        """Write the protocol into ``run/model`` and answer the questions of the validation part."""
        progress(self.nothing)
        facts = write(cast("SolverTask", task), settings, run / "model")
        served = SolverModel(cast("SolverTask", task), facts["settings"])
        progress(f"answering {len(parts.validation)} questions")
        return Fitted(
            samples=parts.validation,
            logits=served.untimed(served.logits(parts.validation)),
            baselines={
                name: served.untimed(rows) for name, rows in served.baselines(parts.validation).items()
            },
            history=(),
            engine_manifest=facts,
        )

    def load(self, task: Task, folder: Path, manifest: Mapping[str, Any]) -> ServedModel:
        """Open a verified bundle; a protocol that lacks a number this version needs is an old one (KeyError)."""
        from suwen.core.documents import read_json

        stored = read_json(folder / PROTOCOL)["protocol"]
        protocol = {one.name: one.check(stored[one.name]) for one in task.protocol}
        return SolverModel(cast("SolverTask", task), protocol)


def write(task: SolverTask, settings: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Write a task's protocol as ``protocol.json``; returns the engine's part of the manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    protocol = resolve_limits(task.protocol, settings)
    meanings = {one.name: one.meaning for one in task.protocol}
    write_json(folder / PROTOCOL, {"task": task.name, "protocol": protocol, "meanings": meanings})
    return {"weights": PROTOCOL, "precision": "exact", "settings": protocol, "learned": SolverEngine.nothing}


engine: Engine = SolverEngine()
