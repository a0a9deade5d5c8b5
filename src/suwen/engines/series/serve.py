"""A trained network in service: one step at a time on ONNX Runtime, for many stays at once or for a stream."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.documents import read_json
from suwen.engines.onnx.session import open_session
from suwen.engines.series.grid import Grid
from suwen.engines.series.scaling import Scaling

Array = NDArray[np.float32]
CHUNK = 512
"""Stays stepped through at once: their states stay in the processor's cache."""


class SeriesMember:
    """Serves one exported graph; see :class:`suwen.engines.panel.learner.Member`."""

    def __init__(self, folder: Path, prefix: str) -> None:
        self.facts: dict[str, Any] = read_json(folder / f"{prefix}net.json")
        with np.load(folder / f"{prefix}scaling.npz", allow_pickle=False) as arrays:
            self.scaling = Scaling.of({key: arrays[key] for key in arrays.files})
        self.session = open_session(folder / f"{prefix}net.onnx")
        self.state_size = int(self.facts["state"])

    def begin(self, n: int) -> Array:
        """States of ``n`` stays of which nothing is known yet."""
        return np.zeros((n, self.state_size), np.float32)

    def step(self, features: Array, state: Array) -> tuple[Array, Array]:
        """Logits (n, K) and next states of inputs (n, F)."""
        logits, after = self.session.run(None, {"features": features, "state": state})
        return logits, after

    def course(self, features: Array) -> Array:
        """Logits (n, T, K) at every step of inputs (n, T, F)."""
        parts = []
        for start in range(0, len(features), CHUNK):
            block = np.ascontiguousarray(features[start : start + CHUNK].transpose(1, 0, 2))
            state, out = self.begin(block.shape[1]), []
            for x in block:
                logits, state = self.step(x, state)
                out.append(logits)
            parts.append(np.stack(out, 1))
        return np.concatenate(parts)

    def scores(self, design: Grid) -> NDArray[np.float64]:
        """Logits (n, K) at the cell in which each stay ends."""
        out = []
        for start in range(0, len(design), CHUNK):
            part = design.take(np.arange(start, min(start + CHUNK, len(design))))
            course = self.course(self.scaling.features(part))
            out.append(course[np.arange(len(part)), part.end])
        return np.concatenate(out).astype(np.float64)
