"""One row of a table: the input of every task over tables, gene expression and single waveforms."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Row:
    """Named numbers of one subject.

    Attributes
    ----------
    values
        Array (d,), float32; NaN is missing.
    names
        One name per value.
    """

    values: NDArray[np.float32]
    names: tuple[str, ...]

    def content_key(self) -> str:
        """SHA-256 (hex) of names and values."""
        digest = hashlib.sha256("\0".join(self.names).encode())
        digest.update(np.ascontiguousarray(self.values, np.float32).tobytes())
        return digest.hexdigest()
