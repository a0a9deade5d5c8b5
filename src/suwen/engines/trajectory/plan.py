"""Straight trajectories from a label volume: every entry to every target, scored and ranked, or why none will do."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.core.errors import BadInput
from suwen.engines.clearance.grid import (
    checked_labels,
    checked_length,
    checked_margins,
    checked_spacing,
    named,
)
from suwen.engines.trajectory.entries import Entries, bone_normals, entries_on, inward_normals, outer_surface
from suwen.engines.trajectory.score import Limits, Scored, Weights, mean_risk, score
from suwen.engines.trajectory.targets import Targets, target_points, targets_in
from suwen.engines.trajectory.verdict import Verdict, verdict_on

if TYPE_CHECKING:
    from suwen.engines.clearance.checker import Checker

Floats = NDArray[np.float64]
RISK_REACH_MM = 8.0
"""Distance from which on a critical structure adds no risk, where nothing else is stated."""
SLANT = 1.3
"""Entries farther than this many length limits are not scored: they only say that the head is large."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Ranked:
    """Every candidate, ranked.

    Attributes
    ----------
    entries, targets
        Candidate ``c`` leads from entry ``c % len(entries)`` to target ``c // len(entries)``.
    structures
        Label and name of each column of ``scored.clearance_mm``.
    margins_mm
        (structures,), what is asked for.
    radius_mm
        Of the instrument.
    limits
        What is kept.
    scored
        All measures, the reasons of refusal, and the order.
    verdict
        Whether there is a feasible one; else the best there is, and what it misses.
    """

    entries: Entries
    targets: Targets
    structures: tuple[tuple[int, str], ...]
    margins_mm: Floats
    radius_mm: float
    limits: Limits
    scored: Scored
    verdict: Verdict

    def __len__(self) -> int:
        return len(self.scored.order)

    def ends_mm(self, candidate: int) -> tuple[Floats, Floats]:
        """Entry and target of a candidate, (3,) each, grid mm."""
        target, entry = divmod(int(candidate), len(self.entries))
        return self.entries.points_mm[entry], self.targets.points_mm[target]

    def candidate_document(self, candidate: int) -> dict[str, Any]:
        """One candidate in plain types; lengths in mm, the angle in degrees, ``None`` for what is not known."""
        one, (entry, target) = self.scored, self.ends_mm(candidate)
        depth = float(self.targets.depth_mm[candidate // len(self.entries)])
        columns = [named(label, {label: name}) for label, name in self.structures]
        return {
            "entry_grid_mm": entry.tolist(),
            "target_grid_mm": target.tolist(),
            "target_depth_mm": depth if np.isfinite(depth) else None,
            "score": float(one.score[candidate]),
            "length_mm": float(one.length_mm[candidate]),
            "angle_deg": float(one.angle_deg[candidate]) if np.isfinite(one.angle_deg[candidate]) else None,
            "mean_risk": float(one.risk[candidate]) if np.isfinite(one.risk[candidate]) else None,
            "slack_mm": float(one.slack_mm[candidate]),
            "nearest": columns[int(one.nearest[candidate])],
            "clearance_mm": dict(zip(columns, one.clearance_mm[candidate].tolist(), strict=True)),
            "crossed": [
                name for name, room in zip(columns, one.clearance_mm[candidate], strict=True) if room <= 0
            ],
            "feasible": bool(one.feasible[candidate]),
            "reasons": one.reasons(candidate),
        }

    def document(self, *, shown: int = 20) -> dict[str, Any]:
        """The best candidates, what they were held to, and the verdict, in plain types.

        Parameters
        ----------
        shown
            How many candidates, the best ones.
        """
        return {
            "candidates": len(self),
            "entries": len(self.entries),
            "targets": len(self.targets),
            "limits": {
                "angle_deg": self.limits.angle_deg,
                "length_mm": self.limits.length_mm,
                "radius_mm": self.radius_mm,
                "margin_mm": {
                    named(label, {label: name}): float(margin)
                    for (label, name), margin in zip(self.structures, self.margins_mm, strict=True)
                },
            },
            "verdict": self.verdict.as_dict(),
            "ranked": [self.candidate_document(int(at)) for at in self.scored.order[:shown]],
        }


def plan_trajectories(
    labels: NDArray[Any],
    *,
    spacing_mm: ArrayLike,
    targets: ArrayLike | Targets | int,
    critical: Mapping[int, str],
    limits: Limits,
    radius_mm: float,
    body: NDArray[np.bool_] | None = None,
    entries: Entries | ArrayLike | None = None,
    allowed: NDArray[np.bool_] | None = None,
    bone: Collection[int] = (),
    margins_mm: Mapping[int, float] | None = None,
    weights: Weights | None = None,
    tissue_weights: Mapping[int, float] | None = None,
    risk_reach_mm: float = RISK_REACH_MM,
    about: int = 1000,
    about_targets: int = 8,
    checker: Checker | None = None,
) -> Ranked:
    """Score every straight trajectory from the skin to a target, exactly, and rank them.

    Parameters
    ----------
    labels
        Whole numbers, (I, J, K); 0 is background.
    spacing_mm
        (3,).
    targets
        A structure's label, whose inside gives up to ``about_targets`` points, the one with most room first; or a
        point (3,), or points (m, 3), grid mm. A structure that is the target is not critical on the way to itself.
    critical
        Label and name of what must be kept clear of.
    limits
        Margin, angle and length; the margin comes from the error budget of whoever asks.
    radius_mm
        Of the instrument.
    body
        Where tissue is besides the labels, (I, J, K). By default the labelled voxels alone.
    entries
        Entries of one's own, or points (n, 3) in grid mm; by default at least ``about`` are spread over the surface.
    allowed
        Where entries may be, (I, J, K); by default everywhere.
    bone
        Labels whose surface the angle is measured to; the skin's at the entry where none is met.
    margins_mm
        Margin of a structure by its label, in place of that of ``limits``.
    weights
        What counts in the score.
    tissue_weights
        Cost per mm inside a structure by its label, falling to 0 over ``risk_reach_mm``; 1 for a critical
        structure that is not named. This is where grey and white matter are told apart.
    about, about_targets
        How many entries are wanted, at least, and how many points of a target structure, at most.
    checker
        Of these labels and these critical structures, where one is at hand: building it reads every voxel.

    Returns
    -------
    Ranked
        Feasible ones first. Where none is, nothing is relaxed: ``verdict`` says the best clearance there is, and
        at which structure.

    Raises
    ------
    BadInput
        ``not-three-dimensional``, ``not-labels``, ``bad-spacing``, ``critical-empty``, ``critical-absent``,
        ``margin-missing`` for a margin of what is not critical, ``mixed-grid``, ``length-unusable``, ``bad-weights``;
        ``bad-point``, ``outside-image``, ``empty-structure``, ``target-outside-body``; ``no-entry``,
        ``no-candidates``, ``same-place``.
    MissingExtra
        Without numba or scipy.
    """
    from suwen.engines.clearance.checker import Checker
    from suwen.engines.clearance.fields import risk_field

    volume, spacing = checked_labels(labels), checked_spacing(spacing_mm)
    radius = checked_length(radius_mm, "The radius")
    tissue = (volume != 0) if body is None else _mask(body, volume, "body") | (volume != 0)
    own = targets.label if isinstance(targets, Targets) else _label(targets)
    spared = {int(label): str(name) for label, name in critical.items() if label != own}
    wanted = _margins(spared, limits, margins_mm)
    if checker is None or checker.critical != spared:
        checker = Checker(volume, spacing, spared)
    structures = tuple((label, spared[label]) for label in checker.trees)
    margins = np.array([wanted[label] for label, _ in structures])

    def at_points(points_mm: Floats) -> Floats:
        return np.stack([tree.to_points(points_mm) for tree in checker.trees.values()], axis=1) - radius

    if isinstance(targets, Targets):
        goals = targets
    elif own is not None:
        goals = targets_in(
            volume,
            spacing,
            own,
            about=about_targets,
            room_mm=lambda points: (at_points(points) - margins).min(1),
        )
    else:
        goals = target_points(targets, volume.shape, spacing)
    _in_tissue(goals, tissue, spacing)
    starts = _entries(entries, tissue, spacing, goals, limits, about, allowed)
    begins = np.tile(starts.points_mm, (len(goals), 1))
    ends = np.repeat(goals.points_mm, len(starts), axis=0)
    clearance = checker.segment_clearances_mm(begins, ends, radius_mm=radius)
    costs = {**dict.fromkeys(spared, 1.0), **(tissue_weights or {})}
    closed = ~tissue
    closed[tuple(starts.voxels.T)] = False
    scored = score(
        begins,
        ends,
        clearance_mm=clearance,
        normals=_normals(volume, bone, starts, begins, ends, spacing),
        risk=mean_risk(
            begins, ends, closed, risk_field(volume, spacing, costs, reach_mm=risk_reach_mm), spacing
        ),
        limits=limits,
        weights=weights or Weights(),
        margins_mm=margins,
    )
    return Ranked(
        entries=starts,
        targets=goals,
        structures=structures,
        margins_mm=margins,
        radius_mm=radius,
        limits=limits,
        scored=scored,
        verdict=verdict_on(scored, structures, margins, at_points(goals.points_mm)),
    )


def _mask(mask: Any, volume: NDArray[Any], what: str) -> NDArray[np.bool_]:
    array = np.asarray(mask)
    if array.shape != volume.shape:
        raise BadInput(
            f"the {what} has the shape {array.shape}, the labels {volume.shape}",
            where=what,
            fix="Give both on the same grid",
            code="mixed-grid",
        )
    return np.asarray(array != 0)


def _label(targets: Any) -> int | None:
    """The structure that a target is; ``None`` for points."""
    whole = isinstance(targets, int | np.integer) and not isinstance(targets, bool)
    return int(targets) if whole else None


def _in_tissue(goals: Targets, tissue: NDArray[np.bool_], spacing: Floats) -> None:
    at = np.clip(np.floor(goals.points_mm / spacing + 0.5).astype(int), 0, np.array(tissue.shape) - 1)
    if not tissue[tuple(at.T)].all():
        raise BadInput(
            "a target lies in the air, outside the body",
            where="targets",
            fix="Check frame and unit",
            code="target-outside-body",
        )


def _margins(
    spared: Mapping[int, str], limits: Limits, margins_mm: Mapping[int, float] | None
) -> dict[int, float]:
    own = {int(label): value for label, value in (margins_mm or {}).items()}
    strange = [label for label in own if label not in spared]
    if strange:
        raise BadInput(
            f"a margin is stated for label {strange[0]}, which is not critical here",
            where="margins_mm",
            fix="State margins of critical structures, and none of the target's own",
            code="margin-missing",
        )
    return checked_margins({**dict.fromkeys(spared, limits.margin_mm), **own}, spared)


def _entries(
    entries: Any,
    tissue: NDArray[np.bool_],
    spacing: Floats,
    goals: Targets,
    limits: Limits,
    about: int,
    allowed: NDArray[np.bool_] | None,
) -> Entries:
    if isinstance(entries, Entries):
        found = entries
    elif entries is not None:
        points = target_points(entries, tissue.shape, spacing).points_mm
        voxels = np.floor(points / spacing + 0.5).astype(np.int64)
        voxels = np.clip(voxels, 0, np.array(tissue.shape) - 1)
        found = Entries(voxels=voxels, points_mm=points, inward=inward_normals(tissue, voxels, spacing))
    else:
        surface = outer_surface(tissue)
        if allowed is not None:
            surface &= _mask(allowed, tissue, "region of entries")
        return entries_on(
            surface,
            tissue,
            spacing,
            about=about,
            near_mm=goals.points_mm,
            within_mm=SLANT * limits.length_mm,
        )
    if not len(found):
        raise BadInput("there is no entry", where="entries", fix="Give one at least", code="no-candidates")
    return found


def _normals(
    volume: NDArray[Any],
    bone: Collection[int],
    starts: Entries,
    begins: Floats,
    ends: Floats,
    spacing: Floats,
) -> Floats:
    """The bone's normal where each way meets it; the skin's at the entry where it meets none."""
    skin = np.tile(starts.inward, (len(begins) // len(starts), 1))
    if not bone:
        return skin
    _, normals = bone_normals(np.isin(volume, list(bone)), begins, ends, spacing)
    return np.asarray(np.where(np.isfinite(normals), normals, skin))
