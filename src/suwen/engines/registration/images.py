"""Registration of images by their intensities: SimpleITK optimises, and we judge what it brings back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.core.errors import BadInput, Refused, UnknownSetting, nearest
from suwen.engines.registration import _simpleitk
from suwen.engines.registration.rigid import Floats, Rigid
from suwen.formats.volume.grid import checked_affine

Kind = Literal["rigid", "affine"]
KINDS = ("rigid", "affine")
METRICS = ("mutual-information", "mean-squares")
SMALLEST = 8
"""Voxels along a side below which there is too little to register."""
PROBES = 9
"""Points along each axis of the fixed image at which moves are compared."""
LARGEST_STRETCH = 1.5
"""An affine move that stretches or shrinks by more than this is no patient's."""
ITK_LIMIT = "Maximum number of iterations"


@dataclass(frozen=True, kw_only=True)
class SelfCheck:
    """What a registration is worth by its own evidence. Agreement with itself is needed for truth, and is not truth.

    Attributes
    ----------
    inverse_consistency_mm
        Largest distance over the overlap between a point and itself, taken there by this registration and back by an
        independent one of the exchanged images.
    recovery_mm
        Largest error over the overlap with which known displacements of the moving image, of some mm and degrees,
        were found.
    limit_mm
        What both must stay below: the larger image's voxel diagonal.
    """

    inverse_consistency_mm: float
    recovery_mm: float
    limit_mm: float


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageRegistration:
    """A registration of images, from moving to fixed LPS coordinates.

    Attributes
    ----------
    matrix
        Array (4, 4), mm.
    kind, metric
        As asked.
    metric_value, start_value
        Of the metric at the end and at the start, less is better: mean squared difference, or minus the mutual
        information.
    overlap
        Part of the smaller image's field of view that lies within the other's, 0 to 1.
    rounds
        Iterations at the finest level.
    check
        The self-check; ``None`` where it was not asked for.
    """

    matrix: Floats
    kind: Kind
    metric: str
    metric_value: float
    start_value: float
    overlap: float
    rounds: int
    check: SelfCheck | None

    @property
    def transform(self) -> Rigid:
        """The rigid move.

        Raises
        ------
        BadInput
            ``not-rigid`` for an affine registration.
        """
        return Rigid.from_matrix(self.matrix)

    def apply(self, points_lps_mm: ArrayLike) -> Floats:
        """Points (..., 3) of the moving image in the fixed one, LPS mm."""
        return moved(self.matrix, points_lps_mm)

    def inverse(self) -> Floats:
        """Array (4, 4): from fixed to moving LPS mm, as resampling needs it."""
        return inverse(self.matrix)

    def as_dict(self) -> dict[str, Any]:
        """The registration as JSON's own types."""
        return {
            "matrix": self.matrix.tolist(),
            "kind": self.kind,
            "metric": self.metric,
            "metric_value": self.metric_value,
            "start_value": self.start_value,
            "overlap": self.overlap,
            "rounds": self.rounds,
            "check": None if self.check is None else vars(self.check),
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class Placed:
    """An image, checked, with where it lies.

    Attributes
    ----------
    array
        Array (I, J, K), finite.
    affine_lps
        Array (4, 4), from index to LPS mm.
    """

    array: NDArray[Any]
    affine_lps: Floats

    @property
    def voxel_mm(self) -> float:
        """Diagonal of a voxel."""
        return float(np.sqrt((self.affine_lps[:3, :3] ** 2).sum()))

    @property
    def centre_lps_mm(self) -> Floats:
        """Centre of the field of view, array (3,)."""
        return moved(self.affine_lps, (np.array(self.array.shape) - 1) / 2)

    def probes(self) -> Floats:
        """Points (n, 3), LPS mm, spread over the field of view."""
        axes = [np.linspace(0, size - 1, PROBES) for size in self.array.shape]
        return moved(self.affine_lps, np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3))

    def holds(self, points_lps_mm: Floats) -> NDArray[np.bool_]:
        """Which points (n, 3) lie within the field of view."""
        index = moved(inverse(self.affine_lps), points_lps_mm)
        return np.asarray(((index >= -0.5) & (index <= np.array(self.array.shape) - 0.5)).all(axis=1))


