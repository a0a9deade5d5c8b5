"""LightGBM's trees as one ONNX graph in double precision: the same decisions, the same raw margins.

Serving then needs no LightGBM. The graph holds one ``TreeEnsemble`` (ai.onnx.ml 5): the older
``TreeEnsembleRegressor`` may compare in double precision, yet always answers in single precision.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import BadInput
from suwen.engines.onnx.session import open_session

if TYPE_CHECKING:
    import lightgbm

Ints = NDArray[np.int64]

OPSET = {"": 17, "ai.onnx.ml": 5}
IR_VERSION = 10
ZERO = float(np.float32(1e-35))
"""LightGBM's ``kZeroThreshold``: it reads what is no further from 0 than this as 0."""
CATEGORICAL, DEFAULT_LEFT = 1, 2
MISSING_NONE, MISSING_ZERO, MISSING_NAN = 0, 4, 8
"""Bits of ``decision_type`` (LightGBM, include/LightGBM/tree.h)."""


def _refuse(what: str) -> BadInput:
    return BadInput(
        f"trees with {what} cannot be written as ONNX",
        fix="Train without it: numeric columns, plain leaves, NaN for what is missing",
        code="trees-not-representable",
    )


def _sections(text: str) -> tuple[dict[str, str], list[dict[str, str]]]:
    """Header and trees of a LightGBM text model, each as its ``key=value`` lines."""
    blocks = text.split("\nend of trees", maxsplit=1)[0].split("\nTree=")
    head, *trees = (dict(line.split("=", 1) for line in b.splitlines() if "=" in line) for b in blocks)
    # The one line of the header without a value says that the trees are averaged.
    return head | {"average_output": str("\naverage_output\n" in blocks[0])}, trees


def _numbers(tree: Mapping[str, str], key: str, kind: type) -> NDArray[Any]:
    return np.array(tree.get(key, "").split(), dtype=kind)


def comparable(threshold: NDArray[np.float64]) -> NDArray[np.float64]:
    """Thresholds that split all numbers as LightGBM splits them, which reads -1e-35 to 1e-35 as 0."""
    low = np.where((threshold >= -ZERO) & (threshold < 0), np.nextafter(-ZERO, -np.inf), threshold)
    return np.where((low >= 0) & (low < ZERO), ZERO, low)


