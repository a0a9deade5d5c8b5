"""The network over waveforms: it learns shapes, serves without torch, and resumes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.engine import Units
from suwen.core.errors import BadInput, Unreadable
from suwen.engines.linear.table import Table
from suwen.engines.series.waveform import Waveform

torch = pytest.importorskip("torch")

QUICK = Waveform(recipe=(("epochs", 12), ("width", 8)))


def waves(n: int = 120, seed: int = 0) -> tuple[Table, Any]:
    """A bump early, late, or both, somewhere in noise."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    time = np.arange(140)
    x = rng.normal(0, 0.3, size=(n, 140))
    for row, label in zip(x, labels, strict=True):
        for side, centre in enumerate((35, 105)):
            if label in (side, 2):
                row[:] += 3 * np.exp(-(((time - centre - rng.integers(-6, 7)) / 6) ** 2))
    x = (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)
    return Table(x.astype(np.float32), tuple(f"s{i}" for i in range(140))), labels


def learned(table: Table, labels: Any, folder: Path, classes: int = 3) -> Any:
    units = Units(owner=np.arange(len(labels)), hour=np.zeros(len(labels)), target=labels)
    context = {"classes": [str(k) for k in range(classes)]}
    task: Any = None
    QUICK.fit(
        task, table, units, folder, settings={"threads": 1}, context=context, seed=0, progress=lambda _: None
    )
    for path in list(folder.iterdir()):
        path.rename(folder / f"tcn.0.{path.name}")
    return QUICK.open(task, folder, "tcn.0.", context)


def test_it_learns_shapes_wherever_they_are_and_serves_from_two_files(tmp_path: Path) -> None:
    table, labels = waves()
    member = learned(table.take(np.arange(90)), labels[:90], tmp_path)
    scores = member.scores(table.take(np.arange(90, 120)))
    assert scores.shape == (30, 3)
    assert (scores.argmax(1) == labels[90:]).mean() > 0.85
    assert sorted(p.name for p in tmp_path.iterdir()) == ["tcn.0.wave.json", "tcn.0.wave.onnx"]


def test_rows_are_answered_alike_alone_and_together_and_by_name(tmp_path: Path) -> None:
    table, labels = waves(60)
    member = learned(table, labels, tmp_path)
    scores = member.scores(table)
    alone = np.concatenate([member.scores(table.take(np.array([i]))) for i in range(5)])
    np.testing.assert_allclose(alone, scores[:5], atol=1e-5)
    np.testing.assert_allclose(member.scores(Table(table.x[:, ::-1], table.names[::-1])), scores, atol=1e-6)
    assert member.scores(table.take(np.array([], np.int64))).shape == (0, 3)
    gone = table.x[:1].copy()
    gone[0, :10] = np.nan
    assert np.isfinite(member.scores(Table(gone, table.names))).all()
    with pytest.raises(BadInput):
        member.scores(Table(table.x[:, :100], table.names[:100]))


def test_a_class_that_was_not_seen_is_unlikely_and_unknown_labels_are_left_out(tmp_path: Path) -> None:
    table, labels = waves(60)
    labels = np.where(labels == 2, -1, labels)
    member = learned(table, labels, tmp_path)
    known = labels >= 0
    assert (member.scores(table)[known].argmax(1) != 2).all()


def test_a_graph_carries_no_path_of_the_training_machine(tmp_path: Path) -> None:
    table, labels = waves(30)
    learned(table, labels, tmp_path)
    assert b"site-packages" not in (tmp_path / "tcn.0.wave.onnx").read_bytes()
    assert json.loads((tmp_path / "tcn.0.wave.json").read_text())["columns"][:2] == ["s0", "s1"]


def test_a_damaged_file_is_a_typed_error(tmp_path: Path) -> None:
    task: Any = None
    with pytest.raises(Unreadable):
        QUICK.open(task, tmp_path, "tcn.0.", {})
    (tmp_path / "tcn.0.wave.json").write_text("[]")
    with pytest.raises(Unreadable):
        QUICK.open(task, tmp_path, "tcn.0.", {})
    (tmp_path / "tcn.0.wave.json").write_text('{"columns": ["s0"]}')
    (tmp_path / "tcn.0.wave.onnx").write_bytes(b"no graph")
    with pytest.raises(Unreadable):
        QUICK.open(task, tmp_path, "tcn.0.", {})
