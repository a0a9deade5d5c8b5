"""Registration of surfaces: iterated closest points, trimmed, from a start that is given or chosen and judged."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from suwen.core.errors import BadInput, Refused, UnknownSetting, nearest
from suwen.engines.registration.fiducials import points_of
from suwen.engines.registration.fit import fit
from suwen.engines.registration.rigid import Floats, Rigid, turn
from suwen.engines.registration.surface import Surface, check_stability, rows

Method = Literal["point-to-plane", "point-to-point"]
METHODS = ("point-to-plane", "point-to-point")
LEAST_OVERLAP = 0.4
"""Of the moving points, where the overlap is found and not given."""
LARGEST_UNREST_MM = 0.5
"""A match that keeps moving further than this has not converged; sparse surfaces leave cycles of a tenth of that."""
OVERLAP_POWER = 0.95
"""How much keeping a point is worth when the overlap is found (Phillips, Liu and Tomasi 2007, for three dimensions)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Match:
    """Where iterated closest points came to rest.

    Attributes
    ----------
    transform
        From moving to fixed.
    distances_mm
        Array (m,): of each moved point to the surface: to the tangent plane of its closest point, or to that point
        itself.
    kept
        Array (m,), bool: not trimmed.
    closest
        Array (m,): index of the closest fixed point.
    rms_mm
        Over the kept points.
    rounds
        Iterations it took.
    unrest_mm
        How far the last iteration moved a point, or any of a cycle that repeats itself: points at the border of the
        kept ones, and between two closest ones, can change sides for ever.
    """

    transform: Rigid
    distances_mm: Floats
    kept: Any
    closest: Any
    rms_mm: float
    rounds: int
    unrest_mm: float


def checked_method(method: str) -> Method:
    """The name of a method.

    Raises
    ------
    UnknownSetting
        ``unknown-method``.
    """
    if method not in METHODS:
        raise UnknownSetting(
            f"'{method}' is no method of matching",
            where="method",
            fix=nearest(method, METHODS),
            code="unknown-method",
        )
    return "point-to-plane" if method == "point-to-plane" else "point-to-point"


def match(
    surface: Surface,
    moving_mm: Floats,
    start: Rigid,
    *,
    method: Method = "point-to-plane",
    overlap: float | None = None,
    most_rounds: int = 200,
    rest_mm: float = 1e-4,
) -> Match:
    """Iterate closest points from one start until nothing moves.

    Parameters
    ----------
    surface
        Fixed.
    moving_mm
        Array (m, 3).
    start
        From moving to fixed, near the answer.
    method
        ``point-to-plane`` (Chen and Medioni 1991) needs few rounds on smooth surfaces; ``point-to-point`` (Besl and
        McKay 1992) lessens its sum of squares in every round.
    overlap
        Part of the moving points that is on the fixed surface, above 0 to 1: as many of the closest are kept
        (Chetverikov et al. 2005). ``None`` finds it in every round as the part whose RMS distance over its own
        power is least.
    most_rounds, rest_mm
        When to stop: after so many, or when no point moves further than this.
    """
    pose, rounds, moved_by = start, 0, np.inf
    moves: list[float] = []
    seen: dict[bytes, int] = {}
    part = overlap
    while rounds < most_rounds and moved_by > rest_mm:
        moved = pose.apply(moving_mm)
        apart, closest = surface.tree.query(moved)
        kept = _kept(apart, part)
        state = sha256(closest.tobytes() + kept.tobytes()).digest()
        if method == "point-to-plane" and seen.get(state, rounds) < rounds - 1:
            moved_by = max(moves[seen[state] :])
            if part is not None:
                break
            # The overlap that is found anew in every round takes part in the cycle: from here on it stays.
            part, moved_by = float(kept.mean()), np.inf
            seen.clear()
        seen[state] = rounds
        rounds += 1
        step = _step(moved[kept], surface, closest[kept], method)
        pose = step.after(pose)
        moved_by = float(np.linalg.norm(step.apply(moved) - moved, axis=1).max())
        moves.append(moved_by)
    moved = pose.apply(moving_mm)
    apart, closest = surface.tree.query(moved)
    kept = _kept(apart, part)
    if method == "point-to-plane":
        apart = np.abs(((moved - surface.points_mm[closest]) * surface.normals[closest]).sum(axis=1))
    return Match(
        transform=pose,
        distances_mm=apart,
        kept=kept,
        closest=closest,
        rms_mm=float(np.sqrt((apart[kept] ** 2).mean())),
        rounds=rounds,
        unrest_mm=moved_by,
    )


