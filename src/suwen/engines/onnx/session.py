"""One ONNX Runtime session, on few threads, with its twin of random weights for sanity checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import Unreadable


def open_session(
    path: Path, *, threads: int = 1, replaced: Mapping[str, NDArray[np.float32]] | None = None
) -> Any:
    """Open a graph for inference on the CPU.

    Parameters
    ----------
    path
        The ``.onnx`` file, already verified.
    threads
        Threads inside one operator. One by default: a server answers requests side by side.
    replaced
        Weights by initializer name that take the place of the stored ones.

    Raises
    ------
    Unreadable
        When ONNX Runtime cannot load the graph.
    """
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # A spinning pool burns CPU between requests, and a growing arena is memory never given back.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False
    kept = [ort.OrtValue.ortvalue_from_numpy(value) for value in (replaced or {}).values()]
    for name, value in zip(replaced or {}, kept, strict=True):
        options.add_initializer(name, value)
    try:
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime has a dozen unrelated exception types
        raise Unreadable(
            "the model's graph cannot be loaded", where=path.name, fix=type(error).__name__
        ) from error
    # ONNX Runtime borrows replaced weights without owning them: they must live as long as the session.
    session.replaced = (replaced, kept)
    return session


def run(session: Any, batch: NDArray[np.float32], names: Sequence[str], *, chunk: int = 64) -> list[Any]:
    """Run a graph with one input over a batch in chunks, joining each output along the samples."""
    feed = session.get_inputs()[0].name
    parts = [
        session.run(list(names), {feed: np.ascontiguousarray(batch[i : i + chunk])})
        for i in range(0, len(batch), chunk)
    ]
    return [np.concatenate(outputs) for outputs in zip(*parts, strict=True)]


def random_like(initialisers: Sequence[Mapping[str, Any]], seed: int = 0) -> dict[str, NDArray[np.float32]]:
    """Gaussian weights with the standard deviation of the trained ones (Adebayo et al. 2018).

    Parameters
    ----------
    initialisers
        ``{"name", "shape", "std"}`` of each weight, as the bundle's manifest lists them.
    seed
        Same seed, same twin.
    """
    rng = np.random.default_rng(seed)
    return {
        str(item["name"]): rng.normal(0.0, float(item["std"]), tuple(item["shape"])).astype(np.float32)
        for item in initialisers
    }
