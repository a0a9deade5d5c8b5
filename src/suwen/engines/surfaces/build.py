"""Surfaces of several groups of labels at once, within a budget of triangles."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.core.errors import BadInput
from suwen.engines.surfaces.mesh import EMPTY, Mesh
from suwen.engines.surfaces.nets import ROUNDS, net
from suwen.engines.surfaces.simplify import simplified

Key = TypeVar("Key", bound=Hashable)

EACH, TOTAL = 6_000, 60_000
"""Triangles of one structure and of all, at most."""
LEAST = 200
"""Triangles that every structure gets, however many there are."""


def surfaces(
    labels: ArrayLike,
    groups: Mapping[Key, Collection[int]],
    spacing_mm: ArrayLike,
    *,
    each: int | Mapping[Key, int] = EACH,
    total: int = TOTAL,
    rounds: int = ROUNDS,
) -> dict[Key, Mesh]:
    """One closed surface for each group of labels.

    Parameters
    ----------
    labels
        (I, J, K), whole numbers.
    groups
        Label values that make one structure; a label may be in several.
    spacing_mm
        (3,), above 0.
    each
        Triangles of a structure, at most; or of each of them.
    total
        Triangles of all, at most, but never fewer than :data:`LEAST` for each.
    rounds
        Of smoothing; see :func:`suwen.engines.surfaces.nets.net`.

    Returns
    -------
    dict
        Meshes in grid mm, in the order of the groups; an empty mesh where no voxel has the labels.

    Raises
    ------
    BadInput
        ``not-labels``, and what :func:`~suwen.engines.surfaces.nets.net` and
        :func:`~suwen.engines.surfaces.simplify.simplified` refuse.
    """
    volume = np.asarray(labels)
    if volume.dtype.kind not in "bui":
        raise BadInput(
            "surfaces are made of labels, and these are no whole numbers",
            fix="Give the segmentation",
            code="not-labels",
        )
    full = {key: surface(volume, values, spacing_mm, rounds=rounds) for key, values in groups.items()}
    most = {key: each[key] if isinstance(each, Mapping) else each for key in groups}
    allowed = shares({key: min(len(full[key].triangles), most[key]) for key in groups}, total)
    return {
        key: simplified(mesh, max(allowed[key], 4)) if len(mesh.triangles) else mesh
        for key, mesh in full.items()
    }


def surface(
    labels: NDArray[Any], values: Collection[int], spacing_mm: ArrayLike, *, rounds: int = ROUNDS
) -> Mesh:
    """The closed surface around all voxels of these labels, in grid mm, at full size; see :func:`surfaces`."""
    if labels.ndim != 3:
        raise BadInput(
            f"a surface was asked of {labels.ndim} dimensions", fix="Give three", code="not-three-dimensional"
        )
    mask = chosen(labels, values)
    where = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        hit = np.flatnonzero(mask.any(axis=others))
        if not len(hit):
            return EMPTY
        where.append(slice(int(hit[0]), int(hit[-1]) + 1))
    return net(mask[tuple(where)], spacing_mm, first=[part.start for part in where], rounds=rounds)


def chosen(labels: NDArray[Any], values: Collection[int]) -> NDArray[np.bool_]:
    """Where the labels have one of these values."""
    if len(values) == 1:
        return np.asarray(labels == next(iter(values)))
    return np.isin(labels, list(values), kind="table" if labels.dtype.itemsize <= 2 else None)


def shares(wanted: Mapping[Key, int], total: int) -> dict[Key, int]:
    """What each may have of a total: as wanted where that fits, otherwise the large ones give up the most.

    Parameters
    ----------
    wanted
        Number that each would use.
    total
        Sum that should not be exceeded.
    """
    cap, left, open_ = 0, total, sorted(wanted, key=lambda key: wanted[key])
    for place, key in enumerate(open_):
        cap = max(left // (len(open_) - place), LEAST)
        if wanted[key] > cap:
            break
        left -= wanted[key]
    else:
        return dict(wanted)
    return {key: min(many, cap) for key, many in wanted.items()}
