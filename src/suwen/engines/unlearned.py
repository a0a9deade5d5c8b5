"""What engines that learn nothing share: nothing to prepare, nothing to cheat with, nothing to tune."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from suwen.core.engine import Parts, Progress
from suwen.core.sample import Sample
from suwen.core.task import Task
from suwen.formats import fingerprint


class Unlearned:
    """The part of :class:`suwen.core.engine.Engine` that published tables and computed answers have in common.

    Attributes
    ----------
    nothing
        Why there is nothing to learn; said in place of training's progress and kept in the manifest.
    """

    nothing: ClassVar[str]

    def check_ready(self) -> None:
        """Nothing beyond the base install is needed to decide: what answering needs, the task asks for."""

    def views(self, sample: Sample) -> Mapping[str, Any]:
        """No trivial vectors: there is no learner that could cheat with them."""
        return {}

    def content_key(self, sample: Sample) -> str:
        """Hash of what was observed or asked."""
        return fingerprint.content_key(sample)

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
        """Return the settings as they are: people decide them, no search does."""
        progress(self.nothing)
        return dict(settings)
