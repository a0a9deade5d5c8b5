"""The networks of the image engine, all with one contract for the class activation map.

``features(x)`` gives the last feature map, ``classify(features)`` the logits, ``cam(features)`` one map per
class. Where the head is global average pooling and one linear layer the map is exact: its spatial mean plus
the head's bias *is* the logit, so nothing the map shows is an approximation of what the network did.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from suwen.core.errors import UnknownSetting, nearest

NETWORKS: tuple[str, ...] = ("compact", "resnet18", "densenet121", "seed_cnn")
"""Names :func:`build` knows."""

_BASE = 28
"""Image side for which ``compact`` has three stages and a 7x7 map; every doubling adds one stage."""


class Network(nn.Module):
    """A body, global average pooling, dropout and one linear layer.

    Parameters
    ----------
    body
        Maps images (N, 1, H, W) to a feature map (N, C, h, w).
    channels
        C of the feature map.
    classes
        Number of logits, K.
    dropout
        Probability with which pooled features are dropped in training.
    """

    cam_is_exact: bool = True

    def __init__(self, body: nn.Module, channels: int, *, classes: int, dropout: float) -> None:
        super().__init__()
        self.body = body
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(channels, classes)

    def features(self, x: Tensor) -> Tensor:
        """Return the last feature map, (N, 1, H, W) -> (N, C, h, w)."""
        out: Tensor = self.body(x)
        return out

    def classify(self, features: Tensor) -> Tensor:
        """Return the logits of a feature map, (N, C, h, w) -> (N, K)."""
        out: Tensor = self.head(self.drop(features.mean(dim=(2, 3))))
        return out

    def cam(self, features: Tensor) -> Tensor:
        """Return a map per class, (N, C, h, w) -> (N, K, h, w); its mean plus the bias is the logit."""
        return torch.einsum("kc,nchw->nkhw", self.head.weight, features)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits of images, (N, 1, H, W) -> (N, K)."""
        return self.classify(self.features(x))


class SeedCNN(Network):
    """The tutorial network (two convolutions, two linear layers), for images of any size.

    The head is not linear, so :meth:`cam` runs it on every cell alone: a map that ranks cells well, but whose
    mean only approximates the logits.
    """

    cam_is_exact = False

    def __init__(self, *, classes: int, width: int, dropout: float) -> None:
        body = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(width, 2 * width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        )  # fmt: skip
        super().__init__(body, 2 * width, classes=classes, dropout=dropout)
        self.hidden = nn.Linear(2 * width, 2 * width)

    def classify(self, features: Tensor) -> Tensor:
        """Return the logits of a feature map, (N, C, h, w) -> (N, K)."""
        return self._two_layers(features.mean(dim=(2, 3)))

    def cam(self, features: Tensor) -> Tensor:
        """Return the head applied to each cell, (N, C, h, w) -> (N, K, h, w), less the bias; approximate."""
        per_cell = self._two_layers(features.permute(0, 2, 3, 1)) - self.head.bias
        return per_cell.permute(0, 3, 1, 2)

    def _two_layers(self, pooled: Tensor) -> Tensor:
        """Both linear layers on the last axis, (..., C) -> (..., K)."""
        out: Tensor = self.head(self.drop(torch.relu(self.hidden(pooled))))
        return out


def build(name: str, *, classes: int, size: int, width: int = 0, dropout: float = 0.2) -> Network:
    """Build a network with random weights for one-channel 2-D images.

    Parameters
    ----------
    name
        One of :data:`NETWORKS`.
    classes
        Number of logits.
    size
        Side of the (square) images it will see; larger images get more pooling, never a smaller answer.
    width
        Channels of the first full stage of ``compact`` and ``seed_cnn`` and of the stem of ``resnet18``;
        0 takes the network's own default. ``densenet121`` has a fixed width.
    dropout
        Probability with which pooled features are dropped in training.

    Raises
    ------
    UnknownSetting
        No network has this name.
    """
    if name == "compact":
        width = width or 16
        return Network(_compact_body(size, width), 4 * width, classes=classes, dropout=dropout)
    if name == "seed_cnn":
        return SeedCNN(classes=classes, width=width or 64, dropout=dropout)
    if name == "resnet18":
        return _resnet18(classes, size, width or 64, dropout)
    if name == "densenet121":
        return _densenet121(classes, size, dropout)
    raise UnknownSetting(f"No network is called '{name}'", where="network", fix=nearest(name, NETWORKS))


def _compact_body(size: int, width: int) -> nn.Sequential:
    """Stages of 3x3 conv-BN-ReLU with average pooling between (average: less aliasing than a stride).

    The last three stages hold two convolutions of ``width``, twice and four times ``width`` channels; one
    single-convolution stage goes in front per doubling of the size over 28, so the last map stays near 7x7.
    """
    lead = max(0, round(math.log2(size / _BASE)))
    stages = [[max(8, width // 2) if k == 0 and lead > 1 else width] for k in range(lead)]
    stages += [[width] * 2, [2 * width] * 2, [4 * width] * 2]
    layers: list[nn.Module] = []
    channels = 1
    for number, stage in enumerate(stages):
        if number:
            layers.append(nn.AvgPool2d(2))
        for out in stage:
            layers += [nn.Conv2d(channels, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU()]
            channels = out
    return nn.Sequential(*layers)


def _resnet18(classes: int, size: int, width: int, dropout: float) -> Network:
    """MONAI's ResNet-18 less its head; below 64 pixels a 3x3 stem without stride or max-pooling."""
    from monai.networks.nets import ResNet

    planes = [width, 2 * width, 4 * width, 8 * width]
    small = size < 64
    net = ResNet(
        "basic", [2, 2, 2, 2], planes, spatial_dims=2, n_input_channels=1, num_classes=classes,
        conv1_t_size=3 if small else 7, conv1_t_stride=1 if small else 2, no_max_pool=small,
    )  # fmt: skip
    stem: list[nn.Module] = [net.conv1, net.bn1, nn.ReLU()]
    if not small:
        stem.append(net.maxpool)
    body = nn.Sequential(*stem, net.layer1, net.layer2, net.layer3, net.layer4)
    return Network(body, planes[-1], classes=classes, dropout=dropout)


def _densenet121(classes: int, size: int, dropout: float) -> Network:
    """MONAI's DenseNet-121 less its head; below 64 pixels a 3x3 stem without stride or max-pooling."""
    from monai.networks.nets import DenseNet121

    net = DenseNet121(spatial_dims=2, in_channels=1, out_channels=classes, pretrained=False)
    body = net.features
    if size < 64:
        body.conv0 = nn.Conv2d(1, 64, 3, padding=1, bias=False)
        body.pool0 = nn.Identity()
    return Network(nn.Sequential(body, nn.ReLU()), 1024, classes=classes, dropout=dropout)
