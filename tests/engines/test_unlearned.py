"""Engines that learn nothing: what they share."""

from __future__ import annotations

from pathlib import Path

import pytest

from suwen.core.engine import Engine, Parts
from suwen.engines.rules.engine import engine as rules
from suwen.engines.solver.engine import engine as solver
from suwen.engines.unlearned import Unlearned
from suwen.lifecycle.discovery import find


@pytest.mark.parametrize(
    ("engine", "task"), [(rules, "signals.deterioration"), (solver, "surgery.path")], ids=["rules", "solver"]
)
def test_a_sweep_changes_nothing_and_says_why(engine: Engine, task: str, tmp_path: Path) -> None:
    said: list[str] = []
    given = {"seed": 3, "anything": 1.5}
    parts = Parts(train=(), validation=(), groups=())
    found = engine.sweep(find(task), parts, given, tmp_path, trials=9, seed=1, progress=said.append)
    assert isinstance(engine, Unlearned)
    assert found == given and found is not given
    assert said == [engine.nothing] and engine.nothing.startswith("nothing to learn")
    assert not list(tmp_path.iterdir())
