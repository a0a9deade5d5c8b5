"""The solver engine: a protocol is written, kept to, and refused where it lacks what this version needs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from suwen.core.documents import read_json, write_json
from suwen.core.errors import Conflict, MissingExtra
from suwen.engines.solver.engine import PROTOCOL, engine, write
from suwen.engines.solver.model import SolverModel
from suwen.lifecycle import models
from suwen.lifecycle.bundle import open_bundle, seal
from suwen.lifecycle.discovery import find

TASK = find("surgery.registration")


def test_a_protocol_is_written_whole_and_read_back(tmp_path: Path) -> None:
    facts = write(TASK, {"fle_mm": 0.4}, tmp_path)  # type: ignore[arg-type]
    stored = read_json(tmp_path / PROTOCOL)
    assert stored["protocol"]["fle_mm"] == facts["settings"]["fle_mm"] == 0.4
    assert set(stored["protocol"]) == {one.name for one in TASK.protocol} == set(stored["meanings"])
    served = engine.load(TASK, tmp_path, {})
    assert served.protocol == stored["protocol"]  # type: ignore[attr-defined]


def test_an_old_protocol_is_a_conflict_and_no_traceback(home: Path, tmp_path: Path) -> None:
    shipped = models.shipped(TASK.name)
    assert shipped is not None
    old = tmp_path / "old"
    old.mkdir()
    manifest = open_bundle(shipped)
    stored = read_json(shipped / PROTOCOL)
    del stored["protocol"]["fle_mm"]
    write_json(old / PROTOCOL, stored)
    (old / "card.md").write_text("card", "utf-8")
    seal(old, {key: value for key, value in manifest.items() if key != "files"})
    with pytest.raises(Conflict) as refused:
        models.load(TASK, old)
    assert refused.value.code == "old-bundle"


def test_times_are_no_part_of_a_version() -> None:
    served = SolverModel(TASK, {})  # type: ignore[arg-type]
    rows = served.untimed(np.ones((3, len(TASK.figures))))  # type: ignore[attr-defined]
    timed = [figure.timed for figure in TASK.figures]  # type: ignore[attr-defined]
    assert np.isnan(rows[:, timed]).all()
    assert (rows[:, [not one for one in timed]] == 1).all()


def test_a_missing_package_is_named_before_anything_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suwen.engines.solver.model.find_spec", lambda _: None)
    with pytest.raises(MissingExtra) as refused:
        SolverModel(TASK, {}).gates([])  # type: ignore[arg-type]
    assert "suwen[surgery]" in str(refused.value)
