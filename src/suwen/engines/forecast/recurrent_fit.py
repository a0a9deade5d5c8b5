"""Train the recurrent networks of one fold, each resumable at every epoch, and export them as one graph."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import lightning as L  # noqa: N812 (Lightning's own convention)
import numpy as np
import torch
from torch import Tensor, nn

from suwen.core.documents import write_bytes, write_json
from suwen.core.engine import Progress, Units
from suwen.core.errors import Refused
from suwen.engines.forecast.channels import fit_channels
from suwen.engines.forecast.design import Origins, changes
from suwen.engines.forecast.network import Array, Batches, ForecastModule, WindowNetwork
from suwen.engines.forecast.recurrent import FILE, GRAPH
from suwen.engines.loop.trainer import CHECKPOINT, run, trainer
from suwen.engines.onnx.session import open_session

OPSET = 17
INPUTS, OUTPUT = ("window", "known"), "change"
EXPORT_TOLERANCE = 1e-4
"""Largest difference between torch and ONNX Runtime, in standard deviations of the change."""


def fit(
    design: Origins,
    units: Units,
    folder: Path,
    *,
    chosen: Mapping[str, Any],
    threads: int,
    title: str,
    seed: int,
    progress: Progress,
) -> None:
    """Write ``recurrent.onnx`` and ``recurrent.json`` into ``folder``.

    Parameters
    ----------
    design, units
        Origins and what followed them; those of which nothing followed are left out.
    chosen
        As :data:`suwen.engines.forecast.recurrent.DEFAULTS`.
    threads
        Of torch.
    title, progress
        Told of every epoch, under this name.
    seed
        Of the weights, the order and the dropout.

    Raises
    ------
    BadInput
        ``no-future`` when a horizon is never followed by a reading.
    Refused
        ``export-differs`` when the exported graph does not reproduce the network.
    """
    torch.set_num_threads(threads)
    change = changes(design, units)
    known = np.flatnonzero(~np.isnan(change).all(1))
    arrays = {name: array[known] for name, array in design.arrays.items()}
    channels = fit_channels(arrays, design.names, change[known])
    window, features = channels.inputs(arrays)
    y = (change[known] / channels.change).astype(np.float32)

    def make() -> WindowNetwork:
        sizes = window.shape[2], features.shape[1], y.shape[1]
        return WindowNetwork(*sizes, width=chosen["width"], dropout=chosen["dropout"])

    networks = []
    for bag in range(chosen["bags"]):
        named = f"{title} {bag + 1}/{chosen['bags']}" if chosen["bags"] > 1 else title
        parts = (window, features, y)
        networks.append(_train(make, parts, folder / f"bag{bag}", chosen, seed * 100 + bag, progress, named))
    _export(networks, window[:2], features[:2], folder / GRAPH)
    write_json(folder / FILE, {**channels.document(), "settings": dict(chosen)})
    _check(networks, window[:256], features[:256], folder / GRAPH)
    for bag in range(chosen["bags"]):
        for path in (folder / f"bag{bag}").iterdir():
            path.unlink()
        (folder / f"bag{bag}").rmdir()


def _train(
    make: Callable[[], WindowNetwork],
    parts: tuple[Array, Array, Array],
    folder: Path,
    chosen: Mapping[str, Any],
    seed: int,
    progress: Progress,
    title: str,
) -> WindowNetwork:
    """Train one network, or take it from where it finished or stopped."""
    folder.mkdir(parents=True, exist_ok=True)
    L.seed_everything(seed, verbose=False)
    network = make()
    done = folder / "weights.npz"
    if done.exists():
        with np.load(done, allow_pickle=False) as arrays:
            network.load_state_dict({key: torch.from_numpy(arrays[key]) for key in arrays.files})
        return network.eval()
    loop = trainer(chosen, folder, progress, title)
    batches = Batches(*parts, size=chosen["batch_size"], seed=seed)
    batches.epoch = lambda: loop.current_epoch
    module = ForecastModule(network, settings=dict(chosen), steps=len(batches) * chosen["epochs"], seed=seed)
    run(loop, module, batches, None, folder)
    buffer = io.BytesIO()
    np.savez(buffer, **{key: value.cpu().numpy() for key, value in network.state_dict().items()})
    write_bytes(done, buffer.getvalue())
    (folder / CHECKPOINT).unlink(missing_ok=True)
    return network.cpu().eval()


class Mean(nn.Module):
    """Networks of different seeds in one graph."""

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, window: Tensor, known: Tensor) -> Tensor:
        """Their mean answer."""
        return torch.stack([network(window, known) for network in self.networks]).mean(0)


def _export(networks: Sequence[WindowNetwork], window: Array, known: Array, path: Path) -> None:
    import onnx

    buffer = io.BytesIO()
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")  # the TorchScript exporter announces its successor
        torch.onnx.export(
            Mean(networks).eval(),
            (torch.from_numpy(window), torch.from_numpy(known)),
            buffer,  # type: ignore[arg-type]  # it takes a stream as well as a path
            input_names=list(INPUTS),
            output_names=[OUTPUT],
            dynamic_axes={name: {0: "n"} for name in (*INPUTS, OUTPUT)},
            opset_version=OPSET,
            dynamo=False,
        )
    graph = onnx.load_from_string(buffer.getvalue())
    del graph.metadata_props[:]
    for node in graph.graph.node:  # source lines of the training machine have no place in a bundle
        node.doc_string = ""
    onnx.checker.check_model(graph)
    onnx.save(graph, str(path))


def _check(networks: Sequence[WindowNetwork], window: Array, known: Array, path: Path) -> None:
    with torch.no_grad():
        expected = Mean(networks).eval()(torch.from_numpy(window), torch.from_numpy(known)).numpy()
    (got,) = open_session(path).run(None, {"window": window, "known": known})
    gap = float(np.abs(got - expected).max())
    if gap > EXPORT_TOLERANCE:
        raise Refused(
            f"the exported network differs from the trained one by {gap:.1e}",
            fix=f"At most {EXPORT_TOLERANCE:.0e} is allowed; report the network and its settings",
            code="export-differs",
        )