def missing_goes_left(decision: Ints, threshold: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which way NaN takes at each split, as LightGBM decides it.

    Parameters
    ----------
    decision, threshold
        ``decision_type`` and ``threshold`` of the text model. Of the kind *none*, NaN is compared as 0;
        of the kind *NaN* it takes the default direction; of the kind *zero* so do zeros, which ONNX can
        say only where comparing them leads the same way.

    Raises
    ------
    BadInput
        ``trees-not-representable`` for zeros that do not go the way of their comparison.
    """
    default, compared = (decision & DEFAULT_LEFT) > 0, threshold >= 0.0
    kind = decision & (MISSING_ZERO | MISSING_NAN)
    if ((kind == MISSING_ZERO) & (default != compared)).any():
        raise _refuse("zeros treated as missing")
    return np.where(kind == MISSING_NONE, compared, default)


def _arrays(trees: list[dict[str, str]], outputs: int) -> dict[str, list[NDArray[Any]]]:
    """Splits and leaves of all trees, numbered through, by attribute of the operator."""
    columns: dict[str, list[NDArray[Any]]] = {}
    splits = leaves = 0
    for number, tree in enumerate(trees):
        if tree.get("is_linear", "0") != "0":
            raise _refuse("linear models in their leaves")
        value, decision = _numbers(tree, "leaf_value", float), _numbers(tree, "decision_type", np.int64)
        if (decision & CATEGORICAL).any():
            raise _refuse("categorical splits")
        threshold, feature = _numbers(tree, "threshold", float), _numbers(tree, "split_feature", np.int64)
        left, right = _numbers(tree, "left_child", np.int64), _numbers(tree, "right_child", np.int64)
        if len(value) == 1:  # a lone leaf is a split whose sides are the same
            threshold, feature, decision = np.zeros(1), np.zeros(1, np.int64), np.zeros(1, np.int64)
            left = right = np.array([-1])
        for key, made in {
            "tree_roots": np.array([splits]),
            "nodes_featureids": feature,
            "nodes_splits": comparable(threshold),
            "nodes_missing_value_tracks_true": missing_goes_left(decision, threshold),
            # A child that is a leaf is written as -1 - leaf.
            "nodes_truenodeids": np.where(left < 0, leaves - 1 - left, splits + left),
            "nodes_falsenodeids": np.where(right < 0, leaves - 1 - right, splits + right),
            "nodes_trueleafs": left < 0,
            "nodes_falseleafs": right < 0,
            "leaf_weights": value,
            "leaf_targetids": np.full(len(value), number % outputs),
        }.items():
            columns.setdefault(key, []).append(made)
        splits, leaves = splits + len(feature), leaves + len(value)
    return columns


def to_onnx(booster: lightgbm.Booster, path: Path) -> None:
    """Write a booster's trees as an ONNX graph with the same raw margins.

    Parameters
    ----------
    booster
        A trained LightGBM model; of one stopped early, the best iteration.
    path
        The ``.onnx`` file to write: input ``x`` (n, features) and output ``raw`` (n, outputs), both double.

    Raises
    ------
    BadInput
        ``trees-not-representable`` for categorical splits, linear leaves, averaged forests, and zeros
        treated as missing where that changes a decision.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    # The text model has every threshold to the last bit; dump_model() turns infinity into 1e300.
    head, trees = _sections(booster.model_to_string())
    if head["average_output"] == "True":
        raise _refuse("an averaged forest (boosting 'rf')")
    outputs = int(head["num_tree_per_iteration"])
    columns = _arrays(trees or [{"leaf_value": "0"}], outputs)
    attributes: dict[str, Any] = {}
    for key, parts in columns.items():
        joined = np.concatenate(parts)
        double = joined.dtype == np.float64
        attributes[key] = numpy_helper.from_array(joined, key) if double else joined.astype(int).tolist()
    modes = np.zeros(len(attributes["nodes_featureids"]), np.uint8)  # all of them: x <= split
    ensemble = helper.make_node(
        "TreeEnsemble",
        ["x"],
        ["raw"],
        domain="ai.onnx.ml",
        n_targets=outputs,
        aggregate_function=1,  # sum
        post_transform=0,  # none
        nodes_modes=numpy_helper.from_array(modes, "nodes_modes"),
        **attributes,
    )
    graph = helper.make_graph(
        [ensemble],
        "trees",
        [helper.make_tensor_value_info("x", TensorProto.DOUBLE, ["n", int(head["max_feature_idx"]) + 1])],
        [helper.make_tensor_value_info("raw", TensorProto.DOUBLE, ["n", outputs])],
    )
    opsets = [helper.make_opsetid(domain, version) for domain, version in OPSET.items()]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION), str(path))


class Trees:
    """Trees opened for serving.

    Parameters
    ----------
    path
        What :func:`to_onnx` wrote, already verified.
    threads
        Threads for large batches; one by default, as everywhere.

    Attributes
    ----------
    features
        Number of columns the trees expect.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        self._session = open_session(path, threads=threads)
        self.features = int(self._session.get_inputs()[0].shape[1])

    def raw(self, x: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Raw margins (log-odds for classes), (n, outputs).

        Parameters
        ----------
        x
            Array (n, features) of any floating type; NaN is missing.

        Raises
        ------
        BadInput
            ``wrong-columns`` for another number of columns than the trees learned from.
        """
        if x.ndim != 2 or x.shape[1] != self.features:
            raise BadInput(
                f"the model learned from {self.features} columns, here the table has shape {x.shape}",
                code="wrong-columns",
            )
        (raw,) = self._session.run(None, {"x": np.ascontiguousarray(x, np.float64)})
        margins: NDArray[np.float64] = raw
        return margins