def _kept(apart: Floats, overlap: float | None) -> Any:
    """Which points are kept: array (m,), bool."""
    order = np.sort(apart)
    count = len(order)
    if overlap is not None:
        most = order[max(0, int(np.ceil(overlap * count)) - 1)]
    else:
        part = np.arange(1, count + 1) / count
        worth = np.sqrt(np.cumsum(order**2) / np.arange(1, count + 1)) / part**OVERLAP_POWER
        first = int(LEAST_OVERLAP * count)
        most = order[first + int(np.argmin(worth[first:]))]
    return apart <= most


def _step(moved: Floats, surface: Surface, closest: Any, method: Method) -> Rigid:
    """The small move of one round."""
    targets = surface.points_mm[closest]
    if method == "point-to-point":
        found = fit(targets, moved, np.ones(len(moved)))
        return Rigid(rotation=found.rotation, translation_mm=found.translation_mm)
    normals = surface.normals[closest]
    each, centre, radius = rows(moved, normals)
    square = each.T @ each
    # The damping is far below what a surface that is not refused resists with; it keeps an open motion at rest.
    motion = np.linalg.solve(
        square + 1e-6 * len(moved) * np.eye(6), each.T @ ((targets - moved) * normals).sum(axis=1)
    )
    rotation = turn(motion[:3] / radius)
    return Rigid(rotation=rotation, translation_mm=centre - rotation @ centre + motion[3:])


@dataclass(frozen=True, kw_only=True, eq=False)
class SurfaceRegistration:
    """A rigid registration of surfaces, from moving to fixed coordinates.

    Attributes
    ----------
    transform
        The move.
    method, rounds
        How, and after how many iterations it rested.
    rms_mm, median_mm, p95_mm
        Distances to the fixed surface of the moving points that were kept. They are no error at a target.
    trimmed
        Part of the moving points that was not kept, 0 to 1.
    unrest_mm
        How far the last rounds moved a point.
    stability
        How well the surface holds the motion that it holds least, 0 to 1/3; see
        :func:`~suwen.engines.registration.surface.check_stability`.
    starts_rms_mm
        RMS distance reached from each start that was tried, the one taken first.
    """

    transform: Rigid
    method: Method
    rounds: int
    rms_mm: float
    median_mm: float
    p95_mm: float
    trimmed: float
    unrest_mm: float
    stability: float
    starts_rms_mm: tuple[float, ...]

    @property
    def matrix(self) -> Floats:
        """Homogeneous matrix (4, 4), mm, from moving to fixed."""
        return self.transform.matrix

    def apply(self, points_mm: ArrayLike) -> Floats:
        """Points (..., 3) of the moving frame in the fixed one, mm."""
        return self.transform.apply(points_mm)

    def inverse(self) -> Rigid:
        """The move from fixed to moving."""
        return self.transform.inverse()

    def as_dict(self) -> dict[str, Any]:
        """The registration as JSON's own types."""
        named = ("method", "rounds", "rms_mm", "median_mm", "p95_mm", "trimmed", "unrest_mm", "stability")
        return {
            "matrix": self.matrix.tolist(),
            **{name: getattr(self, name) for name in named},
            "starts_rms_mm": list(self.starts_rms_mm),
        }


