"""One DICOM object to one picture: grey-scale chain, codecs, and what is refused."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from suwen.core.errors import BadInput, SuwenError, Unreadable
from suwen.formats.dicom import identify, read_dicom
from suwen.formats.dicom_object import is_dicom
from suwen.formats.picture import read_picture

Build = Callable[..., bytes]


def code_of(data: bytes) -> str:
    with pytest.raises(SuwenError) as caught:
        read_dicom(data)
    assert "SECRET" not in str(caught.value)
    assert "Doe" not in str(caught.value)
    return caught.value.code


def test_eight_plain_bits_are_the_same_picture_as_a_png(
    ramp: Any, dicom_bytes: Build, encode: Callable[..., bytes]
) -> None:
    data = dicom_bytes(ramp)
    image = read_dicom(data)
    assert image.content_key() == read_picture(encode(ramp)).content_key()
    assert (image.modality, image.body_part, image.view) == ("DX", "CHEST", "PA")
    assert (image.source_format, image.bit_depth, image.file_bytes) == ("dicom", 8, len(data))


def test_monochrome1_is_inverted(ramp: Any, dicom_bytes: Build) -> None:
    image = read_dicom(dicom_bytes(ramp, PhotometricInterpretation="MONOCHROME1"))
    assert np.allclose(image.pixels, 1 - ramp / 255, atol=1e-6)
    assert "inverted MONOCHROME1" in image.notes
    # In DX the presentation shape INVERSE belongs to MONOCHROME1 and inverts no second time.
    both = read_dicom(
        dicom_bytes(ramp, PhotometricInterpretation="MONOCHROME1", PresentationLUTShape="INVERSE")
    )
    assert both.content_key() == image.content_key()
    alone = read_dicom(dicom_bytes(ramp, PresentationLUTShape="INVERSE"))
    assert alone.content_key() == image.content_key()


def test_signed_pixels_rescale_and_window(dicom_bytes: Build) -> None:
    hounsfield = np.linspace(-1000, 1000, 32 * 32).round().astype(np.int16).reshape(32, 32)
    image = read_dicom(
        dicom_bytes(
            hounsfield - 24,
            Modality="CT",
            RescaleSlope="1",
            RescaleIntercept="24",
            WindowCenter="40",
            WindowWidth="400",
        )
    )
    expected = np.clip((hounsfield - 39.5) / 399 + 0.5, 0, 1)
    assert np.allclose(image.pixels, expected, atol=1e-6)
    assert image.notes == ("rescaled: slope 1, intercept 24", "window centre 40, width 400, LINEAR")


def test_without_a_window_the_percentiles_decide_and_padding_does_not(dicom_bytes: Build) -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(2000, 100, (64, 64)).round().astype(np.int16)
    values[:20] = -32768
    image = read_dicom(dicom_bytes(values, PixelPaddingValue=-32768))
    low, high = np.percentile(values[20:], (0.5, 99.5))
    assert np.allclose(image.pixels[20:], np.clip((values[20:] - low) / (high - low), 0, 1), atol=1e-6)
    assert not image.pixels[:20].any()
    assert "padding set to black" in image.notes
    assert any("percentile" in note for note in image.notes)
    inverted = read_dicom(
        dicom_bytes(values, PixelPaddingValue=-32768, PhotometricInterpretation="MONOCHROME1")
    )
    assert not inverted.pixels[:20].any()


def test_an_unusable_window_is_passed_over(ramp: Any, dicom_bytes: Build) -> None:
    image = read_dicom(dicom_bytes(ramp, WindowCenter="5000", WindowWidth="100"))
    assert np.ptp(image.pixels) == 1
    assert any("shows nothing" in note for note in image.notes)


def test_first_of_several_windows(ramp: Any, dicom_bytes: Build) -> None:
    image = read_dicom(dicom_bytes(ramp, WindowCenter=["128", "40"], WindowWidth=["256", "10"]))
    assert np.allclose(image.pixels, ramp / 255, atol=1e-6)
    assert image.notes[0].endswith("(first of 2)")


def test_float_pixels_and_nan(dicom_bytes: Build) -> None:
    values = np.linspace(-3, 7, 256, dtype=np.float32).reshape(16, 16)
    image = read_dicom(dicom_bytes(values))
    assert (image.bit_depth, image.pixels.max(), image.pixels.min()) == (32, 1, 0)
    values[3, 3] = np.nan
    assert code_of(dicom_bytes(values)) == "not-finite"


def test_colour_becomes_grey_and_says_so(ramp: Any, dicom_bytes: Build) -> None:
    colour = np.stack([ramp, ramp[::-1], ramp[:, ::-1]], axis=-1)
    image = read_dicom(dicom_bytes(colour))
    assert np.abs(image.pixels * 255 - colour @ np.array([0.299, 0.587, 0.114])).max() < 0.51
    assert "colour picture converted to grey" in image.notes


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGLSLossless])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int16])
def test_compressed_pictures_equal_uncompressed_ones(
    ramp: Any, dicom_bytes: Build, syntax: str, kind: Any
) -> None:
    large = np.tile(ramp, (4, 4))  # the JPEG 2000 encoder wants at least 64 pixels a side
    pixels = (large.astype(np.int32) * (1 if kind == np.uint8 else 100)).astype(kind)
    plain = read_dicom(dicom_bytes(pixels, WindowCenter="9000", WindowWidth="20000"))
    packed = read_dicom(dicom_bytes(pixels, WindowCenter="9000", WindowWidth="20000", compress=syntax))
    assert packed.content_key() == plain.content_key()


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_compressed_colour(ramp: Any, dicom_bytes: Build, syntax: str) -> None:
    large = np.tile(ramp, (4, 4))
    colour = np.stack([large, large[::-1], large[:, ::-1]], axis=-1)
    assert (
        read_dicom(dicom_bytes(colour, compress=syntax)).content_key()
        == read_dicom(dicom_bytes(colour)).content_key()
    )


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
def test_every_uncompressed_syntax(ramp: Any, dicom_bytes: Build, syntax: str) -> None:
    pixels = ramp.astype(np.uint16) * 250
    image = read_dicom(dicom_bytes(pixels, syntax=syntax))
    assert image.content_key() == read_dicom(dicom_bytes(pixels)).content_key()


@pytest.mark.parametrize(
    ("name", "shape", "bits"),
    [
        ("JPEG-LL.dcm", (1024, 256), 16),  # JPEG lossless, through GDCM
        ("JPGLosslessP14SV1_1s_1f_8b.dcm", (768, 1024), 8),
        ("MR_small_RLE.dcm", (64, 64), 16),
        ("MR_small_jp2klossless.dcm", (64, 64), 16),
        ("MR_small_jpeg_ls_lossless.dcm", (64, 64), 16),
        ("HTJ2KLossless_08_RGB.dcm", (480, 640), 8),
        ("SC_rgb_jpeg_dcmtk.dcm", (100, 100), 8),
        ("OT-PAL-8-face.dcm", (480, 640), 8),
        ("SC_rgb_expb_32bit.dcm", (100, 100), 32),
    ],
)
def test_published_files(data_dir: Path, name: str, shape: tuple[int, int], bits: int) -> None:
    image = read_dicom(next((data_dir / "imaging" / "dicom").rglob(name)).read_bytes())
    assert (image.pixels.shape, image.bit_depth) == (shape, bits)
    assert np.ptp(image.pixels) > 0.5


def test_one_picture_in_every_wrapping_is_one_picture(data_dir: Path) -> None:
    folder = data_dir / "imaging" / "dicom"
    for group in (
        ("MR_small.dcm", "MR_small_RLE.dcm", "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm"),
        ("MR_small.dcm", "MR_small_bigendian.dcm", "MR_small_implicit.dcm"),
        ("OBXXXX1A.dcm", "OBXXXX1A_expb.dcm", "OBXXXX1A_rle.dcm"),  # palettes of both byte orders
    ):
        keys = {read_dicom(next(folder.rglob(name)).read_bytes()).content_key() for name in group}
        assert len(keys) == 1, group


def test_missing_preamble_and_missing_syntax(ramp: Any, dicom_bytes: Build) -> None:
    data = dicom_bytes(ramp.astype(np.uint16) * 100)
    bare = data[132:]
    assert is_dicom(bare)
    assert read_dicom(bare).content_key() == read_dicom(data).content_key()
    dataset = pydicom.dcmread(io.BytesIO(data))
    out = io.BytesIO()
    dataset.preamble = None
    del dataset.file_meta
    pydicom.dcmwrite(out, dataset, implicit_vr=False, little_endian=True)
    image = read_dicom(out.getvalue())
    assert image.content_key() == read_dicom(data).content_key()
    assert any("no transfer syntax declared" in note for note in image.notes)


def test_refusals_have_codes(ramp: Any, dicom_bytes: Build) -> None:
    good = dicom_bytes(ramp)
    assert code_of(b"<html><body>Not found</body></html>" * 10) == "not-dicom"
    assert code_of(dicom_bytes(ramp, NumberOfFrames="3")) == "multi-frame"
    assert code_of(dicom_bytes(ramp, PixelData=None)) == "no-pixels"
    assert code_of(dicom_bytes(ramp, SOPClassUID="1.2.840.10008.5.1.4.1.1.66.4")) == "derived-object"
    assert code_of(dicom_bytes(ramp, Rows=4)) == "image-too-small"
    assert code_of(dicom_bytes(ramp, Rows=0)) == "empty-image"
    assert code_of(dicom_bytes(ramp, Rows=60_000, Columns=60_000)) == "too-large"
    assert code_of(good[: len(good) - 100]) == "truncated"
    assert code_of(dicom_bytes(ramp, Rows=25)) == "truncated"
    assert code_of(dicom_bytes(ramp, BitsAllocated=None)) == "undecodable-pixels"


def test_number_of_frames_and_syntax_are_named(ramp: Any, dicom_bytes: Build, data_dir: Path) -> None:
    with pytest.raises(BadInput, match=r"3 frames.*single frames"):
        read_dicom(dicom_bytes(ramp, NumberOfFrames="3"))
    twelve_bit = next((data_dir / "imaging" / "dicom").rglob("JPGExtended.dcm")).read_bytes()
    with pytest.raises(Unreadable, match="JPEG Extended") as caught:
        read_dicom(twelve_bit)
    assert caught.value.code == "no-codec"


def test_a_stream_that_is_cut_or_of_another_size_is_refused(ramp: Any, dicom_bytes: Build) -> None:
    data = dicom_bytes(np.tile(ramp, (4, 4)).astype(np.uint16) * 9, compress=JPEG2000Lossless)
    assert code_of(data.replace(b"\xff\xd9", b"\x00\x00")) == "truncated"
    dataset = pydicom.dcmread(io.BytesIO(data))
    dataset.Columns = 127
    out = io.BytesIO()
    pydicom.dcmwrite(out, dataset)
    assert code_of(out.getvalue()) == "undecodable-pixels"


def test_a_deflated_bomb_is_refused(ramp: Any, dicom_bytes: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suwen.formats.dicom_object.MAX_INFLATED_BYTES", 10_000)
    big = np.zeros((200, 200), dtype=np.uint8)
    assert code_of(dicom_bytes(big, syntax=DeflatedExplicitVRLittleEndian)) == "too-large"
    assert read_dicom(dicom_bytes(ramp, syntax=DeflatedExplicitVRLittleEndian)).pixels.shape == (24, 32)


def test_nothing_is_logged_or_printed(
    ramp: Any, dicom_bytes: Build, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    odd = dicom_bytes(ramp).replace(b"1.2.840.10008.5.1.4.1.1.1.1", b"SECRET not a proper uid !!!")
    packed = bytearray(dicom_bytes(np.tile(ramp, (4, 4)), compress=JPEG2000Lossless))
    siz = packed.find(b"\xff\x4f\xff\x51")
    packed[siz + 60 : siz + 90] = b"\x00" * 30
    caplog.clear()
    capfd.readouterr()
    with caplog.at_level(logging.DEBUG):
        assert read_dicom(odd).pixels.shape == (24, 32)
        assert code_of(bytes(packed)) == "undecodable-pixels"
    out, err = capfd.readouterr()
    assert (caplog.text, out, err) == ("", "", "")
    assert logging.getLogger("pydicom").propagate


def test_free_text_in_code_strings_is_not_passed_on(ramp: Any, dicom_bytes: Build) -> None:
    data = dicom_bytes(ramp, BodyPartExamined="CHEST", ViewPosition="PA").replace(b"CHEST ", b"Jane D")
    image = read_dicom(data)
    assert (image.body_part, image.view) == (None, "PA")


def test_identify_gives_a_pseudonym(ramp: Any, dicom_bytes: Build) -> None:
    uid, subject = identify(dicom_bytes(ramp))
    assert uid is not None
    assert uid.startswith("1.2.826")
    assert subject is not None
    assert subject == identify(dicom_bytes(255 - ramp))[1]
    assert "SECRET" not in subject
    assert identify(dicom_bytes(ramp, PatientID=""))[1] is None


FUZZED = (
    "JPEG-LL.dcm",
    "MR_small_RLE.dcm",
    "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "MR_small_bigendian.dcm",
    "examples_palette.dcm",
)


@pytest.fixture(scope="module")
def originals(data_dir: Path) -> dict[str, bytes]:
    return {name: next((data_dir / "imaging" / "dicom").rglob(name)).read_bytes() for name in FUZZED}


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(FUZZED),
    keep=st.one_of(st.just(1.0), st.floats(0, 1)),
    flips=st.lists(st.tuples(st.floats(0, 1), st.booleans(), st.integers(0, 255)), max_size=12),
)
def test_damage_gives_a_picture_or_our_error(
    originals: dict[str, bytes], name: str, keep: float, flips: list[tuple[float, bool, int]]
) -> None:
    data = bytearray(originals[name])
    for place, early, value in flips:  # half of the flips hit the header
        data[int(place * (min(len(data), 2000) if early else len(data)) * 0.999)] = value
    try:
        image = read_dicom(bytes(data[: int(len(data) * keep)]))
    except SuwenError as error:
        assert error.code
    else:
        assert np.isfinite(image.pixels).all()


def test_htj2k_has_a_plugin() -> None:
    from suwen.formats.dicom_pixels import PLUGINS

    assert str(HTJ2KLossless) in PLUGINS
