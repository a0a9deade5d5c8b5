"""One ONNX Runtime session: chunks, replaced weights, and errors of ours."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from suwen.core.errors import Unreadable
from suwen.engines.onnx.session import open_session, random_like, run


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    """y = x @ w + b, and x beside it."""
    weights = [
        numpy_helper.from_array(np.arange(6, dtype=np.float32).reshape(3, 2), "w"),
        numpy_helper.from_array(np.ones(2, np.float32), "b"),
    ]
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["xw"]), helper.make_node("Add", ["xw", "b"], ["y"]),
        helper.make_node("Identity", ["x"], ["same"]),
    ]  # fmt: skip
    figures = [
        helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", k]) for n, k in (("y", 2), ("same", 3))
    ]
    made = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])], figures, weights
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path = tmp_path / "g.onnx"
    onnx.save(model, str(path))
    return path


@pytest.mark.parametrize("chunk", [1, 3, 64])
def test_chunks_are_joined_in_order(graph: Path, chunk: int) -> None:
    x = np.random.default_rng(0).random((10, 3), dtype=np.float32)
    y, same = run(open_session(graph), x, ["y", "same"], chunk=chunk)
    np.testing.assert_allclose(y, x @ np.arange(6).reshape(3, 2) + 1, rtol=1e-6)
    np.testing.assert_array_equal(same, x)


def test_replaced_weights_live_as_long_as_the_session(graph: Path) -> None:
    def opened() -> Any:
        return open_session(graph, replaced={"w": np.full((3, 2), 7, np.float32)})

    session = opened()
    gc.collect()
    noise = [np.random.default_rng(n).random((64, 64)) for n in range(50)]
    (y,) = run(session, np.ones((2, 3), np.float32), ["y"])
    np.testing.assert_array_equal(y, np.full((2, 2), 22, np.float32))
    assert len(noise) == 50


def test_the_twin_follows_seed_and_spread() -> None:
    listed = [{"name": "w", "shape": [200, 50], "std": 0.3}, {"name": "b", "shape": [4], "std": 0.0}]
    first, again, other = random_like(listed, 1), random_like(listed, 1), random_like(listed, 2)
    assert np.array_equal(first["w"], again["w"])
    assert not np.array_equal(first["w"], other["w"])
    assert first["w"].std() == pytest.approx(0.3, rel=0.05)
    assert not first["b"].any()
    assert first["w"].dtype == np.float32


@pytest.mark.parametrize("content", [b"", b"nonsense"])
def test_what_is_no_graph_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(content)
    with pytest.raises(Unreadable, match="cannot be loaded"):
        open_session(tmp_path / "bad.onnx")
