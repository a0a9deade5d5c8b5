"""The gates refuse what a model must not score, and let new hospitals through."""

from __future__ import annotations

import gzip
import io
import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from suwen.core.errors import BadInput
from suwen.core.task import Field
from suwen.engines.image.gates import fit_gate, gate, header_gate, ood_score, quality_gate
from suwen.engines.image.prepare import to_input

Images = NDArray[np.floating]
Params = dict[str, NDArray[np.floating]]
SIDE = 28
CHEST = Field(
    name="image",
    kind="image",
    description="a frontal chest X-ray",
    accepts=("CR", "DX"),
    body_parts=("CHEST", "LUNG", "THORAX"),
)


def auroc(outliers: Images, inliers: Images) -> float:
    ordered = np.sort(inliers)
    below, upto = (np.searchsorted(ordered, outliers, side=side) for side in ("left", "right"))
    return float((below + upto).mean() / 2 / len(inliers))


def medmnist(data_dir: Path, name: str, split: str) -> Images:
    with np.load(data_dir / "imaging" / f"{name}.npz", allow_pickle=False) as data:
        return data[f"{split}_images"].astype(np.float32) / 255


def pictures(folder: Path, every: int) -> Images:
    files = sorted(folder.rglob("*.jpg"))[::every]
    assert files
    grey = (np.asarray(Image.open(file).convert("L"), dtype=np.float32) / 255 for file in files)
    return np.stack([to_input(image, SIDE) for image in grey])


