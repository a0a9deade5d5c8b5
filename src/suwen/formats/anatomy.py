"""Shapes of a simulated frontal chest film, as smooth functions over the picture.

Coordinates: ``x`` runs from -1 (image left, the patient's right) to 1, ``y`` from 0 (top) to 1. Values are
radiographic densities in the picture's own 0..1 scale, bright = dense. The proportions are drawn by eye
after frontal chest films; they serve demonstrations and tests and are no model of any patient.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Field = NDArray[np.float64]


def step(value: Field, softness: float) -> Field:
    """A smooth step from 0 to 1 around ``value`` = 0; ``softness`` is its width in picture units."""
    return np.asarray(1 / (1 + np.exp(np.clip(-value / softness, -40, 40))))


def bell(value: Field, width: float | Field) -> Field:
    """A Gaussian profile, 1 at 0; ``width`` is its standard deviation."""
    return np.asarray(np.exp(-0.5 * (value / width) ** 2))


@dataclass(frozen=True, kw_only=True)
class Build:
    """The figures in which one simulated chest differs from another, in picture units."""

    chest_width: float
    apex: float
    dome_right: float
    dome_left: float
    heart_width: float
    heart_y: float
    lean: float
    rib_phase: float

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Build:
        """Draw a build within the range of normal films."""
        dome = rng.uniform(0.72, 0.78)
        return cls(
            chest_width=rng.uniform(0.76, 0.84),
            apex=rng.uniform(0.10, 0.15),
            dome_right=dome,
            dome_left=dome + rng.uniform(0.01, 0.04),
            heart_width=rng.uniform(0.25, 0.31),
            heart_y=dome - rng.uniform(0.10, 0.125),
            lean=rng.uniform(-0.03, 0.03),
            rib_phase=rng.uniform(-0.02, 0.02),
        )


def trunk(x: Field, y: Field, build: Build) -> Field:
    """1 inside neck, shoulders and trunk; 0 in the air around them."""
    shoulder = 0.02 + 0.13 * step(np.abs(x) - 0.70, 0.10) ** 1.5
    side = build.chest_width + 0.14 + 0.08 * (1 - y)
    neck = step(0.30 - np.abs(x), 0.02)
    return np.maximum(step(y - shoulder, 0.012) * step(side - np.abs(x), 0.012), neck)


def lungs(x: Field, y: Field, build: Build) -> Field:
    """1 in the lung fields, with the costophrenic angles drawn down beside the domes."""
    height = 0.93 - build.apex
    taper = np.clip((y - build.apex) / height, 0, 1)
    outer = build.chest_width * (0.30 + 0.70 * np.sin(np.clip(taper * 1.55, 0, 1) * np.pi / 2) ** 0.62)
    inner = 0.12 + 0.05 * bell(y - 0.12, 0.08)
    dome = np.where(x < 0, build.dome_right, build.dome_left)
    middle = 0.40 * build.chest_width / 0.8
    diaphragm = dome + 0.42 * (np.abs(x) - middle) ** 2 + 0.30 * np.clip(np.abs(x) - 0.55, 0, None) ** 1.5
    crown = build.apex + 0.9 * (np.abs(x) - 0.34) ** 2
    return (
        step(outer - np.abs(x), 0.014)
        * step(np.abs(x) - inner, 0.025)
        * step(diaphragm - y, 0.007)
        * step(y - crown, 0.014)
    )


def heart(x: Field, y: Field, build: Build) -> Field:
    """1 in the heart and the great vessels."""
    dx, dy = x - 0.13, 2 * (y - build.heart_y)  # the picture is 2 wide and 1 high in these coordinates
    along, across = 0.80 * dx + 0.60 * dy, -0.60 * dx + 0.80 * dy
    muscle = step(1 - np.hypot(along / (build.heart_width + 0.09), across / build.heart_width), 0.04)
    knob = step(1 - np.hypot((x - 0.13) / 0.085, (y - 0.32) / 0.055), 0.18)
    artery = step(1 - np.hypot((x - 0.13) / 0.11, (y - 0.43) / 0.11), 0.20)
    atrium = step(1 - np.hypot((x + 0.10) / 0.13, (y - build.heart_y - 0.01) / 0.13), 0.12)
    return np.asarray(np.maximum.reduce([muscle, 0.9 * knob, 0.8 * artery, 0.9 * atrium]))


def midline(x: Field, y: Field) -> Field:
    """Density of mediastinum and spine, with vertebrae, and the airway as a darker column."""
    column = step(0.13 + 0.06 * bell(y - 0.05, 0.10) - np.abs(x), 0.022)
    vertebra = 0.5 + 0.5 * np.cos(2 * np.pi * y / 0.062)
    spine = step(0.085 - np.abs(x), 0.012) * (0.75 + 0.25 * vertebra)
    airway = step(0.042 - np.abs(x), 0.010) * step(0.36 - y, 0.012)
    bronchi = bell(np.abs(x) * 0.75 - (y - 0.36), 0.018) * step(y - 0.35, 0.01) * step(0.46 - y, 0.02)
    return 0.80 * column + 0.30 * spine - 0.28 * airway - 0.14 * bronchi


def ribs(x: Field, y: Field, build: Build) -> Field:
    """Density of posterior and (fainter) anterior ribs: bands with brighter borders."""
    out = np.abs(x)
    total = np.zeros_like(x)
    for number in range(10):
        top = 0.10 + build.rib_phase + 0.071 * number
        behind = y - (top - 0.05 * np.sin(np.clip(out / 0.6, 0, 1) * np.pi) + 0.26 * out**2)
        total += _band(behind, 0.016) * step(out - 0.08, 0.02)
        if 1 <= number <= 6:
            front = y - (top + 0.27 - 0.17 * (out - 0.3) - 0.6 * np.clip(out - 0.6, 0, None) ** 2)
            total += 0.4 * _band(front, 0.022) * step(out - 0.36, 0.06)
    return total * step(build.chest_width + 0.02 - out, 0.02) * step(0.93 - y, 0.03)


def shoulders(x: Field, y: Field) -> Field:
    """Density of clavicles and shoulder blades."""
    out = np.abs(x)
    clavicle = _band(y - (0.185 - 0.17 * (out - 0.10) + 0.09 * np.sin(out * 4.2)), 0.022)
    clavicle = clavicle * step(out - 0.09, 0.01) * step(0.80 - out, 0.03)
    blade = step(1 - np.hypot((out - 0.80 + 0.22 * (y - 0.3)) / 0.13, (y - 0.33) / 0.20), 0.12)
    return 1.1 * clavicle + 0.5 * blade


def vessels(x: Field, y: Field, rng: np.random.Generator, detail: float) -> Field:
    """Density of the branching lung vessels, thick at each hilum and fading outwards.

    Parameters
    ----------
    detail
        The thinnest line that the picture can hold, in picture units.
    """
    total = np.zeros_like(x)
    for side, root_y in ((-1.0, 0.46), (1.0, 0.44)):
        half = side * x > 0  # the other lung has its own
        out, down = side * x[half] - 0.17, 2 * (y[half] - root_y)
        density = 1.3 * bell(np.hypot(out / 0.9, down / 2.6), 0.055)
        for _ in range(26):
            angle = rng.uniform(-1.25, 1.35)
            reach, bend = rng.uniform(0.25, 0.62), rng.uniform(-0.5, 0.5)
            along = out * np.cos(angle) + down * np.sin(angle)
            across = -out * np.sin(angle) + down * np.cos(angle) - bend * along**2
            fade = np.clip(1 - along / reach, 0, 1) * step(along, 0.01)
            density += fade * bell(across, np.maximum(0.005 + 0.014 * fade, detail))
        total[half] = density
    return total


def consolidation(x: Field, y: Field, build: Build, rng: np.random.Generator, texture: Field) -> Field:
    """Density of an ill-defined opacity in one lung field.

    Parameters
    ----------
    texture
        Smooth noise (H, W) of unit variance that frays the edge.
    """
    side = rng.choice((-1.0, 1.0))
    centre_x = side * rng.uniform(0.38, 0.55) * build.chest_width / 0.8
    centre_y = rng.uniform(0.40, build.dome_right - 0.10)
    spread = rng.uniform(0.14, 0.20), rng.uniform(0.08, 0.13)
    distance = np.hypot((x - centre_x) / spread[0], (y - centre_y) / spread[1])
    return step(1.25 - distance + 0.35 * texture, 0.28)


def _band(distance: Field, width: float) -> Field:
    """A rib across ``distance``: a plateau whose two borders are brighter."""
    inside = step(width - np.abs(distance), width / 6)
    return 0.65 * inside + 0.35 * bell(np.abs(distance) - width * 0.9, width / 5)
