"""The independent certificate: any path against the label volume itself, by code that no planner shares.

A path is sampled at no more than 0.05 mm and the distance of every sample to every structure is exact:
structures are unions of boxes, kept in a tree. Distance changes by no more than the way walked, so between
two samples it is never below the lower of them less half a step. That bound is then replaced by the exact
minimum of each straight piece (distance from a segment to a box, in closed form), and the two must agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.core.errors import BadInput
from suwen.engines.clearance.certificate import Certificate, Curve, StructureClearance
from suwen.engines.clearance.grid import (
    Floats,
    checked_labels,
    checked_length,
    checked_margins,
    checked_spacing,
    named,
    runs_of,
)
from suwen.engines.clearance.path import Sampled, checked_path, sampled
from suwen.engines.clearance.tree import BoxTree, tree_of
from suwen.engines.clearance.violations import marked_length_mm, reason, stretches_too_close

ROUNDING_MM = 1e-9
"""What the arithmetic of a distance may be off by, generously, at the size of a body."""
STEP_MM = 0.05


class Checker:
    """Critical structures of one label volume, ready to certify any number of paths.

    Parameters
    ----------
    labels
        Whole numbers, shape (I, J, K).
    spacing_mm
        Of the voxels, shape (3,).
    critical
        Label and name of each structure that must be kept clear of.
    allow_absent
        Whether a critical label may be missing from the volume. By default it may not: a structure that was
        not segmented is not a structure that is not there.

    Raises
    ------
    BadInput
        ``not-three-dimensional``, ``not-labels``, ``bad-spacing``, ``critical-empty``, ``critical-absent``.
    MissingExtra
        Without numba.
    """

    def __init__(
        self,
        labels: NDArray[Any],
        spacing_mm: ArrayLike,
        critical: Mapping[int, str],
        *,
        allow_absent: bool = False,
    ) -> None:
        volume = checked_labels(labels)
        spacing = checked_spacing(spacing_mm)
        checked_margins(0.0, critical)
        self.critical = {int(label): str(name) for label, name in critical.items()}
        self.low_mm: Floats = -0.5 * spacing
        self.high_mm: Floats = (np.array(volume.shape) - 0.5) * spacing
        runs = runs_of(volume)
        chosen = np.flatnonzero(np.isin(runs.value, list(self.critical)))
        low, high = runs.boxes_mm(chosen, spacing)
        of = runs.value[chosen]
        self.trees: dict[int, BoxTree] = {
            label: tree_of(low[of == label], high[of == label]) for label in sorted(set(of.tolist()))
        }
        self.absent = tuple(label for label in self.critical if label not in self.trees)
        if self.absent and not (allow_absent and self.trees):
            raise BadInput(
                f"The label volume has no voxel of {named(self.absent[0], self.critical)}",
                code="critical-absent",
                fix="Name critical structures that were segmented; a missing one cannot be kept clear of",
            )

    def certify(
        self,
        path_mm: ArrayLike,
        *,
        margin_mm: float | Mapping[int, float],
        radius_mm: float,
        step_mm: float = STEP_MM,
    ) -> Certificate:
        """Measure one path and say whether it keeps every margin.

        Parameters
        ----------
        path_mm
            Corners of the path of the instrument's axis in grid mm, shape (n, 3), straight in between.
        margin_mm
            Clearance that is asked for, of all structures or of each.
        radius_mm
            Of the instrument.
        step_mm
            Largest distance between two samples, 0.05 mm or less.

        Raises
        ------
        BadInput
            ``path-unusable`` (empty, one point, no length, not finite), ``margin-missing``,
            ``length-unusable``.
        """
        margins = checked_margins(margin_mm, self.critical)
        radius = checked_length(radius_mm, "The radius")
        if not 0 < step_mm <= STEP_MM:
            raise BadInput(
                f"Samples are taken every {STEP_MM} mm or closer, not {step_mm}", code="length-unusable"
            )
        vertices = checked_path(path_mm)
        walk = sampled(vertices, step_mm)
        labels = np.array(list(self.trees))
        distances = np.stack([tree.to_points(walk.points_mm) for tree in self.trees.values()])
        found, reasons = [], []
        for label, distance in zip(labels.tolist(), distances, strict=True):
            structure, agreed = self._structure(label, distance, vertices, walk, margins[label], radius)
            found.append(structure)
            if not structure.holds:
                reasons.append(reason(structure, named(label, self.critical)))
            if not agreed:
                reasons.append(f"The two measures of clearance from {named(label, self.critical)} disagree")
        clearance = distances - radius
        closer = clearance < np.array([margins[label] - ROUNDING_MM for label in labels.tolist()])[:, None]
        closer |= clearance <= 0
        outside = (walk.points_mm < self.low_mm) | (walk.points_mm > self.high_mm)
        if ((vertices < self.low_mm) | (vertices > self.high_mm)).any():
            reasons.append("The path leaves the image, and nothing is known about what is there")
        nearest = distances.argmin(axis=0)
        least = min(found, key=lambda structure: structure.clearance_lower_bound_mm)
        return Certificate(
            holds=not reasons,
            reasons=tuple(reasons),
            clearance_mm=min(structure.clearance_mm for structure in found),
            clearance_lower_bound_mm=least.clearance_lower_bound_mm,
            nearest_label=least.label,
            at_grid_mm=least.at_grid_mm,
            arc_length_mm=least.arc_length_mm,
            structures=tuple(sorted(found, key=lambda structure: structure.slack_mm)),
            violations=tuple(stretches_too_close(labels.tolist(), closer, clearance, walk, found)),
            violation_mm=marked_length_mm(np.any(closer, axis=0), walk.arc_length_mm),
            outside_mm=marked_length_mm(np.any(outside, axis=1), walk.arc_length_mm),
            curve=Curve(
                arc_length_mm=walk.arc_length_mm,
                label=labels[nearest],
                clearance_mm=clearance[nearest, np.arange(len(nearest))],
            ),
            length_mm=float(walk.arc_length_mm[-1]),
            radius_mm=radius,
            step_mm=float(step_mm),
            samples=len(walk.points_mm),
            absent=self.absent,
        )

    def _structure(
        self, label: int, distance: Floats, vertices: Floats, walk: Sampled, margin: float, radius: float
    ) -> tuple[StructureClearance, bool]:
        """One structure's least clearance, and whether samples and exact minimum agree."""
        at = int(distance.argmin())
        lowest = float(distance[at])
        exact, segment, fraction = self.trees[label].to_polyline(vertices, lowest)
        point, arc = walk.points_mm[at], float(walk.arc_length_mm[at])
        if segment >= 0:
            along = vertices[segment + 1] - vertices[segment]
            point = vertices[segment] + fraction * along
            arc = float(walk.corner_mm[segment] + fraction * np.linalg.norm(along))
        structure = StructureClearance(
            label=label,
            name=self.critical[label],
            clearance_mm=lowest - radius,
            clearance_lower_bound_mm=exact - radius - ROUNDING_MM,
            margin_mm=margin,
            at_grid_mm=(float(point[0]), float(point[1]), float(point[2])),
            arc_length_mm=arc,
        )
        return structure, exact >= lowest - 0.5 * walk.step_mm - 1e-6

    def segment_clearances_mm(
        self, entries_mm: ArrayLike, targets_mm: ArrayLike, *, radius_mm: float
    ) -> Floats:
        """Exact clearance of many straight needles from each critical structure, without samples.

        Parameters
        ----------
        entries_mm, targets_mm
            Ends of each needle's axis in grid mm, both of shape (n, 3).
        radius_mm
            Of the needle.

        Returns
        -------
        ndarray
            Distance less radius in mm, shape (n, structures), in the order of ``trees``.

        Raises
        ------
        BadInput
            ``path-unusable``, ``length-unusable``.
        """
        radius = checked_length(radius_mm, "The radius")
        ends = [np.ascontiguousarray(points, dtype=np.float64) for points in (entries_mm, targets_mm)]
        if any(e.ndim != 2 or e.shape[1] != 3 or not np.isfinite(e).all() for e in ends) or (
            len(ends[0]) != len(ends[1])
        ):
            raise BadInput(
                "Entries and targets are equally many points of three finite coordinates in mm",
                code="path-unusable",
            )
        return np.stack([tree.to_segments(*ends) for tree in self.trees.values()], axis=1) - radius


def certify(
    path_mm: ArrayLike,
    labels: NDArray[Any],
    spacing_mm: ArrayLike,
    *,
    critical: Mapping[int, str],
    margin_mm: float | Mapping[int, float],
    radius_mm: float,
    step_mm: float = STEP_MM,
) -> Certificate:
    """Certify one path: `Checker` for a volume that is asked about once."""
    checker = Checker(labels, spacing_mm, critical)
    return checker.certify(path_mm, margin_mm=margin_mm, radius_mm=radius_mm, step_mm=step_mm)


def certify_segment(
    entry_mm: ArrayLike,
    target_mm: ArrayLike,
    labels: NDArray[Any],
    spacing_mm: ArrayLike,
    *,
    critical: Mapping[int, str],
    margin_mm: float | Mapping[int, float],
    radius_mm: float,
) -> Certificate:
    """Certify one straight needle from entry to target, both in grid mm."""
    return certify(
        np.stack([np.asarray(entry_mm), np.asarray(target_mm)]),
        labels,
        spacing_mm,
        critical=critical,
        margin_mm=margin_mm,
        radius_mm=radius_mm,
    )
