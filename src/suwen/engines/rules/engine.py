"""The rules engine as the life cycle sees it: nothing to learn, tables to write, sign and apply."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from suwen.core.documents import write_json
from suwen.core.engine import Engine, Fitted, Parts, Progress, ServedModel
from suwen.core.errors import UnknownSetting
from suwen.core.task import Task
from suwen.engines.rules.table import document
from suwen.engines.rules.task import RulesTask
from suwen.engines.unlearned import Unlearned

RULES = "rules.json"
WINDOW_H = 12.0
"""Longest interval between observations that NEWS2's chart allows; what is older counts as not recorded."""


class RulesEngine(Unlearned):
    """Published scores; see :class:`suwen.core.engine.Engine` for the contract."""

    name = "rules"
    nothing = "nothing to learn: published tables"

    def setting_names(self) -> tuple[str, ...]:
        """``window_h``: hours after which an observation no longer counts."""
        return ("window_h",)

    def settings(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Checked settings with defaults filled in."""
        window = values.get("window_h", WINDOW_H)
        if isinstance(window, bool) or not isinstance(window, int | float) or not 0 < window <= 72:
            raise UnknownSetting(f"the setting 'window_h' cannot be {window!r}", fix="More than 0, up to 72")
        return {"window_h": float(window)}

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
        """Write the tables into ``run/model`` and apply them to the validation part."""
        progress(self.nothing)
        facts = write(cast("RulesTask", task), settings, run / "model")
        served = self.load(task, run / "model", {"engine_manifest": facts})
        return Fitted(
            samples=parts.validation,
            logits=served.logits(parts.validation),
            baselines=served.baselines(parts.validation),
            history=(),
            engine_manifest=facts,
        )

    def load(self, task: Task, folder: Path, manifest: Mapping[str, Any]) -> ServedModel:
        """Open a verified bundle."""
        from suwen.engines.rules.model import RulesModel

        return RulesModel(cast("RulesTask", task), folder, manifest)


def write(task: RulesTask, settings: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Write a task's tables as ``rules.json``; returns the engine's part of the manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / RULES, document(task.scores, window_h=float(settings["window_h"])))
    return {
        "weights": RULES,
        "precision": "exact",
        "settings": dict(settings),
        "urgent": {score.name.lower(): score.urgent for score in task.scores},
        "maximum": {score.name.lower(): score.maximum for score in task.scores},
        "learned": RulesEngine.nothing,
    }


engine: Engine = RulesEngine()
