"""Train the hourly networks of one fold, each resumable at every epoch, and export them as one graph of a step."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning as L  # noqa: N812 (Lightning's own convention)
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from suwen.core.documents import write_bytes
from suwen.core.engine import Progress, Units
from suwen.core.errors import Refused
from suwen.engines.hourly import calibrated
from suwen.engines.hourly.aim import halves, lesson, platt
from suwen.engines.hourly.encoding import fit_encoding
from suwen.engines.hourly.grid import Hours
from suwen.engines.hourly.serve import ENCODING, GRAPH, HourlyNetworkMember, segments
from suwen.engines.loop.optimiser import optimiser
from suwen.engines.loop.trainer import CHECKPOINT, run, trainer
from suwen.engines.series.export import export
from suwen.engines.series.module import hidden
from suwen.engines.series.networks import StepNetwork, build

if TYPE_CHECKING:
    from suwen.engines.hourly.recurrent import HourlyNetwork

Array = NDArray[np.float32]
Ints = NDArray[np.int64]
EXPORT_TOLERANCE = 1e-4
"""Largest difference between torch's whole sequence and ONNX Runtime's steps that an export may show."""
_CHECKED = 32


class HourlyModule(L.LightningModule):  # type: ignore[misc]
    """Weighted cross-entropy of every hour; whole sensors are hidden at random."""

    def __init__(
        self, network: StepNetwork, *, chosen: Mapping[str, Any], moving: int, steps: int, seed: int
    ):
        super().__init__()
        self.network, self.chosen, self.moving = network, chosen, moving
        self.steps, self.seed = steps, seed

    def on_train_epoch_start(self) -> None:
        """Seed this epoch's dropout and hiding, so that a resumed training draws the same."""
        torch.manual_seed(int(np.random.SeedSequence([self.seed, self.current_epoch]).generate_state(1)[0]))

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor], _: int) -> Tensor:
        """Loss of one batch: inputs (n, T, F), classes and weights (n, T); weight 0 where there is no hour."""
        x, target, weight = batch
        answers = self.network(hidden(x, self.moving, self.chosen["hide"]))[..., 0]
        each = nn.functional.binary_cross_entropy_with_logits(answers, target, reduction="none")
        loss: Tensor = (each * weight).sum() / len(x)
        self.log("training_loss", loss, on_step=False, on_epoch=True, batch_size=len(x))
        return loss

    def configure_optimizers(self) -> Any:
        """AdamW, a warm-up, a cosine to zero."""
        return optimiser(
            self.network,
            learning_rate=self.chosen["learning_rate"],
            weight_decay=self.chosen["weight_decay"],
            steps=self.steps,
        )


