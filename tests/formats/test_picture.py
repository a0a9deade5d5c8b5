"""PNG and JPEG: modes, depth, orientation, and what is refused."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from suwen.core.errors import BadInput, SuwenError, Unreadable
from suwen.formats.codestream import declared_size
from suwen.formats.picture import read_picture

Encode = Callable[..., bytes]


def test_grey_png_is_exact(ramp: Any, encode: Encode) -> None:
    data = encode(ramp)
    image = read_picture(data)
    assert np.array_equal(np.rint(image.pixels * 255), ramp)
    assert (image.source_format, image.bit_depth, image.file_bytes) == ("png", 8, len(data))
    assert image.notes == ()
    assert not image.simulated
    assert image.modality is None


def test_real_jpegs_are_read(data_dir: Path) -> None:
    files = sorted((data_dir / "imaging" / "cxr_nih").glob("*/*.jpg"))[:20]
    assert files
    for path in files:
        image = read_picture(path.read_bytes())
        assert image.pixels.shape == (320, 320)
        assert image.source_format == "jpeg"
        assert 0.2 < image.pixels.mean() < 0.8


def test_palette_and_colour_are_resolved_and_said(ramp: Any, encode: Encode) -> None:
    plain = read_picture(encode(ramp))
    grey = Image.fromarray(ramp)
    cases = {
        "stored in colour, all channels equal: first channel kept": grey.convert("RGB"),
        "palette resolved": grey.convert("P"),
    }
    for note, picture in cases.items():
        image = read_picture(encode(picture))
        assert note in image.notes
        assert image.content_key() == plain.content_key(), note
    colour = Image.fromarray(np.stack([ramp, ramp[::-1], ramp[:, ::-1]], axis=-1))
    assert "colour picture converted to grey" in read_picture(encode(colour)).notes


@pytest.mark.parametrize("mode", ["RGBA", "LA", "CMYK"])
def test_channels_that_no_radiograph_has_are_refused(mode: str, ramp: Any, encode: Encode) -> None:
    picture = Image.fromarray(ramp).convert("RGB").convert(mode)
    with pytest.raises(BadInput) as caught:
        read_picture(encode(picture, "JPEG" if mode == "CMYK" else "PNG"))
    assert caught.value.code == "extra-channels"
    assert "grey or RGB" in str(caught.value)


@pytest.mark.parametrize("factor", [16, 257])
def test_16_bit_png_does_not_say_its_range(factor: int, ramp: Any, encode: Encode) -> None:
    with pytest.raises(BadInput) as caught:
        read_picture(encode(ramp.astype(np.uint16) * factor))
    assert caught.value.code == "unstated-range"
    assert "DICOM" in str(caught.value)


def test_black_and_white_png(encode: Encode) -> None:
    image = read_picture(encode(Image.fromarray(np.eye(16, dtype=bool))))
    assert image.bit_depth == 1
    assert set(np.unique(image.pixels)) == {0.0, 1.0}


def test_exif_orientation_is_respected(ramp: Any, encode: Encode) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show rotated by 90 degrees clockwise
    image = read_picture(encode(ramp, exif=exif.tobytes()))
    assert np.array_equal(np.rint(image.pixels * 255), np.rot90(ramp, -1))
    assert "EXIF" in image.notes[0]


def test_moving_and_paged_pictures_are_refused(ramp: Any, encode: Encode) -> None:
    frames = [Image.fromarray(ramp), Image.fromarray(255 - ramp)]
    for kind in ("PNG", "GIF", "TIFF"):
        data = encode(frames[0], kind, save_all=True, append_images=frames[1:])
        with pytest.raises(BadInput, match="2 frames") as caught:
            read_picture(data)
        assert caught.value.code == "multi-frame"


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "WEBP"])
def test_other_formats_are_refused_with_what_is_accepted(ramp: Any, encode: Encode, kind: str) -> None:
    with pytest.raises(Unreadable, match="PNG, JPEG, NPZ or DICOM") as caught:
        read_picture(encode(ramp, kind))
    assert caught.value.code == "unknown-format"


def bare_png(width: int, height: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\x00" * 64)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("size", "code"),
    [((0, 0), "empty-image"), ((4, 64), "image-too-small"), ((200_000, 200_000), "too-large")],
)
def test_declared_size_is_judged_before_decoding(size: tuple[int, int], code: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_picture(bare_png(*size))
    assert caught.value.code == code


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_truncated_pictures_are_said_to_be(encode: Encode, kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 200), dtype=np.uint8)
    data = encode(noise, kind)
    for share in (0.1, 0.5, 0.9):
        with pytest.raises(Unreadable) as caught:
            read_picture(data[: int(len(data) * share)])
        assert caught.value.code == "truncated"


def test_declared_size_of_every_stream(ramp: Any, encode: Encode) -> None:
    for kind in ("PNG", "JPEG", "JPEG2000"):
        assert declared_size(encode(ramp, kind)) == (24, 32), kind
    assert declared_size(b"\x89PNG\r\n\x1a\n") is None
    assert declared_size(b"\xff\xd8\xff\xe0\x00") is None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(["PNG", "JPEG"]), flips=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255))))
def test_damage_gives_a_picture_or_our_error(
    ramp: Any, encode: Encode, kind: str, flips: list[tuple[float, int]]
) -> None:
    data = bytearray(encode(ramp, kind))
    for place, value in flips:
        data[int(place * (len(data) - 1))] = value
    try:
        assert read_picture(bytes(data)).pixels.ndim == 2
    except SuwenError as error:
        assert error.code