def register_surface(
    fixed_mm: ArrayLike,
    moving_mm: ArrayLike,
    *,
    normals: ArrayLike | None = None,
    start: Rigid | None = None,
    method: str = "point-to-plane",
    overlap: float | None = None,
    most_rounds: int = 200,
    largest_rms_mm: float = 3.0,
) -> SurfaceRegistration:
    """The rigid move that brings a cloud of points onto a surface.

    Parameters
    ----------
    fixed_mm
        Array (n, 3): points of the surface in the image (LPS mm).
    moving_mm
        Array (m, 3): points of the patient's surface as tracked.
    normals
        Array (n, 3) of the fixed points; estimated from their neighbours by default.
    start
        A move near the answer, as from fiducials: within some 20 degrees and a quarter of the surface's size, or as
        :func:`~suwen.engines.registration.basin.convergence_basin` measures. By default centre and principal axes
        of the two clouds, which need nearly the same extent, and the four ways to join them.
    method, overlap, most_rounds
        As for :func:`match`.
    largest_rms_mm
        A match worse than this is refused.

    Raises
    ------
    BadInput
        ``too-few-points``, ``bad-normals``, ``bad-overlap``, ``coincident-points``, ``bad-points``, ``not-finite``,
        ``not-numbers``.
    UnknownSetting
        ``unknown-method``.
    Refused
        ``wrong-units``, ``pose-ambiguous``, ``not-converged``, ``surface-misfit``, ``surface-underdetermined``,
        ``mirrored-frames``, ``start-needed``, ``better-pose``.
    """
    from suwen.engines.registration.starts import (
        check_extents,
        check_hand,
        check_sizes,
        check_start,
        ranked_starts,
    )
    from suwen.engines.registration.surface import FEWEST, surface_of

    how = checked_method(method)
    surface, moving = surface_of(fixed_mm, normals), points_of(moving_mm, "moving")
    if len(moving) < FEWEST:
        raise BadInput(
            f"{len(moving)} points are no surface",
            where="moving",
            fix=f"Give at least {FEWEST}, better some hundred, spread out",
            code="too-few-points",
        )
    if overlap is not None and not 0.1 <= overlap <= 1:
        raise BadInput(
            f"an overlap of {overlap} is not a part between 0.1 and 1",
            where="overlap",
            fix="Give 0.9",
            code="bad-overlap",
        )
    check_sizes(surface.points_mm, moving)
    if start is None:
        check_extents(surface.points_mm, moving)
    starts = [(start, 0.0)] if start is not None else ranked_starts(surface, moving, overlap)
    found = match(surface, moving, starts[0][0], method=how, overlap=overlap, most_rounds=most_rounds)
    at = found.transform.apply(moving)[found.kept]
    kept = found.distances_mm[found.kept]
    if found.rms_mm > largest_rms_mm:
        raise Refused(
            f"the surfaces come no closer than {found.rms_mm:.3g} mm RMS, {largest_rms_mm:g} mm asked",
            fix="Start nearer to the answer, as from fiducials, and check that both show the same surface",
            code="surface-misfit",
        )
    if overlap is None and found.kept.mean() < 1.1 * LEAST_OVERLAP:
        raise Refused(
            f"only {100 * found.kept.mean():.0f}% of the moving points were kept, as few as may be",
            fix="Start nearer to the answer, as from fiducials, or say which part overlaps",
            code="surface-misfit",
        )
    stability = check_stability(at, surface.normals[found.closest[found.kept]], surface.normal_noise)
    check_hand(surface, moving, found.transform, overlap)
    if start is not None:
        check_start(surface, moving, found.transform, overlap)
    if found.unrest_mm > LARGEST_UNREST_MM:
        raise Refused(
            f"the match still moves by {found.unrest_mm:.2g} mm after {found.rounds} rounds",
            fix="Start nearer to the answer, allow more rounds, or use point-to-plane",
            code="not-converged",
        )
    return SurfaceRegistration(
        transform=found.transform,
        method=how,
        rounds=found.rounds,
        rms_mm=found.rms_mm,
        median_mm=float(np.median(kept)),
        p95_mm=float(np.quantile(kept, 0.95)),
        trimmed=float(1 - found.kept.mean()),
        unrest_mm=found.unrest_mm,
        stability=stability,
        starts_rms_mm=tuple(rms for _, rms in starts) if start is None else (found.rms_mm,),
    )