def moved(matrix: Floats, points: ArrayLike) -> Floats:
    """Points (..., 3) under a homogeneous matrix (4, 4)."""
    return np.asarray(np.asarray(points, float) @ matrix[:3, :3].T + matrix[:3, 3])


def inverse(matrix: Floats) -> Floats:
    """The move back, array (4, 4), its last row exact."""
    made = np.eye(4)
    made[:3, :3] = np.linalg.inv(matrix[:3, :3])
    made[:3, 3] = -made[:3, :3] @ matrix[:3, 3]
    return made


def overlap_of(fixed: Placed, moving: Placed, to_moving: Floats) -> float:
    """Part of the smaller field of view, by volume, that lies within the other."""
    volumes = [one.array.size * abs(np.linalg.det(one.affine_lps[:3, :3])) for one in (fixed, moving)]
    if volumes[0] <= volumes[1]:
        return float(moving.holds(moved(to_moving, fixed.probes())).mean())
    return float(fixed.holds(moved(inverse(to_moving), moving.probes())).mean())


def register_images(
    fixed: NDArray[Any],
    fixed_affine_lps: ArrayLike,
    moving: NDArray[Any],
    moving_affine_lps: ArrayLike,
    *,
    kind: str = "rigid",
    metric: str = "mutual-information",
    start: Rigid | str = "centres",
    least_overlap: float = 0.25,
    rounds: int = 300,
    seed: int = 1,
    check: bool = True,
) -> ImageRegistration:
    """The move that brings one image onto another.

    Parameters
    ----------
    fixed, moving
        Arrays (I, J, K), finite.
    fixed_affine_lps, moving_affine_lps
        Arrays (4, 4), from index (voxel centres) to LPS mm.
    kind
        ``rigid``; ``affine`` where the scanners' scales differ.
    metric
        ``mutual-information`` (Mattes) for any two modalities; ``mean-squares`` for two images of the same one.
    start
        A move from moving to fixed, near the answer; ``centres`` joins the centres of the fields of view,
        ``frames`` takes the two frames to be the same.
    least_overlap
        Part of the smaller field of view that must lie within the other, above 0 to 1.
    rounds
        Iterations at most, at each level.
    seed
        Of the drawing of voxels: the same seed gives the same matrix.
    check
        Whether the result is checked against itself, which takes three more registrations.

    Raises
    ------
    BadInput
        ``not-three-dimensional``, ``image-too-small``, ``not-finite``, ``flat-image``, ``bad-overlap`` and what
        :func:`~suwen.formats.volume.grid.checked_affine` refuses.
    UnknownSetting
        ``unknown-kind``, ``unknown-metric``, ``unknown-start``.
    Refused
        ``no-overlap``; ``not-converged``: the optimiser ran out of rounds, or the self-check missed its limit.
    MissingExtra
        SimpleITK is not installed.

    Notes
    -----
    Regular-step gradient descent over up to three levels (shrunk by 4, 2 and 1), one thread, at most 60,000 seeded
    voxels at each. A match is local: from a start some 30 degrees or half the anatomy away, another one may be
    found.
    """
    plan = _plan(kind, metric, rounds, seed)
    f, m = _placed(fixed, fixed_affine_lps, "fixed"), _placed(moving, moving_affine_lps, "moving")
    if not 0 < least_overlap <= 1:
        raise BadInput(
            f"an overlap of {least_overlap} is not above 0 and at most 1",
            where="least_overlap",
            fix="Give 0.25",
            code="bad-overlap",
        )
    begin = _start(start, f, m)
    _check_overlap(f, m, begin, least_overlap, "at the start")
    images = (
        _simpleitk.image_of(f.array, f.affine_lps),
        _simpleitk.image_of(m.array, m.affine_lps),
    )
    reached = _simpleitk.optimise(*images, begin, plan)
    overlap = _check_overlap(f, m, reached.to_moving, least_overlap, "where the registration came to")
    _check_plausible(reached)
    judged: SelfCheck | None = None
    if check:
        from suwen.engines.registration.self_check import self_check

        judged = self_check(f, m, images, begin, reached, plan)
    return ImageRegistration(
        matrix=inverse(reached.to_moving),
        kind="rigid" if plan.kind == "rigid" else "affine",
        metric=plan.metric,
        metric_value=reached.value,
        start_value=reached.start_value,
        overlap=overlap,
        rounds=reached.rounds,
        check=judged,
    )


