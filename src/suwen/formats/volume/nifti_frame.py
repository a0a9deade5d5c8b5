"""Where a NIfTI header says that its voxels lie: sform, qform, spacing and unit, as far as they agree."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from suwen.core.errors import BadInput
from suwen.formats.volume.grid import check_numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

AGREE_MM = 0.1
"""How far two statements of the same frame may place a corner apart, beside what rounding does to a quaternion."""

MM_PER_UNIT = {1: 1000.0, 2: 1.0, 3: 0.001}
"""Spatial codes of ``xyzt_units``: metre, millimetre, micrometre. 0 is unknown."""

TEMPLATES = {3: "the Talairach atlas", 4: "the MNI 152 template", 5: "another template"}
"""Values of ``sform_code`` and ``qform_code`` whose coordinates are not the patient's own."""


def frame_of(header: Any, shape: tuple[int, int, int]) -> tuple[NDArray[np.float64], bool, tuple[str, ...]]:
    """The frame: ``sform`` where it is set, else ``qform``.

    Parameters
    ----------
    header
        The library's header, unchecked.
    shape
        Voxels along the three axes.

    Returns
    -------
    tuple
        Affine (4, 4) from index to RAS mm, whether the unit of length is stated, and notes.

    Raises
    ------
    BadInput
        ``no-spacing``, ``missing-units``, ``missing-orientation``, ``not-finite``, ``implausible-size``,
        ``bad-affine`` (a quaternion longer than 1) or ``orientation-disagrees``.
    """
    pixdim = np.asarray(header["pixdim"][1:4], np.float64)
    check_numbers(pixdim, "the spacing")
    if (pixdim <= 0).any():
        raise BadInput(
            "the header states no spacing above 0 for each axis", fix="Export it again", code="no-spacing"
        )
    unit = int(header["xyzt_units"]) & 0x07
    if unit and unit not in MM_PER_UNIT:
        raise BadInput(f"the unit of length {unit} is unknown", fix="State mm", code="missing-units")
    mm = np.diag([*[MM_PER_UNIT.get(unit, 1.0)] * 3, 1.0])
    codes = {name: int(header[f"{name}_code"]) for name in ("sform", "qform")}
    placed: dict[str, NDArray[np.float64]] = {}
    slack = 0.0
    if codes["sform"] > 0:
        rows = [np.asarray(header[f"srow_{axis}"], np.float64) for axis in "xyz"]
        check_numbers(rows, "the affine")
        placed["sform"] = mm @ np.vstack([*rows, [0, 0, 0, 1]])
    if codes["qform"] > 0:
        form, slack = _qform(header, pixdim)
        placed["qform"] = mm @ form
    if not placed:
        raise BadInput(
            "neither sform nor qform is set: the orientation is not known",
            fix="Export the volume with its orientation; spacing alone says nothing about it",
            code="missing-orientation",
        )
    _check_agreement(placed, pixdim * mm[0, 0], shape, slack)
    notes = () if unit else ("no unit stated: mm, as the size leaves no other",)
    name = next(iter(placed))
    template = TEMPLATES.get(codes[name])
    if template:
        notes = (*notes, f"coordinates are of {template}, not of the patient")
    return placed[name], unit != 0, notes


def _qform(header: Any, pixdim: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Affine of the quaternion (nifti1.h, method 2), and by how many radians rounding may have turned it.

    Only three of its parts are stored. Near half a turn the fourth is the root of a small difference, so that
    a rounding of 1e-7 turns the whole by up to 1e-3: files that are right would disagree with their sform.
    """
    parts = np.array([float(header[f"quatern_{part}"]) for part in "bcd"])
    offsets = np.array([float(header[f"qoffset_{axis}"]) for axis in "xyz"])
    check_numbers([*parts, *offsets], "the quaternion")
    rounding = 2 * float(np.finfo(header["quatern_b"].dtype).eps)
    rest = 1 - float(parts @ parts)
    if rest < -max(rounding, 1e-6):
        raise BadInput("the quaternion is longer than 1", fix="Export the volume again", code="bad-affine")
    a = np.sqrt(max(rest, 0.0))
    b, c, d = parts / np.sqrt(max(1 - rest, 1.0))
    turn = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    mirror = -1.0 if float(header["pixdim"][0]) < 0 else 1.0
    affine = np.eye(4)
    affine[:3, :3] = turn * pixdim * [1.0, 1.0, mirror]
    affine[:3, 3] = offsets
    return affine, 2 * min(rounding / max(2 * a, 1e-12), float(np.sqrt(rounding)))


def _check_agreement(
    placed: Mapping[str, NDArray[np.float64]],
    spacing_mm: NDArray[np.float64],
    shape: tuple[int, int, int],
    slack: float,
) -> None:
    corners = np.array([[*corner, 1.0] for corner in product(*((0, side - 1) for side in shape))])
    affines = list(placed.values())
    apart = max(float(np.abs(corners @ (one - affines[0]).T).max()) for one in affines)
    sides = np.linalg.norm(affines[0][:3, :3], axis=0) * shape
    longer = float(np.abs(sides - spacing_mm * shape).max())
    allowed = AGREE_MM + slack * float(np.linalg.norm(spacing_mm * shape))
    if apart <= allowed and longer <= AGREE_MM:
        return
    what = (
        f"sform and qform place a corner {apart:.3g} mm apart"
        if apart > allowed
        else f"the spacing and {next(iter(placed))} disagree by {longer:.3g} mm over a side"
    )
    raise BadInput(what, fix="Save the volume with one frame", code="orientation-disagrees")
