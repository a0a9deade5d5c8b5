"""The exported graph: what torch says, ONNX Runtime says; int8 only where it pays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from suwen.core.errors import Unreadable
from suwen.engines.image import quantise
from suwen.engines.image.export import OUTPUTS, Ensemble, difference, export
from suwen.engines.image.module import Standardised
from suwen.engines.image.networks import build
from suwen.engines.image.quantise import choose_precision
from suwen.engines.onnx.session import open_session, random_like, run


def _member(name: str, seed: int, *, per_image: bool = True, size: int = 28, **named: Any) -> Standardised:
    torch.manual_seed(seed)
    network = build(name, classes=2, size=size, **named)
    with torch.no_grad():  # norms that have seen something, so that folding them is tested
        for layer in network.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.running_mean.uniform_(-0.2, 0.2)  # type: ignore[union-attr]
                layer.running_var.uniform_(0.5, 2)  # type: ignore[union-attr]
    return Standardised(network, mean=0.5, std=0.2, per_image=per_image).eval()


@pytest.fixture(scope="module")
def films() -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).random((40, 28, 28), dtype=np.float32)


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("name", ["compact", "seed_cnn", "resnet18"])
def test_the_graph_says_what_torch_says(
    name: str, mirror: bool, tmp_path: Path, films: np.ndarray[Any, Any]
) -> None:
    members = [_member(name, seed, per_image=seed == 0, width=8) for seed in range(2)]
    weights = export(members, 28, tmp_path / "model.onnx", mirror=mirror)
    assert difference(members, tmp_path / "model.onnx", films, mirror=mirror) <= 1e-4
    session = open_session(tmp_path / "model.onnx")
    assert [one.name for one in session.get_outputs()] == list(OUTPUTS)
    with torch.no_grad():
        expected = Ensemble(members, mirror=mirror).eval()(torch.from_numpy(films)[:, None])
    logits, cam, each = run(session, films[:, None], OUTPUTS, chunk=7)
    for got, wanted in zip((logits, cam, each), expected, strict=True):
        assert got.shape == wanted.shape
        np.testing.assert_allclose(got, wanted.numpy(), atol=1e-4)
    assert each.shape == (40, 2, 2)
    np.testing.assert_allclose(each.mean(1), logits, atol=1e-5)
    if members[0].network.cam_is_exact:
        bias = np.mean([m.network.head.bias.detach().numpy() for m in members], axis=0)
        np.testing.assert_allclose(cam.mean((2, 3)) + bias, logits, atol=1e-4)
    assert {tuple(one) for one in map(tuple, weights)} == {("name", "shape", "std")}


def test_a_mirrored_image_gets_the_same_answer(tmp_path: Path, films: np.ndarray[Any, Any]) -> None:
    export([_member("compact", 0)], 28, tmp_path / "model.onnx", mirror=True)
    session = open_session(tmp_path / "model.onnx")
    logits, cam = run(session, films[:, None], ["logits", "cam"])
    turned, turned_cam = run(session, films[:, None, :, ::-1], ["logits", "cam"])
    np.testing.assert_allclose(turned, logits, atol=1e-5)
    np.testing.assert_allclose(turned_cam[..., ::-1], cam, atol=1e-5)


def test_the_graph_is_free_of_the_machine_that_made_it(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    export([_member("compact", 0)], 28, path)
    content = path.read_bytes()
    assert str(Path(__file__).parents[3]).encode() not in content
    assert b".py" not in content
    export([_member("compact", 0)], 28, tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == content


def test_a_twin_of_random_weights_answers_otherwise(tmp_path: Path, films: np.ndarray[Any, Any]) -> None:
    weights = export([_member("compact", 0)], 28, tmp_path / "model.onnx")
    (own,) = run(open_session(tmp_path / "model.onnx"), films[:, None], ["logits"])
    answers = []
    for seed in (0, 1, 0):
        twin = open_session(tmp_path / "model.onnx", replaced=random_like(weights, seed))
        answers.append(run(twin, films[:, None], ["logits"])[0])
    assert np.array_equal(answers[0], answers[2])
    for other in (own, answers[1]):
        assert np.abs(answers[0] - other).max() > 1e-2
    first = random_like(weights, 0)
    for item in weights:
        value = first[item["name"]]
        assert list(value.shape) == item["shape"]
        if value.size > 500:
            assert value.std() == pytest.approx(item["std"], rel=0.2)


def test_a_graph_that_is_none_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"not a graph")
    with pytest.raises(Unreadable, match=r"bad\.onnx"):
        open_session(tmp_path / "bad.onnx")


@pytest.fixture
def judged(tmp_path: Path, films: np.ndarray[Any, Any]) -> Any:
    """Judge int8 beside a small graph; labels follow the fp32 answer."""
    export([_member("compact", 0)], 28, tmp_path / "model.onnx")
    (logits,) = run(open_session(tmp_path / "model.onnx"), films[:, None], ["logits"])
    difference_of = logits[:, 1] - logits[:, 0]
    labels = (difference_of > np.median(difference_of)).astype(np.int64)

    def judge(labels: np.ndarray[Any, Any] = labels) -> dict[str, Any]:
        return choose_precision(tmp_path, films, films, labels)

    return judge


def test_int8_of_a_small_network_is_made_and_not_promoted(judged: Any, tmp_path: Path) -> None:
    found = judged()
    assert found["promoted"] is False
    assert "so small" in found["reason"] or "more than" in found["reason"]
    assert found["auroc_fp32"] == 1.0
    assert (tmp_path / "model.int8.onnx").stat().st_size < (tmp_path / "model.onnx").stat().st_size


def test_int8_is_promoted_where_it_pays_and_costs_nothing(
    judged: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantise, "WORTHWHILE_BYTES", 1)
    monkeypatch.setattr(quantise, "LARGEST_AUROC_DROP", 0.2)
    found = judged()
    assert found["promoted"] is True
    assert "within" in found["reason"]
    assert 0 < found["max_abs_diff"] < 1


def test_int8_is_held_back_where_it_costs_too_much(judged: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantise, "WORTHWHILE_BYTES", 1)
    monkeypatch.setattr(quantise, "LARGEST_AUROC_DROP", -1.0)
    found = judged()
    assert found["promoted"] is False
    assert "more than" in found["reason"]
    assert quantise.LARGEST_AUROC_DROP == -1.0


def test_int8_is_held_back_where_nobody_knows_what_it_costs(
    judged: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantise, "WORTHWHILE_BYTES", 1)
    found = judged(np.zeros(40, np.int64))
    assert found["promoted"] is False
    assert "lacks a class" in found["reason"]


def test_the_limit_of_the_loss_is_the_published_one() -> None:
    assert quantise.LARGEST_AUROC_DROP == 0.005
