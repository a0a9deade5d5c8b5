"""NumPy archives: MedMNIST splits, loose images, and every refusal by key."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suwen.core.errors import BadInput, NotFound, SuwenError, Unreadable
from suwen.formats.npz import medmnist_splits, read_npz
from suwen.formats.picture import read_picture

Write = Callable[..., bytes]


def test_the_real_pneumoniamnist(data_dir: Path) -> None:
    start = time.perf_counter()
    splits = medmnist_splits(data_dir / "imaging" / "pneumoniamnist.npz")
    assert time.perf_counter() - start < 3
    assert list(splits) == ["train", "validation"]
    images, labels = splits["train"]
    assert labels is not None
    assert (len(images), labels.count("0"), labels.count("1")) == (4708, 1214, 3494)
    assert images[0].pixels.shape == (28, 28)
    assert (images[0].bit_depth, images[0].file_bytes) == (8, None)


def test_any_subset_of_splits_in_every_layout(ramp: Any, npz: Write) -> None:
    grey = np.stack([ramp, 255 - ramp, ramp])
    rgb = np.stack([grey] * 3, axis=-1)
    splits = medmnist_splits(
        npz(
            test_images=rgb,
            test_labels=np.array([[0], [1], [1]]),
            val_images=grey[..., None],
            val_labels=np.array([1.0, np.nan, 0.0]),
            train_images=grey,
        )
    )
    assert list(splits) == ["train", "validation", "test"]
    assert splits["train"][1] is None
    assert splits["validation"][1] == ("1", None, "0")
    assert splits["test"][1] == ("0", "1", "1")
    assert len({splits[name][0][0].content_key() for name in splits}) == 1


def test_png_and_npz_of_one_picture_share_their_key(ramp: Any, npz: Write, encode: Write) -> None:
    key = read_picture(encode(ramp)).content_key()
    for stored in (ramp, ramp / 255.0, (ramp / 255.0).astype(np.float32), ramp.astype(float), ramp * 1):
        assert read_npz(npz(image=stored))[0].content_key() == key


@pytest.mark.parametrize(
    ("name", "shape", "count"),
    [
        ("image", (9, 10), 1),
        ("image", (9, 10, 1), 0),
        ("image", (9, 10, 3), 1),
        ("images", (4, 9, 10), 4),
        ("images", (4, 9, 10, 3), 4),
        ("anything", (9, 10), 1),
        ("anything", (4, 9, 10), 4),
        ("anything", (9, 10, 3), 1),
        ("arr_0", (4, 9, 10, 1), 4),
    ],
)
def test_loose_images(npz: Write, name: str, shape: tuple[int, ...], count: int) -> None:
    images = read_npz(npz(**{name: np.zeros(shape, dtype=np.uint8), "about": np.array(3)}))
    assert len(images) == (count or 1)
    assert images[0].pixels.shape == (9, 10)


def test_medmnist_given_as_loose_images_yields_all(ramp: Any, npz: Write) -> None:
    assert len(read_npz(npz(train_images=np.stack([ramp] * 2), test_images=ramp[None]))) == 3


@pytest.mark.parametrize(
    ("arrays", "code", "key"),
    [
        ({"train_images": np.zeros((2, 9, 9, 4), np.uint8)}, "bad-array", "train_images"),
        ({"train_images": np.zeros((9, 9), np.uint8)}, "bad-array", "train_images"),
        ({"train_images": np.zeros((0, 9, 9), np.uint8)}, "empty-image", "train_images"),
        ({"train_images": np.zeros((2, 3, 9), np.uint8)}, "image-too-small", "train_images"),
        ({"val_images": np.full((2, 9, 9), np.nan)}, "not-finite", "val_images"),
        ({"val_images": np.full((2, 9, 9), -0.5)}, "out-of-range", "val_images"),
        ({"val_images": np.full((2, 9, 9), 1000.0)}, "out-of-range", "val_images"),
        ({"val_images": np.full((2, 9, 9), -3)}, "out-of-range", "val_images"),
        ({"val_images": np.full((2, 9, 9), "x")}, "bad-array", "val_images"),
        ({"val_images": np.full((2, 9, 9), 1j)}, "bad-array", "val_images"),
        (
            {"test_images": np.zeros((2, 9, 9), np.uint8), "test_labels": np.zeros(3)},
            "label-count",
            "test_labels",
        ),
        (
            {"test_images": np.zeros((2, 9, 9), np.uint8), "test_labels": np.zeros((2, 14))},
            "bad-array",
            "test_labels",
        ),
        ({"other": np.zeros(3)}, "no-images", "other"),
    ],
)
def test_refusals_name_the_key(npz: Write, arrays: dict[str, Any], code: str, key: str) -> None:
    with pytest.raises(BadInput, match=key) as caught:
        medmnist_splits(npz(**arrays))
    assert caught.value.code == code


def test_pickles_are_never_loaded(npz: Write) -> None:
    with pytest.raises(BadInput, match="images") as caught:
        read_npz(npz(images=np.array([{"a": 1}], dtype=object)))
    assert caught.value.code == "pickled"


def test_declared_size_is_judged_before_anything_is_unpacked() -> None:
    def archive(shape: tuple[int, ...], body: int) -> bytes:
        array = io.BytesIO()
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(array, header)
        array.write(b"\x00" * body)
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("images.npy", array.getvalue())
        return out.getvalue()

    with pytest.raises(BadInput) as caught:
        medmnist_splits(archive((3, 2**15, 2**15), 10))
    assert caught.value.code == "too-large"
    with pytest.raises(Unreadable) as cut:
        read_npz(archive((10, 100, 100), 10))
    assert cut.value.code == "truncated"


def test_two_candidates_are_not_guessed_between(npz: Write) -> None:
    with pytest.raises(BadInput, match="Name the array"):
        read_npz(npz(a=np.zeros((9, 9)), b=np.zeros((9, 9))))


def test_missing_folder_and_no_archive(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        medmnist_splits(tmp_path / "none.npz")
    with pytest.raises(BadInput) as caught:
        medmnist_splits(tmp_path)
    assert caught.value.code == "is-a-folder"
    with pytest.raises(Unreadable):
        medmnist_splits(b"not an archive")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    keep=st.one_of(st.just(1.0), st.floats(0, 1)),
    flips=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=8),
)
def test_damage_gives_pictures_or_our_error(
    ramp: Any, npz: Write, keep: float, flips: list[tuple[float, int]]
) -> None:
    data = bytearray(npz(images=np.stack([ramp] * 3)))
    for place, value in flips:
        data[int(place * (len(data) - 1))] = value
    try:
        assert read_npz(bytes(data[: int(len(data) * keep)]))
    except SuwenError as error:
        assert error.code
