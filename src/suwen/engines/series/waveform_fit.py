"""The network over waveforms, its training with Lightning, and its graph."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import lightning as L  # noqa: N812 (Lightning's own convention)
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from suwen.core.documents import write_bytes, write_json
from suwen.core.engine import Progress
from suwen.core.errors import Refused
from suwen.engines.loop.optimiser import optimiser
from suwen.engines.loop.trainer import CHECKPOINT, run, trainer
from suwen.engines.onnx.session import open_session
from suwen.engines.series.module import Sequences
from suwen.engines.series.waveform import FACTS, GRAPH

OPSET = 17
DILATIONS = (1, 2, 4, 8)
EXPORT_TOLERANCE = 1e-4


class Block(nn.Module):
    """Two dilated convolutions beside a short cut."""

    def __init__(self, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(width, width, 5, padding=2 * dilation, dilation=dilation),
            nn.GroupNorm(4, width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Conv1d(width, width, 5, padding=2 * dilation, dilation=dilation),
            nn.GroupNorm(4, width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(n, width, length) to the same."""
        return nn.functional.gelu(x + self.layers(x))


class WaveNetwork(nn.Module):
    """Dilated convolutions (Bai et al., arXiv 1803.01271), not causal: a waveform is seen whole.

    Mean and maximum over time keep both what lasts and what stands out.
    """

    def __init__(self, classes: int, width: int, dropout: float) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv1d(1, width, 7, stride=2, padding=3), nn.GELU())
        self.blocks = nn.Sequential(*(Block(width, dilation, dropout) for dilation in DILATIONS))
        self.last = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * width, classes))

    def forward(self, wave: Tensor) -> Tensor:
        """Waveforms (n, length) to logits (n, K)."""
        seen = self.blocks(self.first(wave[:, None]))
        logits: Tensor = self.last(torch.cat([seen.mean(2), seen.amax(2)], 1))
        return logits


class WaveModule(L.LightningModule):  # type: ignore[misc]
    """Learns classes of waveforms that are moved and stretched a little in training."""

    def __init__(self, network: WaveNetwork, settings: Mapping[str, Any], steps: int, seed: int) -> None:
        super().__init__()
        self.network, self.settings, self.steps, self.seed = network, settings, steps, seed

    def on_train_epoch_start(self) -> None:
        """Seed this epoch's draws, so that a resumed training draws the same."""
        torch.manual_seed(int(np.random.SeedSequence([self.seed, self.current_epoch]).generate_state(1)[0]))

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        """Cross-entropy of one batch."""
        wave, label = batch
        loss = nn.functional.cross_entropy(self.network(moved(wave, self.settings["shift"])), label)
        self.log("training_loss", loss, on_step=False, on_epoch=True, batch_size=len(label))
        return loss

    def configure_optimizers(self) -> Any:
        """AdamW, a warm-up, a cosine to zero."""
        return optimiser(
            self.network,
            learning_rate=self.settings["learning_rate"],
            weight_decay=self.settings["weight_decay"],
            steps=self.steps,
        )


def moved(wave: Tensor, shift: int) -> Tensor:
    """Each waveform (n, length) moved by up to ``shift`` values, its ends held, and scaled by 0.9 to 1.1."""
    n, length = wave.shape
    by = torch.randint(-shift, shift + 1, (n, 1), device=wave.device)
    at = (torch.arange(length, device=wave.device)[None] + by).clamp(0, length - 1)
    return wave.gather(1, at) * (0.9 + 0.2 * torch.rand(n, 1, device=wave.device))


def fit(
    x: NDArray[np.float32],
    labels: NDArray[np.int64],
    folder: Path,
    *,
    columns: Sequence[str],
    classes: int,
    settings: Mapping[str, Any],
    seed: int,
    progress: Progress,
    title: str,
) -> None:
    """Train on waveforms (n, length) and write ``wave.onnx`` and ``wave.json``; resumable at every epoch.

    Raises
    ------
    Refused
        When the exported graph does not reproduce the network (code ``export-differs``).
    """
    torch.set_num_threads(int(settings.get("threads") or 1))
    L.seed_everything(seed, verbose=False)
    network = WaveNetwork(classes, settings["width"], settings["dropout"])
    waves = np.nan_to_num(x).astype(np.float32)
    loop = trainer(settings, folder, progress, title)
    batches = Sequences(waves, labels, size=settings["batch_size"], seed=seed)
    batches.epoch = lambda: loop.current_epoch
    module = WaveModule(network, settings, len(batches) * settings["epochs"], seed)
    run(loop, module, batches, None, folder)
    (folder / CHECKPOINT).unlink(missing_ok=True)
    export(network.cpu().eval(), waves, folder / GRAPH)
    write_json(folder / FACTS, {"columns": list(columns), "settings": dict(settings)})


def export(network: WaveNetwork, waves: NDArray[np.float32], path: Path) -> None:
    """Write the graph, and see that it answers as the network does."""
    import onnx

    example = torch.from_numpy(waves[:32])
    buffer = io.BytesIO()
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")  # the TorchScript exporter announces its successor
        torch.onnx.export(
            network,
            (example[:2],),
            buffer,  # type: ignore[arg-type]  # it takes a stream as well as a path
            input_names=["wave"],
            output_names=["logits"],
            dynamic_axes={"wave": {0: "n"}, "logits": {0: "n"}},
            opset_version=OPSET,
            dynamo=False,
        )
    graph = onnx.load_from_string(buffer.getvalue())
    del graph.metadata_props[:]
    for node in graph.graph.node:  # source lines of the training machine have no place in a bundle
        node.doc_string = ""
    onnx.checker.check_model(graph)
    write_bytes(path, graph.SerializeToString())
    with torch.no_grad():
        expected = network(example).numpy()
    (answered,) = open_session(path).run(None, {"wave": waves[:32]})
    gap = float(np.abs(answered - expected).max())
    if gap > EXPORT_TOLERANCE:
        raise Refused(f"the exported graph differs from the network by {gap:.1e}", code="export-differs")