def hippocampus(data_dir: Path) -> Images:
    """Middle slices of the MR crops; the NIfTI-1 header is read by hand."""
    kinds = {2: "u1", 4: "<i2", 8: "<i4", 16: "<f4", 64: "<f8", 512: "<u2"}
    slices = []
    for file in sorted((data_dir / "imaging" / "hippocampus" / "imagesTr").glob("*.nii*"))[::3]:
        raw = file.read_bytes()
        raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
        shape = struct.unpack("<8h", raw[40:56])[3:0:-1]
        kind, offset = struct.unpack("<h", raw[70:72])[0], int(struct.unpack("<f", raw[108:112])[0])
        volume = (
            np.frombuffer(raw, kinds[kind], int(np.prod(shape)), offset).reshape(shape).astype(np.float32)
        )
        low, high = np.percentile(volume, [0.5, 99.5])
        slices.append(to_input(np.clip((volume[shape[0] // 2] - low) / (high - low), 0, 1), SIDE))
    return np.stack(slices)


def synthetic() -> dict[str, Images]:
    rng = np.random.default_rng(99)
    count = 150
    noise = rng.standard_normal((count, SIDE, SIDE))
    frequency = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.fftfreq(SIDE))
    frequency[0, 0] = 1
    slope = rng.uniform(0.8, 1.8, (count, 1, 1))
    clouds = np.fft.ifft2(np.fft.fft2(noise) / frequency**slope).real
    low, high = np.percentile(clouds, [1, 99], axis=(1, 2), keepdims=True)
    sets = {
        "uniform noise": rng.random((count, SIDE, SIDE)),
        "gaussian noise": 0.5 + 0.2 * noise,
        "constant and noise": rng.random((count, 1, 1)) + 0.02 * noise,
        "natural spectrum": (clouds - low) / (high - low),
    }
    return {name: np.clip(images, 0, 1).astype(np.float32) for name, images in sets.items()}


@pytest.fixture(scope="module")
def chest(data_dir: Path) -> Params:
    return fit_gate(
        medmnist(data_dir, "pneumoniamnist", "train"),
        seed=0,
        validation=medmnist(data_dir, "pneumoniamnist", "val"),
    )


@pytest.fixture(scope="module")
def adults(data_dir: Path) -> Images:
    return pictures(data_dir / "imaging" / "cxr_nih", 2)


def test_x_rays_are_accepted_those_of_another_hospital_and_of_adults_too(
    data_dir: Path, chest: Params, adults: Images
) -> None:
    own = ood_score(medmnist(data_dir, "pneumoniamnist", "val"), chest)
    assert (own <= chest["threshold"]).mean() >= 0.98
    assert (ood_score(adults, chest) <= chest["threshold"]).mean() >= 0.95


def test_everything_else_is_told_from_x_rays(data_dir: Path, chest: Params, adults: Images) -> None:
    imaging = data_dir / "imaging"
    outliers = {
        "breast ultrasound": medmnist(data_dir, "breastmnist", "train"),
        "busi": pictures(imaging / "busi", 4),
        "lung CT": pictures(imaging / "lungct_iqoth", 4),
        "brain4": pictures(imaging / "brain4", 3),
        "hippocampus MR": hippocampus(data_dir),
        **synthetic(),
    }
    own = ood_score(medmnist(data_dir, "pneumoniamnist", "val"), chest)
    other = ood_score(adults, chest)
    for name, images in outliers.items():
        scores = ood_score(images, chest)
        assert auroc(scores, own) >= 0.98, name
        assert auroc(scores, other) >= 0.98, name
        assert (scores > chest["threshold"]).mean() >= 0.95, name


def test_inverted_and_turned_x_rays_are_refused(chest: Params, adults: Images) -> None:
    for turned in (1 - adults, adults[:, ::-1], np.rot90(adults, 1, (1, 2)), np.rot90(adults, 3, (1, 2))):
        assert (ood_score(np.ascontiguousarray(turned), chest) > chest["threshold"]).mean() >= 0.95


def test_brightness_and_contrast_do_not_matter(chest: Params, adults: Images) -> None:
    faint = 0.3 + 0.4 * np.clip(adults, 0, 1) ** 1.7
    assert np.abs(ood_score(faint, chest) - ood_score(adults, chest)).max() < 0.1


def test_the_same_gate_serves_breast_ultrasound_at_a_larger_size(data_dir: Path) -> None:
    images = {part: medmnist(data_dir, "breastmnist", part) for part in ("train", "val")}
    large = {part: np.stack([to_input(i, 64) for i in found]) for part, found in images.items()}
    params = fit_gate(large["train"], seed=0, validation=large["val"])
    own = ood_score(large["val"], params)
    assert (own <= params["threshold"]).mean() >= 0.95
    assert auroc(ood_score(medmnist(data_dir, "pneumoniamnist", "val"), params), own) >= 0.95
    assert auroc(ood_score(pictures(data_dir / "imaging" / "lungct_iqoth", 4), params), own) >= 0.95


def test_fitting_is_reproducible_and_small(data_dir: Path, chest: Params) -> None:
    train, validation = (medmnist(data_dir, "pneumoniamnist", part)[:600] for part in ("train", "val"))
    first, second = (fit_gate(train, seed=3, validation=validation) for _ in range(2))
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[name], second[name]) for name in first)
    packed = io.BytesIO()
    np.savez(packed, **chest)
    assert packed.tell() <= 200_000
    packed.seek(0)
    with np.load(packed, allow_pickle=False) as loaded:
        kept = dict(loaded)
    assert np.array_equal(ood_score(validation[:5], kept), ood_score(validation[:5], chest))


def test_too_few_images_to_learn_from_are_refused() -> None:
    few = np.random.default_rng(0).random((9, SIDE, SIDE), dtype=np.float32)
    with pytest.raises(BadInput, match="9 training and 1 validation"):
        fit_gate(few, seed=0, validation=few[:1])


@pytest.mark.parametrize("modality", ["DX", " cr ", None, ""])
@pytest.mark.parametrize("body_part", ["CHEST", "chest ", "Thorax", None, "  "])
def test_a_fitting_or_absent_header_gives_no_opinion(modality: str | None, body_part: str | None) -> None:
    assert header_gate(modality, body_part, CHEST) is None


def test_a_foreign_header_is_refused_with_its_own_words() -> None:
    modality = header_gate("mr", "CHEST", CHEST)
    assert modality is not None
    assert modality.code == "wrong-modality"
    assert "MR" in modality.reason
    assert "CR, DX" in modality.reason
    part = header_gate("DX", "abdomen", CHEST)
    assert part is not None
    assert part.code == "wrong-body-part"
    assert "ABDOMEN" in part.reason
    anything = Field(name="image", kind="image", description="any picture")
    assert header_gate("XC", "SKIN", anything) is None


def test_a_header_that_is_not_a_code_is_not_repeated_at_length() -> None:
    refusal = header_gate("DX", "NAME OF SOMEBODY WRITTEN INTO THE FIELD", CHEST)
    assert refusal is not None
    assert "WRITTEN" not in refusal.reason


def test_quality_refuses_what_shows_nothing() -> None:
    rng = np.random.default_rng(1)
    checker = (np.indices((64, 64)).sum(axis=0) % 2).astype(np.float32) * 0.5 + 0.25
    bad = {
        "blank": np.full((64, 64), 0.5, dtype=np.float32),
        "nearly blank": 0.5 + 0.01 * rng.random((64, 64)),
        "black": np.zeros((64, 64)),
        "white but a corner": np.pad(np.full((5, 5), 0.5), ((0, 59), (0, 59)), constant_values=1.0),
        "noise": rng.random((200, 300)),
        "checker": checker,
        "rows": np.tile(np.array([[0.2], [0.8]]), (40, 80)),
    }
    for name, image in bad.items():
        refusal, figures = quality_gate(image)
        assert refusal is not None, name
        assert refusal.code == "poor-quality", name
        assert {"short_side_px", "grey_range", "saturated", "neighbour_correlation"} <= figures.keys()
    refusal, figures = quality_gate(np.random.default_rng(0).random((23, 500)))
    assert refusal is not None
    assert refusal.code == "too-small"
    assert "23 pixels" in refusal.reason
    assert figures == {"short_side_px": 23.0}


def test_quality_passes_every_real_x_ray_and_ultrasound(data_dir: Path) -> None:
    for name in ("pneumoniamnist", "breastmnist"):
        for image in medmnist(data_dir, name, "val"):
            assert quality_gate(image)[0] is None
    for folder in ("cxr_nih", "busi"):
        for file in sorted((data_dir / "imaging" / folder).rglob("*.jpg"))[::20]:
            image = np.asarray(Image.open(file).convert("L"), dtype=np.float32) / 255
            assert quality_gate(image)[0] is None


def test_the_front_door_says_why_in_words(data_dir: Path, chest: Params) -> None:
    file = sorted((data_dir / "imaging" / "cxr_nih" / "no_finding").glob("*.jpg"))[0]
    x_ray = np.asarray(Image.open(file).convert("L"), dtype=np.float32) / 255
    refusal, figures = gate(x_ray, field=CHEST, modality="DX", body_part="CHEST", params=chest)
    assert refusal is None
    assert figures["ood_score"] <= figures["ood_threshold"]
    for changed, words in ((x_ray[::-1], "upside down"), (1 - x_ray, "black and white exchanged")):
        refusal, figures = gate(changed, field=CHEST, params=chest)
        assert refusal is not None
        assert refusal.code == "not-like-training-data"
        assert words in refusal.reason
        assert CHEST.description in refusal.reason
        assert figures["ood_score"] > figures["ood_threshold"]
    refusal, figures = gate(x_ray, field=CHEST, modality="US", params=chest)
    assert refusal is not None
    assert refusal.code == "wrong-modality"
    assert figures["ood_score"] <= figures["ood_threshold"], "the likeness is measured all the same"
    refusal, figures = gate(np.zeros((100, 100), dtype=np.float32), field=CHEST, params=chest)
    assert refusal is not None
    assert refusal.code == "poor-quality"
    assert figures["ood_score"] > figures["ood_threshold"]
    assert gate(x_ray[::-1], field=CHEST)[0] is None