class Stretches:
    """Batches of stretches of stays, drawn at random: batches of like length would be batches of like risk."""

    def __init__(self, x: Array, target: Array, weight: Array, where: Ints, *, size: int, seed: int) -> None:
        self.x, self.target, self.weight, self.where = x, target, weight, where
        self.size, self.seed = min(size, len(where)), seed
        self.epoch: Callable[[], int] = lambda: 0

    def __len__(self) -> int:
        return max(1, len(self.where) // self.size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        order = np.random.default_rng([self.seed, self.epoch()]).permutation(len(self.where))
        for number in range(len(self)):
            end = len(order) if number == len(self) - 1 else (number + 1) * self.size
            yield self._batch(self.where[order[number * self.size : end]])

    def _batch(self, where: Ints) -> tuple[Tensor, Tensor, Tensor]:
        first, length = where[:, 0], where[:, 1]
        steps = np.arange(int(length.max()))
        inside = steps < length[:, None]
        rows = np.where(inside, first[:, None] + steps, first[:, None])
        parts = (self.x[rows] * inside[..., None], self.target[rows], self.weight[rows] * inside)
        x, target, weight = (torch.from_numpy(part.astype(np.float32)) for part in parts)
        return x, target, weight


def fit(
    learner: HourlyNetwork,
    design: Hours,
    units: Units,
    folder: Path,
    *,
    settings: Mapping[str, Any],
    seed: int,
    progress: Progress,
) -> None:
    """Write ``net.onnx``, ``encoding.npz`` and ``hourly.json`` into ``folder``.

    Every network is trained without one part of the stays, on which the two numbers are fitted that turn scores
    into log-odds.

    Raises
    ------
    Refused
        When the exported steps do not reproduce the network (code ``export-differs``).
    """
    chosen = learner.settings(settings)
    torch.set_num_threads(settings.get("threads") or 1)
    encoding = fit_encoding(design)
    x = encoding.features(design)
    target, weight = _taught(units, by_utility=learner.by_utility)
    part = halves(units, chosen["parts"], seed)
    starts = design.starts
    where = segments(starts, len(x), chosen["segment"])
    moving = design.value.shape[1]
    networks, held = [], np.full(len(x), np.nan)
    for bag in range(chosen["bags"]):
        out = part[units.owner] == bag % chosen["parts"]
        batches = Stretches(
            x, target, weight, where[~out[where[:, 0]]], size=chosen["batch_size"], seed=seed * 100 + bag
        )
        network = build(
            learner.cell, features=x.shape[1], outputs=1, width=chosen["width"],
            dropout=chosen["dropout"], moving=moving,
        )  # fmt: skip
        name = f"{learner.name} {bag + 1}/{chosen['bags']}"
        networks.append(_train(network, batches, folder / f"bag{bag}", chosen, moving, progress, name))
        held[out] = _answers(networks[-1], x, design, np.flatnonzero(part == bag % chosen["parts"]))
    judged = np.isfinite(held) & (units.target >= 0)
    intercept, slope = platt(held[judged], units.target[judged], np.ones(int(judged.sum())))
    buffer = io.BytesIO()
    np.savez(buffer, **encoding.arrays())  # type: ignore[arg-type]  # arrays by name
    write_bytes(folder / ENCODING, buffer.getvalue())
    size = export(networks, x.shape[1], folder / GRAPH)
    more = {"state": size, "features": x.shape[1], "settings": chosen}
    calibrated.write(folder, calibrated.Facts(intercept=intercept, slope=slope, more=more))
    _check(networks, x, design, folder)
    for bag in range(chosen["bags"]):
        for path in (folder / f"bag{bag}").iterdir():
            path.unlink()
        (folder / f"bag{bag}").rmdir()


def _taught(units: Units, *, by_utility: bool) -> tuple[Array, Array]:
    """Class and weight of every hour, (u,); weight 0 where nothing is to be learned, else of mean 1."""
    taught = lesson(units, keep=1.0, seed=0, by_utility=by_utility)
    target, weight = np.zeros(len(units), np.float32), np.zeros(len(units), np.float32)
    target[taught.rows], weight[taught.rows] = taught.target, taught.weight
    # Divided by the mean stretch, so that the loss of a stretch is about that of an hour.
    return target, weight / np.float32(max(1.0, len(units) / (int(units.owner[-1]) + 1)))


def _train(
    network: StepNetwork,
    batches: Stretches,
    folder: Path,
    chosen: dict[str, Any],
    moving: int,
    progress: Progress,
    title: str,
) -> StepNetwork:
    """Train one network, or take it from where it finished or stopped."""
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / "weights.npz"
    if done.exists():
        with np.load(done, allow_pickle=False) as arrays:
            network.load_state_dict({key: torch.from_numpy(arrays[key]) for key in arrays.files})
        return network.eval()
    L.seed_everything(batches.seed, verbose=False)
    for module in network.modules():
        again = getattr(module, "reset_parameters", None)
        if callable(again):
            again()
    loop = trainer(chosen, folder, progress, title)
    batches.epoch = lambda: loop.current_epoch
    steps = len(batches) * chosen["epochs"]
    module = HourlyModule(network, chosen=chosen, moving=moving, steps=steps, seed=batches.seed)
    run(loop, module, batches, None, folder)
    buffer = io.BytesIO()
    np.savez(buffer, **{key: value.cpu().numpy() for key, value in network.state_dict().items()})
    write_bytes(done, buffer.getvalue())
    (folder / CHECKPOINT).unlink(missing_ok=True)
    return network.cpu().eval()


def _answers(network: StepNetwork, x: Array, design: Hours, stays: Ints) -> NDArray[np.float64]:
    """Scores of every hour of these stays, in order, by whole sequences in torch."""
    starts = design.starts
    length = np.diff(np.append(starts, len(x)))[stays]
    out: list[NDArray[np.float64]] = [np.zeros(0)] * len(stays)
    order = np.argsort(length, kind="stable")
    with torch.no_grad():
        for at in range(0, len(order), 64):
            some = order[at : at + 64]
            where = np.stack([starts[stays[some]], length[some]], axis=1)
            batch = Stretches(x, x[:, 0], x[:, 0], where, size=len(where), seed=0)._batch(where)[0]
            answers = network(batch)[..., 0].numpy().astype(np.float64)
            for row, stay in enumerate(some):
                out[stay] = answers[row, : length[stay]]
    return np.concatenate(out)


def _check(networks: list[StepNetwork], x: Array, design: Hours, folder: Path) -> None:
    stays = np.arange(min(_CHECKED, len(design.starts)))
    few = design.take(stays)
    expected = np.mean([_answers(network, x, design, stays) for network in networks], axis=0)
    got = HourlyNetworkMember(folder, "").course(x[: len(few)], few.starts)
    gap = float(np.abs(got - expected).max())
    if gap > EXPORT_TOLERANCE:
        raise Refused(
            f"the exported steps differ from the network by {gap:.1e}",
            fix=f"At most {EXPORT_TOLERANCE:.0e} is allowed; report the network and its settings",
            code="export-differs",
        )
