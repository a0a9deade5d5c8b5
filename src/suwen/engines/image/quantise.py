"""Static int8 quantisation of an exported graph, calibrated on training images."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.engines.image.export import INPUT

CALIBRATION_IMAGES = 128


class _Reader:
    """Feeds calibration images to ONNX Runtime's quantiser, a few at a time."""

    def __init__(self, images: NDArray[np.float32]) -> None:
        self.batches: Iterator[NDArray[np.float32]] = iter(
            np.array_split(images[:, None], max(1, len(images) // 16))
        )

    def get_next(self) -> dict[str, Any] | None:
        """Next feed, or nothing."""
        batch = next(self.batches, None)
        return None if batch is None else {INPUT: batch}


def quantise(source: Path, target: Path, images: NDArray[np.float32], *, seed: int = 0) -> None:
    """Write an int8 twin of ``source`` (QDQ, per-channel weights, 7-bit weights for AVX2).

    Parameters
    ----------
    source, target
        The fp32 graph and the file to write.
    images
        Training images (n, S, S) from which at most 128 are drawn to calibrate activations.
    seed
        Of the drawing.

    Notes
    -----
    Without VNNI the x86 kernels add pairs of products in 16 bits; 8-bit weights can saturate there, hence
    ``reduce_range`` (ONNX Runtime, "Quantize ONNX models"). The activation map stays in fp32, and so does
    everything before the first and after the last convolution: hardly any work, but where rounding hurts.
    """
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    chosen = np.random.default_rng(seed).permutation(len(images))[:CALIBRATION_IMAGES]
    logging.getLogger().setLevel(max(logging.ERROR, logging.getLogger().level))
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(target),
            _Reader(images[np.sort(chosen)]),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            calibrate_method=CalibrationMethod.MinMax,
            nodes_to_exclude=_outside_the_convolutions(onnx.load(prepared).graph),
            op_types_to_quantize=["Conv", "Relu", "MaxPool", "AveragePool", "Add", "Concat"],
        )


def _outside_the_convolutions(graph: Any) -> list[str]:
    """Names of the nodes that have no convolution at or above them, or none at or below them.

    An ``onnx.GraphProto`` lists its nodes in topological order, so one pass each way is enough.
    """
    reached: set[str] = set()
    needed: set[str] = set()
    after, before = set(), set()
    for node in graph.node:
        if node.op_type == "Conv" or not reached.isdisjoint(node.input):
            reached.update(node.output)
            after.add(node.name)
    for node in reversed(graph.node):
        if node.op_type == "Conv" or not needed.isdisjoint(node.output):
            needed.update(node.input)
            before.add(node.name)
    return [node.name for node in graph.node if node.name not in after & before]


WORTHWHILE_BYTES = 1_000_000
"""Below this many bytes of weights per network int8 saves nothing one can measure: fp32 serves."""
LARGEST_AUROC_DROP = 0.005


def choose_precision(
    model: Path,
    train: NDArray[np.float32],
    validation: NDArray[np.float32],
    labels: NDArray[np.int64],
    *,
    members: int = 1,
) -> dict[str, Any]:
    """Quantise ``model/model.onnx`` and judge the int8 twin on validation.

    Parameters
    ----------
    model
        Folder with ``model.onnx``; ``model.int8.onnx`` is written beside it.
    train, validation
        Images (n, S, S): some of the first calibrate activations, the second judge.
    labels
        Class indices of the validation images.
    members
        Networks side by side in the graph; what int8 saves depends on the size of one.

    Returns
    -------
    dict
        ``auroc_fp32, auroc_int8, max_abs_diff`` of the logits, ``promoted`` and the ``reason``. Where
        validation lacks a class both AUROC are NaN and int8 is not promoted.
    """
    from sklearn.metrics import roc_auc_score

    from suwen.engines.onnx.session import open_session, run

    quantise(model / "model.onnx", model / "model.int8.onnx", train)
    logits = [
        run(open_session(model / name), validation[:, None], ["logits"])[0].astype(float)
        for name in ("model.onnx", "model.int8.onnx")
    ]
    odds = [np.exp(z - z.max(1, keepdims=True)) for z in logits]
    shares = [z / z.sum(1, keepdims=True) for z in odds]
    classes = shares[0].shape[1]
    full = small = float("nan")
    if len(np.unique(labels)) == classes:
        full, small = (
            float(roc_auc_score(labels, p[:, 1] if classes == 2 else p, multi_class="ovr")) for p in shares
        )
    drop = full - small
    worthwhile = (model / "model.onnx").stat().st_size / members >= WORTHWHILE_BYTES
    if drop > LARGEST_AUROC_DROP:
        reason = f"validation AUROC drops by {drop:.4f}, more than {LARGEST_AUROC_DROP}"
    elif np.isnan(drop):
        reason = "validation lacks a class, so that nobody knows what int8 costs"
    elif not worthwhile:
        reason = "the network is so small that int8 does not serve faster"
    else:
        reason = f"validation AUROC drops by {drop:.4f}, within {LARGEST_AUROC_DROP}"
    return {
        "auroc_fp32": full,
        "auroc_int8": small,
        "max_abs_diff": float(np.abs(logits[0] - logits[1]).max()),
        "promoted": drop <= LARGEST_AUROC_DROP and worthwhile,
        "reason": reason,
    }
