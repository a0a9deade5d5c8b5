"""The panel as the life cycle sees it; everything heavy is imported when it is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from suwen.core.engine import Engine, Fitted, Parts, Progress, ServedModel
from suwen.core.errors import BadInput, MissingExtra
from suwen.core.sample import Sample
from suwen.core.task import Task
from suwen.engines.panel.task import PanelTask
from suwen.formats.fingerprint import content_key


class PanelEngine:
    """Learners side by side; see :class:`suwen.core.engine.Engine` for the contract."""

    name = "panel"

    def setting_names(self) -> tuple[str, ...]:
        """Keys of :class:`suwen.engines.panel.settings.PanelSettings`."""
        from suwen.engines.panel.settings import setting_names

        return setting_names()

    def settings(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Checked settings with defaults filled in."""
        from suwen.engines.panel.settings import check

        return check(values)

    def check_ready(self) -> None:
        """Raise MissingExtra unless everything that learning imports is installed."""
        for package in ("torch", "lightning", "lightgbm", "sklearn", "scipy", "onnx", "optuna"):
            if find_spec(package) is None:
                raise MissingExtra(package, "train", "training")

    def views(self, sample: Sample) -> Mapping[str, Any]:
        """How much was observed: what a model should not need to predict the label."""
        return {
            name: float(len(value))
            for name, value in sample.inputs.items()
            if hasattr(value, "hours") and hasattr(value, "__len__")
        }

    def content_key(self, sample: Sample) -> str:
        """Hash of what a sample shows."""
        return content_key(sample)

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
        """Train every learner on every fold, and pack the winner and its rivals into ``run/model``."""
        from suwen.engines.panel.fit import fit

        return fit(panel(task), parts, settings, run, seed=seed, progress=progress)

    def sweep(
        self,
        task: Task,
        parts: Parts,
        settings: Mapping[str, Any],
        run: Path,
        *,
        trials: int,
        seed: int,
        progress: Progress,
    ) -> dict[str, Any]:
        """Search rounds, width, epochs and learning rate on the decisive criterion, out-of-fold."""
        from suwen.engines.panel.sweep import sweep

        return sweep(panel(task), parts, settings, run, trials=trials, seed=seed, progress=progress)

    def load(self, task: Task, folder: Path, manifest: Mapping[str, Any]) -> ServedModel:
        """Open a verified bundle."""
        from suwen.engines.panel.model import PanelModel

        return PanelModel(panel(task), folder, manifest)


def panel(task: Task) -> PanelTask:
    """The task, known to have learners.

    Raises
    ------
    BadInput
        When it has none.
    """
    if not isinstance(task, PanelTask):
        raise BadInput(f"'{task.name}' names the panel engine and lists no learners")
    return task


def chosen_learners(task: PanelTask, names: str) -> Sequence[Any]:
    """The learners that compete: ``all``, or those named.

    Raises
    ------
    UnknownSetting
        For a name the task does not have, naming the nearest; or for none at all.
    """
    from suwen.core.errors import UnknownSetting, nearest

    if names == "all":
        return task.learners
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    known = {learner.name: learner for learner in task.learners}
    for name in wanted:
        if name not in known:
            raise UnknownSetting(f"{task.name} has no learner '{name}'", fix=nearest(name, known))
    if not wanted:
        raise UnknownSetting("no learner is named", where="learners", fix=f"Known: {', '.join(known)}")
    return tuple(known[name] for name in known if name in wanted)


engine: Engine = PanelEngine()
