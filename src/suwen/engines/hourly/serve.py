"""A trained hourly network in service: one step an hour on ONNX Runtime, for many stays at once or for a stream."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from suwen.engines.hourly import calibrated
from suwen.engines.hourly.encoding import Encoding
from suwen.engines.hourly.grid import Hours, rows_of
from suwen.engines.onnx.session import open_session

Array = NDArray[np.float32]
GRAPH, ENCODING = "net.onnx", "encoding.npz"
CHUNK = 512
"""Stays stepped through at once."""


class HourlyNetworkMember:
    """Serves one exported graph; see :class:`suwen.engines.panel.learner.Member`."""

    def __init__(self, folder: Path, prefix: str) -> None:
        self.facts = calibrated.read(folder, prefix)
        with np.load(folder / f"{prefix}{ENCODING}", allow_pickle=False) as arrays:
            self.encoding = Encoding.of({key: arrays[key] for key in arrays.files})
        self.session = open_session(folder / f"{prefix}{GRAPH}")
        self.state_size = int(self.facts.more["state"])

    def begin(self, n: int) -> Array:
        """States of ``n`` stays of which nothing is known yet."""
        return np.zeros((n, self.state_size), np.float32)

    def step(self, features: Array, state: Array) -> tuple[Array, Array]:
        """Scores (n, 1) before calibration and next states, of inputs (n, F)."""
        score, after = self.session.run(None, {"features": features, "state": state})
        return score, after

    def course(self, features: Array, starts: NDArray[np.int64]) -> NDArray[np.float64]:
        """Scores (u,) of every hour of stays that start at these rows of the inputs (u, F)."""
        length = np.diff(np.append(starts, len(features)))
        out = np.zeros(len(features))
        # Stays of like length side by side: none waits for a longer one.
        order = np.argsort(-length, kind="stable")
        for at in range(0, len(order), CHUNK):
            first, steps = starts[order[at : at + CHUNK]], length[order[at : at + CHUNK]]
            state = self.begin(len(first))
            for hour in range(int(steps[0])):
                going = int(np.searchsorted(-steps, -hour, side="left"))
                rows = first[:going] + hour
                score, state = self.step(features[rows], state[:going])
                out[rows] = score[:, 0]
        return out

    def scores(self, design: Hours) -> NDArray[np.float64]:
        """Logits (u, 2) of every hour."""
        starts = design.starts
        parts = [np.zeros((0, 2))]
        for at in range(0, len(starts), CHUNK):
            block = design.take(np.arange(at, min(at + CHUNK, len(starts))))
            parts.append(self.facts.logits(self.course(self.encoding.features(block), block.starts)))
        return np.concatenate(parts)


def segments(starts: NDArray[np.int64], rows: int, longest: int) -> NDArray[np.int64]:
    """Stretches of stays no longer than ``longest`` hours: first row and length, (m, 2)."""
    length = np.diff(np.append(starts, rows))
    pieces = -(-length // longest)
    at, stay = rows_of(np.append(0, pieces.cumsum()[:-1]), int(pieces.sum()), np.arange(len(starts)))
    number = at - np.append(0, pieces.cumsum()[:-1])[stay]
    first = starts[stay] + number * longest
    return np.stack([first, np.minimum(longest, length[stay] - number * longest)], axis=1)
