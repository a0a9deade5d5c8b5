"""Networks: sizes, any input, and activation maps that are what the network computed."""

from __future__ import annotations

import pytest
import torch

from suwen.core.errors import UnknownSetting
from suwen.engines.image.networks import NETWORKS, build


@pytest.mark.parametrize(
    ("name", "size"),
    [("compact", 28), ("compact", 128), ("resnet18", 28), ("resnet18", 96), ("densenet121", 32)],
)
@pytest.mark.parametrize("classes", [2, 5])
def test_the_mean_of_the_map_and_the_bias_is_the_logit(name: str, size: int, classes: int) -> None:
    torch.manual_seed(0)
    network = build(name, classes=classes, size=size, width=16 if name == "resnet18" else 0).eval()
    assert network.cam_is_exact
    with torch.no_grad():
        x = torch.rand(3, 1, size, size)
        features = network.features(x)
        logits, maps = network(x), network.cam(features)
        assert logits.shape == (3, classes)
        assert maps.shape == (3, classes, *features.shape[2:])
        torch.testing.assert_close(maps.mean((2, 3)) + network.head.bias, logits, rtol=0, atol=1e-5)


@pytest.mark.parametrize("side", [(28, 28), (33, 57), (224, 224), (12, 9)])
def test_the_tutorial_network_takes_any_size(side: tuple[int, int]) -> None:
    network = build("seed_cnn", classes=3, size=28).eval()
    with torch.no_grad():
        features = network.features(torch.rand(2, 1, *side))
        assert network.classify(features).shape == (2, 3)
        assert network.cam(features).shape == (2, 3, *features.shape[2:])
    assert not network.cam_is_exact


def test_the_tutorial_network_has_the_layers_of_the_tutorial() -> None:
    layers = [m for m in build("seed_cnn", classes=2, size=28).modules() if not list(m.children())]
    convolutions = [m for m in layers if isinstance(m, torch.nn.Conv2d)]
    assert [(m.out_channels, m.kernel_size) for m in convolutions] == [(64, (3, 3)), (128, (3, 3))]
    assert sum(isinstance(m, torch.nn.MaxPool2d) for m in layers) == 2
    assert sum(isinstance(m, torch.nn.Linear) for m in layers) == 2


def _parameters(name: str, size: int) -> int:
    return sum(p.numel() for p in build(name, classes=2, size=size).parameters())


def test_sizes() -> None:
    assert 50_000 < _parameters("compact", 28) < 100_000
    for size in (64, 128, 256, 512):
        assert _parameters("compact", size) < 1_000_000
    assert 11_000_000 < _parameters("resnet18", 224) < 11_500_000
    assert 6_500_000 < _parameters("densenet121", 224) < 7_500_000


@pytest.mark.parametrize("size", [28, 64, 128, 224])
def test_the_last_map_of_compact_stays_readable(size: int) -> None:
    with torch.no_grad():
        height, width = build("compact", classes=2, size=size).eval().features(
            torch.rand(1, 1, size, size)
        ).shape[2:]  # fmt: skip
    assert height == width
    assert 6 <= height <= 9


def test_an_unknown_network_names_the_nearest() -> None:
    with pytest.raises(UnknownSetting, match="resnet18"):
        build("resnet", classes=2, size=28)
    assert len(NETWORKS) == 4
