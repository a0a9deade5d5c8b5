"""Augmentation fit for radiographs, a whole batch at a time.

MONAI's random transforms draw one set of parameters per call, so they must run image by image; at 28
pixels that costs more than the network itself (docs/adr/0004). These few lines draw one set per image and
move the batch through a single ``grid_sample``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 (the name every torch reader knows)
from torch import Generator, Tensor


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Largest changes; each image draws its own, uniformly.

    Attributes
    ----------
    rotate_deg
        Degrees either way: patients are never perfectly upright.
    shift
        Share of the side, either way.
    zoom
        Logarithm of the scale, either way.
    contrast, gamma
        Logarithm of the factor and of the exponent: exposure and film differ between machines.
    brightness
        Grey levels (0 to 1) added.
    blur
        Probability of a partial 3x3 binomial blur.
    noise
        Largest standard deviation of Gaussian noise, grey levels.
    flip
        Whether left and right are swapped in half the images.
    """

    rotate_deg: float = 5.0
    shift: float = 0.04
    zoom: float = 0.05
    contrast: float = 0.1
    gamma: float = 0.0
    brightness: float = 0.05
    blur: float = 0.0
    noise: float = 0.0
    flip: bool = False

    def scaled(self, strength: float) -> Augmentation:
        """The same with every size multiplied by ``strength``; 0 leaves only the flip."""
        names = ("rotate_deg", "shift", "zoom", "contrast", "gamma", "brightness", "blur", "noise")
        return Augmentation(flip=self.flip, **{name: getattr(self, name) * strength for name in names})


def augment(x: Tensor, how: Augmentation, generator: Generator) -> Tensor:
    """Change a batch of images at random.

    Parameters
    ----------
    x
        (n, 1, H, W), 0 to 1.
    how
        Largest changes.
    generator
        CPU generator; the same state gives the same batch.

    Returns
    -------
    Tensor
        Same shape; noise may leave the range 0 to 1 a little.
    """
    n = len(x)

    def draw(most: float) -> Tensor:
        return ((torch.rand(n, generator=generator) * 2 - 1) * most).to(x.device)

    x = _move(x, how, draw, generator)
    each = (n, 1, 1, 1)
    if how.gamma:
        x = x.clamp(1e-4, 1) ** torch.exp(draw(how.gamma)).view(each)
    if how.contrast or how.brightness:
        mean = x.mean((1, 2, 3), keepdim=True)
        x = (x - mean) * torch.exp(draw(how.contrast)).view(each) + mean + draw(how.brightness).view(each)
        x = x.clamp(0, 1)
    if how.blur:
        row = torch.tensor([1.0, 2.0, 1.0], device=x.device) / 4
        blurred = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), (row[:, None] * row)[None, None])
        chosen = torch.rand(n, generator=generator) < how.blur
        share = (torch.rand(n, generator=generator) * chosen).to(x.device)
        x = x + share.view(each) * (blurred - x)
    if how.noise:
        level = torch.rand(n, generator=generator).to(x.device) * how.noise
        x = x + torch.randn(x.shape, generator=generator).to(x.device) * level.view(each)
    return x


def _move(x: Tensor, how: Augmentation, draw: Callable[[float], Tensor], generator: Generator) -> Tensor:
    """Rotate, zoom, shift and mirror in one resampling; edges are repeated, never black."""
    if not (how.rotate_deg or how.shift or how.zoom or how.flip):
        return x
    n = len(x)
    angle, scale = draw(math.radians(how.rotate_deg)), torch.exp(draw(how.zoom))
    mirror = torch.ones(n, device=x.device)
    if how.flip:
        mirror = torch.where(torch.rand(n, generator=generator) < 0.5, -1.0, 1.0).to(x.device)
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    theta = torch.stack(
        [
            torch.stack([cos * mirror, -sin, draw(2 * how.shift)], 1),
            torch.stack([sin * mirror, cos, draw(2 * how.shift)], 1),
        ],
        1,
    )
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)