def _plan(kind: str, metric: str, rounds: int, seed: int) -> _simpleitk.Plan:
    codes = {"kind": "unknown-kind", "metric": "unknown-metric"}
    for name, known, where in ((kind, KINDS, "kind"), (metric, METRICS, "metric")):
        if name not in known:
            raise UnknownSetting(
                f"'{name}' is no {where} of image registration",
                where=where,
                fix=nearest(name, known),
                code=codes[where],
            )
    return _simpleitk.Plan(kind=kind, metric=metric, rounds=rounds, seed=seed)


def _placed(array: NDArray[Any], affine_lps: ArrayLike, where: str) -> Placed:
    values = np.asarray(array)
    if values.ndim != 3:
        raise BadInput(
            f"the image has {values.ndim} dimensions",
            where=where,
            fix="Give one with three",
            code="not-three-dimensional",
        )
    if min(values.shape) < SMALLEST:
        raise BadInput(
            f"the image has {min(values.shape)} voxels along a side, {SMALLEST} asked",
            where=where,
            fix="Give more slices",
            code="image-too-small",
        )
    if not np.isfinite(values).all():
        raise BadInput(
            "the image holds values that are not finite",
            where=where,
            fix="Fill them with the value of air",
            code="not-finite",
        )
    if values.min() == values.max():
        raise BadInput(
            "the image has one value everywhere",
            where=where,
            fix="Give one that shows something",
            code="flat-image",
        )
    return Placed(array=values, affine_lps=checked_affine(affine_lps, values.shape))


def _start(start: Rigid | str, fixed: Placed, moving: Placed) -> Floats:
    """From fixed to moving, array (4, 4)."""
    if isinstance(start, Rigid):
        return start.inverse().matrix
    if start not in ("centres", "frames"):
        raise UnknownSetting(
            f"'{start}' is no start",
            where="start",
            fix=nearest(start, ("centres", "frames")),
            code="unknown-start",
        )
    begin = np.eye(4)
    if start == "centres":
        begin[:3, 3] = moving.centre_lps_mm - fixed.centre_lps_mm
    return begin


def _check_overlap(fixed: Placed, moving: Placed, to_moving: Floats, least: float, when: str) -> float:
    found = overlap_of(fixed, moving, to_moving)
    if found < least:
        raise Refused(
            f"{when} {100 * found:.0f}% of the smaller image lies within the other, {100 * least:.0f}% asked",
            fix="Give a start near the answer, as from landmarks, and check both frames",
            code="no-overlap",
        )
    return found


def _check_plausible(reached: _simpleitk.Reached) -> None:
    """Refuse an optimisation that was cut short, and an affine move that nobody's anatomy makes."""
    if ITK_LIMIT.lower() in reached.stop.lower():
        raise Refused(
            f"the optimiser still moved after {reached.rounds} rounds",
            fix="Allow more rounds, or give a start near the answer",
            code="not-converged",
        )
    stretch = np.linalg.svd(reached.to_moving[:3, :3], compute_uv=False)
    mirrored = np.linalg.det(reached.to_moving[:3, :3]) < 0
    if mirrored or stretch[0] > LARGEST_STRETCH or stretch[2] < 1 / LARGEST_STRETCH:
        raise Refused(
            f"the affine move stretches by {stretch[2]:.2f} to {stretch[0]:.2f}{' and mirrors' if mirrored else ''}",
            fix="Register rigidly first, and start from that",
            code="not-converged",
        )
