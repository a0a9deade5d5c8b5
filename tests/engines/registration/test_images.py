"""Images: known rigid displacements of real volumes are recovered; what does not converge or overlap is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.errors import BadInput, Refused, SuwenError, UnknownSetting
from suwen.engines.registration.images import ImageRegistration, register_images
from suwen.engines.registration.rigid import Floats, Rigid, turn

pytest.importorskip("SimpleITK")
Volume = tuple[Any, Floats]


def thinned(array: Any, affine: Floats, factor: int) -> Volume:
    """The mean of blocks of voxels, and the affine of the coarser grid."""
    cut = array[tuple(slice(0, size // factor * factor) for size in array.shape)]
    i, j, k = (size // factor for size in cut.shape)
    coarse = cut.reshape(i, factor, j, factor, k, factor).mean(axis=(1, 3, 5))
    placed = affine.copy()
    placed[:3, :3] *= factor
    placed[:3, 3] += affine[:3, :3] @ np.full(3, (factor - 1) / 2)
    return coarse, placed


def read(path: Path, factor: int) -> Volume:
    import nibabel

    image = nibabel.load(path)
    return thinned(image.get_fdata(dtype=np.float32), np.diag([-1.0, -1, 1, 1]) @ image.affine, factor)


@pytest.fixture(scope="module")
def ct(data_dir: Path) -> Volume:
    """A real CT at 6 mm."""
    return read(data_dir / "surgery" / "anatomy" / "totalseg" / "example_ct.nii.gz", 2)


@pytest.fixture(scope="module")
def mr(data_dir: Path) -> Volume:
    """A real MR of 20 slices at 3 mm."""
    return read(data_dir / "surgery" / "anatomy" / "totalseg" / "example_mr_sm.nii.gz", 1)


def about_centre(volume: Volume, angle_deg: float, shift_mm: float, axis: Any = (0.6, 0.48, 0.64)) -> Rigid:
    array, affine = volume
    centre = affine[:3, :3] @ ((np.array(array.shape) - 1) / 2) + affine[:3, 3]
    rotation = turn(np.radians(angle_deg) * np.array(axis))
    return Rigid(
        rotation=rotation, translation_mm=centre - rotation @ centre + shift_mm * np.array([0.6, -0.48, 0.64])
    )


def displaced(volume: Volume, by: Rigid, margin: Any) -> tuple[Volume, Volume]:
    """An image, and the same anatomy displaced and sampled anew with noise: both cut so that nothing is filled in."""
    from scipy import ndimage

    array, affine = volume
    to_index = np.linalg.inv(affine) @ by.inverse().matrix @ affine
    drawn = ndimage.affine_transform(array, to_index[:3, :3], to_index[:3, 3], order=1, mode="nearest")
    drawn += np.random.default_rng(0).normal(size=drawn.shape) * 0.02 * float(array.std())
    cut = tuple(slice(one, size - one) for one, size in zip(margin, array.shape, strict=True))
    placed = affine.copy()
    placed[:3, 3] += affine[:3, :3] @ np.array(margin)
    return (array[cut], placed), (drawn[cut], placed)


def worst(found: ImageRegistration, fixed: Volume, by: Rigid) -> float:
    """Largest error at the corners and the centre of the fixed image, mm."""
    ends = np.array(np.meshgrid(*[[0, (size - 1) / 2, size - 1] for size in fixed[0].shape])).reshape(3, -1).T
    at = ends @ fixed[1][:3, :3].T + fixed[1][:3, 3]
    return float(np.linalg.norm(found.apply(by.apply(at)) - at, axis=1).max())


@pytest.mark.parametrize("metric", ["mean-squares", "mutual-information"])
def test_a_displaced_ct_is_recovered_to_less_than_a_voxel(ct: Volume, metric: str) -> None:
    by = about_centre(ct, 8, 12)
    fixed, moving = displaced(ct, by, (6, 6, 6))
    found = register_images(*fixed, *moving, metric=metric)
    assert worst(found, fixed, by) < 3.0  # half a voxel
    assert found.check is not None
    assert max(found.check.inverse_consistency_mm, found.check.recovery_mm) < 6.0
    assert found.metric_value < found.start_value
    assert found.overlap > 0.5
    assert np.linalg.det(found.transform.rotation) == pytest.approx(1)
    assert json.loads(json.dumps(found.as_dict()))["kind"] == "rigid"


def test_another_contrast_is_recovered_by_mutual_information(ct: Volume) -> None:
    by = about_centre(ct, 8, 12)
    fixed, (array, affine) = displaced(ct, by, (6, 6, 6))
    other = np.abs(array - 100) + 50 * np.sin(array / 150)
    found = register_images(*fixed, other, affine, check=False)
    assert worst(found, fixed, by) < 3.0
    assert found.check is None


def test_a_thin_mr_is_recovered(mr: Volume) -> None:
    by = about_centre(mr, 4, 5, axis=(0, 0, 1))
    fixed, moving = displaced(mr, by, (8, 8, 3))
    assert worst(register_images(*fixed, *moving, check=False), fixed, by) < 3.0


def test_an_affine_move_is_recovered(ct: Volume) -> None:
    by = about_centre(ct, 5, 6)
    fixed, (array, affine) = displaced(ct, by, (6, 6, 6))
    stretch = np.diag([1.04, 1.0, 0.97, 1.0])
    found = register_images(
        *fixed, array, stretch @ affine, kind="affine", metric="mean-squares", check=False
    )
    assert np.allclose(np.linalg.det(found.matrix[:3, :3]), 1 / (1.04 * 0.97), rtol=0.01)
    with pytest.raises(BadInput) as refused:
        _ = found.transform
    assert refused.value.code == "not-rigid"


def test_grids_may_differ_and_be_stored_mirrored(ct: Volume) -> None:
    by = about_centre(ct, 5, 8)
    fixed, (array, affine) = displaced(ct, by, (6, 6, 6))
    flipped = affine.copy()
    flipped[:3, 0] *= -1
    flipped[:3, 3] += affine[:3, 0] * (array.shape[0] - 1)
    found = register_images(*fixed, array[::-1, :, 2:-2], flipped @ _shifted(2), check=False)
    assert worst(found, fixed, by) < 3.0


def _shifted(slices: int) -> Floats:
    matrix = np.eye(4)
    matrix[2, 3] = slices
    return matrix


def test_the_same_seed_gives_the_same_matrix(ct: Volume) -> None:
    fixed, moving = displaced(ct, about_centre(ct, 5, 8), (6, 6, 6))
    first, again, other = (
        register_images(*fixed, *moving, check=False, seed=seed).matrix for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert np.abs(first - other).max() < 1.0


def test_a_start_brings_far_images_together(ct: Volume) -> None:
    by = about_centre(ct, 8, 12)
    fixed, (array, affine) = displaced(ct, by, (6, 6, 6))
    away = Rigid(rotation=turn([0, 0, 1.5]), translation_mm=np.array([500.0, 0, 0]))
    placed = away.matrix @ affine
    found = register_images(*fixed, array, placed, start=away.inverse(), check=False)
    assert worst(found, fixed, away.after(by)) < 3.0
    assert code(Refused, *fixed, array, placed, start="frames") == "no-overlap"


def code(error: type[SuwenError], *given: Any, **settings: Any) -> str:
    with pytest.raises(error) as refused:
        register_images(*given, **settings)
    assert refused.value.fix
    return refused.value.code


def test_noise_and_haste_do_not_converge(ct: Volume) -> None:
    affine = ct[1]
    rng = np.random.default_rng(0)
    small = rng.normal(size=(2, 24, 24, 24))
    assert code(Refused, small[0], affine, small[1], affine) == "not-converged"
    fixed, moving = displaced(ct, about_centre(ct, 8, 12), (6, 6, 6))
    assert code(Refused, *fixed, *moving, rounds=2) == "not-converged"


def test_bad_images_are_refused(ct: Volume) -> None:
    array, affine = ct
    hole = array.copy()
    hole[3, 3, 3] = np.nan
    sheared = affine.copy()
    sheared[0, 1] += 2
    assert code(BadInput, array[0], affine, array, affine) == "not-three-dimensional"
    assert code(BadInput, array[:4], affine, array, affine) == "image-too-small"
    assert code(BadInput, array, affine, hole, affine) == "not-finite"
    assert code(BadInput, array, affine, array * 0, affine) == "flat-image"
    assert code(BadInput, array, sheared, array, affine) == "sheared"
    assert code(BadInput, array, affine * np.nan, array, affine) == "not-finite"
    assert code(BadInput, array, affine, array, affine, least_overlap=0.0) == "bad-overlap"
    assert code(UnknownSetting, array, affine, array, affine, kind="elastic") == "unknown-kind"
    assert code(UnknownSetting, array, affine, array, affine, metric="mattes") == "unknown-metric"
    assert code(UnknownSetting, array, affine, array, affine, start="center") == "unknown-start"
