"""Training one member: scaled on its own stays, the seed decides, a kill loses no epoch, a wrong export is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from suwen.core.documents import read_json
from suwen.core.engine import Units
from suwen.core.errors import Refused
from suwen.engines.loop.callbacks import EveryEpoch
from suwen.engines.series import export as exporting
from suwen.engines.series import fit as fitting
from suwen.engines.series.grid import Grid, carried
from suwen.engines.series.learner import DEFAULTS, Network
from suwen.engines.series.module import Sequences, hidden
from suwen.engines.series.scaling import fit_scaling
from suwen.engines.series.serve import SeriesMember

CONTEXT = {"classes": ["well", "ill"]}
SETTINGS = {"epochs": 3, "width": 6, "learning_rate": 0.02, "threads": 1}


class Killed(BaseException):
    """Stands for a signal 9."""


def cohort(n: int = 96, steps: int = 8) -> tuple[Grid, Units]:
    """The ill have a first variable that rises."""
    rng = np.random.default_rng(0)
    truth = np.arange(n) % 2
    means = rng.normal(size=(n, steps, 2)).astype(np.float32)
    means[..., 0] += truth[:, None] * np.linspace(0, 3, steps)
    means[rng.random(means.shape) < 0.3] = np.nan
    value, seen, since = carried(means, 1.0)
    static = rng.normal(size=(n, 1)).astype(np.float32)
    made = Grid(value=value, seen=seen, since=since, static=static, end=np.full(n, steps - 1))
    return made, Units(owner=np.arange(n), hour=np.zeros(n), target=truth.astype(np.int64))


def train(
    folder: Path, cell: str = "gru", *, seed: int = 1, said: list[str] | None = None, **settings: Any
) -> SeriesMember:
    folder.mkdir(parents=True, exist_ok=True)
    design, units = cohort()
    learner = Network(cell=cell, steps=8, static=("Age",), recipe=(("batch_size", 16),))
    tell = (said if said is not None else []).append
    learner.fit(
        None, design, units, folder,  # type: ignore[arg-type]  # nothing is asked of the task
        settings={**SETTINGS, **settings}, context=CONTEXT, seed=seed, progress=tell,
    )  # fmt: skip
    return learner.open(None, folder, "", CONTEXT)  # type: ignore[arg-type]


def test_it_learns_and_leaves_three_flat_files(tmp_path: Path) -> None:
    member = train(tmp_path, epochs=6)
    assert {path.name for path in tmp_path.iterdir()} == {"net.onnx", "net.json", "scaling.npz"}
    design, units = cohort()
    scores = member.scores(design)
    assert scores.shape == (96, 2)
    assert ((scores[:, 1] > scores[:, 0]) == (units.target == 1)).mean() > 0.8
    facts = read_json(tmp_path / "net.json")
    assert (facts["steps"], facts["classes"], facts["features"]) == (8, 2, 3 * 2 + 1 + 1)
    assert facts["settings"]["width"] == 6
    assert facts["settings"]["dropout"] == DEFAULTS["dropout"]


@pytest.mark.parametrize("cell", ["gru", "gru_d", "lstm", "tcn"])
def test_every_kind_of_cell_trains_and_serves(cell: str, tmp_path: Path) -> None:
    member = train(tmp_path, cell, epochs=1)
    design, _ = cohort()
    assert np.isfinite(member.scores(design)).all()


def test_scaling_knows_the_training_stays_alone(tmp_path: Path) -> None:
    member = train(tmp_path, epochs=1)
    design, _ = cohort()
    np.testing.assert_array_equal(member.scaling.value, fit_scaling(design).value)


def test_an_unknown_class_is_not_learned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    real = fitting.Sequences

    def watched(x: Any, y: Any, **named: Any) -> Any:
        seen.extend(y.tolist())
        return real(x, y, **named)

    monkeypatch.setattr(fitting, "Sequences", watched)
    design, units = cohort()
    hidden_units = Units(
        owner=units.owner, hour=units.hour, target=np.where(np.arange(96) < 10, -1, units.target)
    )
    Network(cell="gru", steps=8, static=("Age",)).fit(
        None, design, hidden_units, tmp_path,  # type: ignore[arg-type]
        settings={**SETTINGS, "epochs": 1}, context=CONTEXT, seed=0, progress=lambda _: None,
    )  # fmt: skip
    assert sorted(set(seen)) == [0, 1]
    assert len(seen) == 86


def _graph(folder: Path) -> bytes:
    return (folder / "net.onnx").read_bytes()


def test_the_seed_decides(tmp_path: Path) -> None:
    train(tmp_path / "a")
    train(tmp_path / "b")
    train(tmp_path / "c", seed=2)
    assert _graph(tmp_path / "a") == _graph(tmp_path / "b") != _graph(tmp_path / "c")


@pytest.mark.parametrize("spot", ["between epochs", "between bags", "before the export"])
def test_a_killed_training_ends_as_if_nothing_had_happened(
    spot: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(tmp_path / "whole", bags=2)
    with monkeypatch.context() as patch:
        _arm(patch, spot)
        with pytest.raises(Killed):
            train(tmp_path / "cut", bags=2)
    assert not (tmp_path / "cut" / "net.json").exists()
    said: list[str] = []
    train(tmp_path / "cut", bags=2, said=said)
    assert _graph(tmp_path / "cut") == _graph(tmp_path / "whole")
    left = {"between epochs": 2 + 3, "between bags": 3, "before the export": 0}
    assert len(said) == left[spot], "finished epochs are not trained again"
    assert {path.name for path in (tmp_path / "cut").iterdir()} == {"net.onnx", "net.json", "scaling.npz"}


def _arm(patch: pytest.MonkeyPatch, spot: str) -> None:
    def die(*_: Any, **__: Any) -> None:
        raise Killed

    if spot == "before the export":
        patch.setattr(fitting, "export", die)
        return
    real_end: Callable[..., None] = EveryEpoch.on_train_epoch_end
    real_train, started = fitting._train, []

    def end(self: Any, trainer: Any, module: Any) -> None:
        real_end(self, trainer, module)
        if spot == "between epochs" and trainer.current_epoch == 0:
            raise Killed

    def counted(*args: Any, **named: Any) -> Any:
        started.append(1)
        if spot == "between bags" and len(started) == 2:
            raise Killed
        return real_train(*args, **named)

    patch.setattr(EveryEpoch, "on_train_epoch_end", end)
    patch.setattr(fitting, "_train", counted)


def test_an_export_that_differs_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = exporting.Bagged.forward

    def off(self: Any, x: Any, state: Any) -> Any:
        logits, after = real(self, x, state)
        return logits + 0.01, after

    monkeypatch.setattr(exporting.Bagged, "forward", off)
    with pytest.raises(Refused) as refused:
        train(tmp_path, epochs=1)
    assert refused.value.code == "export-differs"
    assert refused.value.fix


def test_what_is_set_goes_before_the_recipe_and_that_before_the_defaults() -> None:
    learner = Network(cell="gru", steps=8, recipe=(("width", 32), ("dropout", 0.1)))
    chosen = learner.settings({"width": None, "epochs": 2})
    assert chosen == {**DEFAULTS, "width": 32, "dropout": 0.1, "epochs": 2}
    assert learner.settings({"width": 4})["width"] == 4
    assert learner.name == "gru"


def test_hidden_sensors_look_as_if_never_measured() -> None:
    torch.manual_seed(0)
    moving, rest = 5, 3
    x = torch.rand(200, 4, 3 * moving + rest) + 0.1
    out = hidden(x, moving, 0.4)
    value, seen, since, static = out.split([moving, moving, moving, rest], 2)
    gone = (seen == 0).all(1)
    assert 0.3 < gone.float().mean() < 0.5
    everywhere = gone[:, None].expand_as(seen)
    assert (value[everywhere] == 0).all()
    assert (since[everywhere] == 1).all(), "the longest time since"
    kept = ~everywhere
    assert (value[kept] == x[..., :moving][kept]).all()
    assert (static == x[..., 3 * moving :]).all(), "a descriptor is no sensor"
    assert hidden(x, moving, 0.0) is x


def test_nobody_is_left_out_of_an_epoch_and_the_order_is_the_seeds() -> None:
    x, y = np.arange(23, dtype=np.float32)[:, None, None], np.arange(23)
    batches = Sequences(x, y, size=5, seed=3)
    first = [part.tolist() for _, part in batches]
    assert sorted(number for part in first for number in part) == list(range(23))
    assert [len(part) for part in first] == [5, 5, 5, 8]
    assert [part.tolist() for _, part in batches] == first
    batches.epoch = lambda: 1
    assert [part.tolist() for _, part in batches] != first
    assert len(Sequences(x[:3], y[:3], size=64, seed=0)) == 1
