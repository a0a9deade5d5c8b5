"""What a planner walks on: walls with their margin, costs, and where a path may begin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suwen.systems.surgery._anatomy import Anatomy, Voxel, surface_of


@dataclass(frozen=True, kw_only=True, eq=False)
class Ground:
    """What a planner walks on.

    Attributes
    ----------
    walls
        Array (I, J, K), bool: where a path may not go.
    cost
        Array (I, J, K), float32: cost per mm, 1 where nothing is near.
    starts
        Voxels the path may begin at: the entry, or the free surface of the body.
    """

    walls: NDArray[np.bool_]
    cost: NDArray[np.float32]
    starts: NDArray[np.bool_] | None


def ground_of(anatomy: Anatomy, protocol: Mapping[str, float], margin_mm: float) -> Ground:
    """Walls and costs of a case.

    Parameters
    ----------
    anatomy
        Placed on its grid.
    protocol
        Weight and reach of the risk.
    margin_mm
        Of every critical structure, beyond the instrument's radius.
    """
    from suwen.engines.clearance.fields import risk_field, walls_for

    case, spacing = anatomy.case, anatomy.spacing_mm
    walls = walls_for(
        anatomy.labels, spacing, anatomy.critical, margin_mm, case.instrument.radius_mm, corners="forbid"
    )
    weights = {**dict.fromkeys(anatomy.critical, protocol["risk_weight"]), **case.weights}
    cost = risk_field(anatomy.labels, spacing, weights, reach_mm=protocol["risk_reach_mm"])
    cost += np.float32(1)
    starts = None
    if anatomy.entry is None:
        starts = surface_of(case) & ~walls
    if anatomy.closed is not None:
        open_ends = [end for end in (anatomy.entry, anatomy.target) if end is not None]
        shut = anatomy.closed
        if starts is not None:
            shut = shut & ~starts
        walls |= shut
        for end in open_ends:
            walls[end] &= not anatomy.closed[end]
    return Ground(walls=walls, cost=cost, starts=starts)


def wider(anatomy: Anatomy, ground: Ground, margin_mm: float) -> NDArray[np.bool_]:
    """Walls that guarantee the margin to any line between them, not to moves of the grid alone."""
    from suwen.engines.clearance.fields import walls_for

    radius_mm = anatomy.case.instrument.radius_mm
    walls = walls_for(
        anatomy.labels, anatomy.spacing_mm, anatomy.critical, margin_mm, radius_mm, moves="anywhere"
    )
    walls |= ground.walls
    return walls


def shut_for(anatomy: Anatomy, start: Voxel) -> NDArray[np.bool_] | None:
    """Outside the body, but for the voxel where the path begins; ``None`` where the body is not known."""
    if anatomy.closed is None:
        return None
    shut = anatomy.closed.copy()
    shut[start] = False
    return shut
