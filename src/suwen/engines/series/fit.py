"""Train the networks of one fold, each resumable at every epoch, and export them as one graph."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning as L  # noqa: N812 (Lightning's own convention)
import numpy as np
import torch
from numpy.typing import NDArray

from suwen.core.documents import write_bytes, write_json
from suwen.core.engine import Progress, Units
from suwen.core.errors import Refused
from suwen.engines.loop.trainer import CHECKPOINT, run, trainer
from suwen.engines.series.export import export
from suwen.engines.series.grid import Grid
from suwen.engines.series.module import Sequences, SeriesModule
from suwen.engines.series.networks import StepNetwork, build
from suwen.engines.series.scaling import fit_scaling

if TYPE_CHECKING:
    from suwen.engines.series.learner import Network

GRAPH, SCALING, FACTS = "net.onnx", "scaling.npz", "net.json"
EXPORT_TOLERANCE = 1e-4
"""Largest difference between torch's whole sequence and ONNX Runtime's steps that an export may show."""


def fit(
    learner: Network,
    design: Grid,
    units: Units,
    folder: Path,
    *,
    settings: Mapping[str, Any],
    context: Mapping[str, Any],
    seed: int,
    progress: Progress,
) -> None:
    """Write ``net.onnx``, ``scaling.npz`` and ``net.json`` into ``folder``.

    Raises
    ------
    Refused
        When the exported steps do not reproduce the network (code ``export-differs``).
    """
    chosen = learner.settings(settings)
    torch.set_num_threads(settings["threads"])
    scaling = fit_scaling(design)
    known = np.flatnonzero(units.target >= 0)
    x = scaling.features(design.take(known))
    y = np.asarray(units.target[known], np.int64)
    moving, features, outputs = design.value.shape[2], x.shape[2], len(context["classes"])
    networks = []
    for bag in range(chosen["bags"]):
        network = build(
            learner.cell, features=features, outputs=outputs, width=chosen["width"],
            dropout=chosen["dropout"], moving=moving,
        )  # fmt: skip
        title = f"{learner.name} {bag + 1}/{chosen['bags']}" if chosen["bags"] > 1 else learner.name
        networks.append(
            _train(network, x, y, folder / f"bag{bag}", chosen, moving, seed * 100 + bag, progress, title)
        )
    buffer = io.BytesIO()
    arrays: dict[str, Any] = dict(scaling.arrays())
    np.savez(buffer, **arrays)
    write_bytes(folder / SCALING, buffer.getvalue())
    size = export(networks, features, folder / GRAPH)
    facts = {
        "steps": learner.steps, "step_h": learner.step_h, "state": size, "classes": outputs,
        "features": features, "settings": chosen,
    }  # fmt: skip
    write_json(folder / FACTS, facts)
    _check(networks, x[:32], folder)
    for bag in range(chosen["bags"]):
        for path in (folder / f"bag{bag}").iterdir():
            path.unlink()
        (folder / f"bag{bag}").rmdir()


def _train(
    network: StepNetwork,
    x: NDArray[np.float32],
    y: NDArray[np.int64],
    folder: Path,
    chosen: dict[str, Any],
    moving: int,
    seed: int,
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
    L.seed_everything(seed, verbose=False)
    for part in network.modules():  # drawn anew under this member's own seed
        reset: Any = getattr(part, "reset_parameters", None)
        if reset is not None:
            reset()
    loop = trainer(chosen, folder, progress, title)
    batches = Sequences(x, y, size=chosen["batch_size"], seed=seed)
    batches.epoch = lambda: loop.current_epoch
    module = SeriesModule(
        network, settings=chosen, moving=moving, steps=len(batches) * chosen["epochs"], seed=seed
    )
    run(loop, module, batches, None, folder)
    buffer = io.BytesIO()
    np.savez(buffer, **{key: value.cpu().numpy() for key, value in network.state_dict().items()})
    write_bytes(done, buffer.getvalue())
    (folder / CHECKPOINT).unlink(missing_ok=True)
    return network.cpu().eval()


def _check(networks: list[StepNetwork], x: NDArray[np.float32], folder: Path) -> None:
    from suwen.engines.series.serve import SeriesMember

    with torch.no_grad():
        expected = torch.stack([network(torch.from_numpy(x)) for network in networks]).mean(0).numpy()
    gap = float(np.abs(SeriesMember(folder, "").course(x) - expected).max())
    if gap > EXPORT_TOLERANCE:
        raise Refused(
            f"the exported steps differ from the network by {gap:.1e}",
            fix=f"At most {EXPORT_TOLERANCE:.0e} is allowed; report the network and its settings",
            code="export-differs",
        )
