"""The training loop of the house: its schedule, what decays, its checkpoint and its bar."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import lightning as L  # noqa: N812
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from suwen.engines.loop.callbacks import Bar
from suwen.engines.loop.optimiser import cosine, optimiser
from suwen.engines.loop.trainer import CHECKPOINT, run, trainer


class Straight(L.LightningModule):  # type: ignore[misc]
    """A line through points."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.line = nn.Linear(2, 1)
        self.seen: list[int] = []

    def training_step(self, batch: Any, _: int) -> Any:
        x, y = batch
        self.seen.append(self.current_epoch)
        loss = ((self.line(x) - y) ** 2).mean()
        self.log("training_loss", loss, on_step=False, on_epoch=True)
        return loss

    def configure_optimizers(self) -> Any:
        return optimiser(self, learning_rate=0.05, weight_decay=0.01, steps=40)


def points() -> Any:
    torch.manual_seed(1)
    x = torch.randn(32, 2)
    return DataLoader(TensorDataset(x, x.sum(1, keepdim=True)), batch_size=8)


def test_the_rate_rises_then_falls_along_a_cosine() -> None:
    factors = [cosine(step, 100) for step in range(100)]
    assert factors[0] == pytest.approx(0.1)
    assert factors[9] == pytest.approx(1.0)
    assert max(factors) == 1.0
    assert all(a >= b for a, b in pairwise(factors[9:]))
    assert factors[55] == pytest.approx(0.5, abs=0.01)
    assert cosine(100, 100) == pytest.approx(0, abs=1e-9)
    assert cosine(0, 1) == 1.0


def test_biases_and_norms_do_not_decay() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4))
    groups = optimiser(model, learning_rate=0.1, weight_decay=0.2, steps=10)["optimizer"].param_groups
    assert [group["weight_decay"] for group in groups] == [0.2, 0.0]
    assert [len(group["params"]) for group in groups] == [1, 3]


def test_a_training_taken_up_ends_with_the_same_weights(tmp_path: Path) -> None:
    lines: list[str] = []
    for name in ("whole", "cut"):
        (tmp_path / name).mkdir()
    whole = Straight()
    run(
        trainer({"epochs": 10}, tmp_path / "whole", lines.append, "line"),
        whole,
        points(),
        None,
        tmp_path / "whole",
    )
    assert lines[0].startswith("line epoch 1/10 training loss ")
    assert len(lines) == 10
    assert (tmp_path / "whole" / CHECKPOINT).exists()
    assert {path.name for path in (tmp_path / "whole").iterdir()} == {CHECKPOINT}, (
        "and no folder of Lightning's"
    )

    first = Straight()
    loop = trainer({"epochs": 10}, tmp_path / "cut", lambda _: None, "line")
    stop: Any = first.on_train_epoch_start

    def begin() -> None:
        stop()
        if first.current_epoch == 4:
            raise KeyboardInterrupt

    first.on_train_epoch_start = begin  # type: ignore[method-assign]
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        run(loop, first, points(), None, tmp_path / "cut")
    second = Straight()
    run(
        trainer({"epochs": 10}, tmp_path / "cut", lambda _: None, "line"),
        second,
        points(),
        None,
        tmp_path / "cut",
    )
    assert min(second.seen) == 4
    for a, b in zip(whole.parameters(), second.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_patience_stops_and_a_stopped_run_is_not_trained_on(tmp_path: Path) -> None:
    class Stuck(Straight):
        def validation_step(self, batch: Any, _: int) -> None:
            self.log("validation_loss", 1.0)

    lines: list[str] = []
    loop = trainer({"epochs": 20, "patience": 2}, tmp_path, lines.append, "line")
    run(loop, Stuck(), points(), points(), tmp_path)
    assert loop.should_stop
    assert len(lines) == 3
    assert all("validation loss 1.0000" in line for line in lines)
    again: list[str] = []
    taken_up = Stuck()
    run(
        trainer({"epochs": 20, "patience": 2}, tmp_path, again.append, "line"),
        taken_up,
        points(),
        points(),
        tmp_path,
    )
    assert len(again) == 1, "the epoch at which patience ran out, and no further"


def test_a_bar_is_shown_only_where_somebody_watches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quiet = trainer({"epochs": 1}, tmp_path, lambda _: None, "line")
    assert not [one for one in quiet.callbacks if isinstance(one, Bar)]
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    watched = trainer({"epochs": 1}, tmp_path, lambda _: None, "line")
    assert [one for one in watched.callbacks if isinstance(one, Bar)]
    run(watched, Straight(), points(), None, tmp_path)
    assert (tmp_path / CHECKPOINT).exists()


def test_settings_reach_lightning(tmp_path: Path) -> None:
    loop = trainer({"epochs": 3, "clip": 0.5, "devices": "1"}, tmp_path, lambda _: None, "line")
    assert loop.max_epochs == 3
    assert loop.gradient_clip_val == 0.5
    assert loop.num_devices == 1
    assert trainer({"epochs": 1}, tmp_path, lambda _: None, "line").gradient_clip_val == 5.0
