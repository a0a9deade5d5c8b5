"""A path as a polyline in grid mm: refused where it is none, and walked in steps that are short enough."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from suwen.core.errors import BadInput, TooLarge
from suwen.engines.clearance.grid import Floats

MOST_SAMPLES = 2_000_000
"""100 m of path at 0.05 mm: beyond that the coordinates are not in mm."""


@dataclass(frozen=True, kw_only=True)
class Sampled:
    """A polyline's samples.

    Attributes
    ----------
    points_mm
        In order, every corner among them, shape (n, 3).
    arc_length_mm
        How far along the path each is, shape (n,).
    corner_mm
        How far along each corner of the polyline is, shape (corners,).
    step_mm
        Largest distance between two of them.
    """

    points_mm: Floats
    arc_length_mm: Floats
    corner_mm: Floats
    step_mm: float


def checked_path(path_mm: ArrayLike) -> Floats:
    """A polyline of at least two points, finite and longer than nothing, shape (n, 3).

    Raises
    ------
    BadInput
        ``path-unusable``.
    """
    try:
        vertices = np.ascontiguousarray(path_mm, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise BadInput(
            "A path is a list of points of three coordinates in mm", code="path-unusable"
        ) from error
    wrong = None
    if vertices.size == 0:
        wrong = "The path is empty"
    elif vertices.ndim != 2 or vertices.shape[1] != 3:
        wrong = f"A path has the shape (points, 3), this one has {vertices.shape}"
    elif not np.isfinite(vertices).all():
        wrong = "The path has a coordinate that is not a finite number"
    elif len(vertices) == 1:
        wrong = "The path is a single point"
    elif not np.diff(vertices, axis=0).any():
        wrong = "The path begins and ends at one point and has no length"
    if wrong:
        raise BadInput(
            wrong, code="path-unusable", fix="Give the corners of a path from entry to target in mm"
        )
    return vertices


def sampled(vertices_mm: Floats, step_mm: float) -> Sampled:
    """Walk a polyline in steps of at most ``step_mm``, every corner included.

    Raises
    ------
    TooLarge
        ``path-too-long``, above two million samples.
    """
    along = np.diff(vertices_mm, axis=0)
    length = np.linalg.norm(along, axis=1)
    if length.sum() > MOST_SAMPLES * step_mm or len(length) > MOST_SAMPLES:
        raise TooLarge(
            f"A path of {length.sum():.0f} mm is too long to be checked every {step_mm} mm",
            code="path-too-long",
            fix="Check that its coordinates are in mm",
        )
    pieces = np.maximum(np.ceil(length / step_mm), 1).astype(np.int64)
    segment = np.repeat(np.arange(len(pieces)), pieces)
    first = np.concatenate([[0], np.cumsum(pieces)])
    fraction = (np.arange(first[-1]) - first[segment]) / pieces[segment]
    corner = np.concatenate([[0.0], np.cumsum(length)])
    points = vertices_mm[segment] + fraction[:, None] * along[segment]
    return Sampled(
        points_mm=np.ascontiguousarray(np.vstack([points, vertices_mm[-1:]])),
        arc_length_mm=np.append(corner[segment] + fraction * length[segment], corner[-1]),
        corner_mm=corner,
        step_mm=float((length / pieces).max()),
    )
