"""The image engine as the life cycle sees it; everything heavy is imported when it is used."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from suwen.core.engine import Engine, Fitted, Parts, Progress, ServedModel
from suwen.core.errors import MissingExtra
from suwen.core.sample import Sample
from suwen.core.task import Task


class ImageEngine:
    """CNNs over single images; see :class:`suwen.core.engine.Engine` for the contract."""

    name = "image"

    def setting_names(self) -> tuple[str, ...]:
        """Keys of :class:`suwen.engines.image.settings.ImageSettings`."""
        from suwen.engines.image.settings import setting_names

        return setting_names()

    def settings(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Checked settings with defaults filled in."""
        from suwen.engines.image.settings import check

        return check(values)

    def check_ready(self) -> None:
        """Raise MissingExtra unless everything that learning imports is installed."""
        for package in ("torch", "lightning", "monai", "sklearn", "skimage", "onnx", "optuna"):
            if find_spec(package) is None:
                raise MissingExtra(package, "train", "training")

    def views(self, sample: Sample) -> Mapping[str, Any]:
        """Thumbnail, border, file size: what a model must not need to predict the label."""
        from suwen.engines.image.views import views

        return views(sample)

    def content_key(self, sample: Sample) -> str:
        """Hash of the decoded pixels, the same for a PNG and an array of one picture."""
        (image,) = sample.inputs.values()
        return str(image.content_key())

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
        """Train every member, the baseline and the gate, and export ONNX into ``run/model``."""
        from suwen.engines.image.fit import fit

        return fit(task, parts, settings, run, seed=seed, progress=progress)

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
        """Search learning rate, width, decay and augmentation with Optuna, on validation loss."""
        from suwen.engines.image.sweep import sweep

        return sweep(task, parts, settings, run, trials=trials, seed=seed, progress=progress)

    def load(self, task: Task, folder: Path, manifest: Mapping[str, Any]) -> ServedModel:
        """Open a verified bundle on ONNX Runtime."""
        from suwen.engines.image.model import ImageModel

        return ImageModel(task, folder, manifest)


engine: Engine = ImageEngine()
