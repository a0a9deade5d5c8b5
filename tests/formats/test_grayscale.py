"""The grey-scale chain against pydicom's, where pydicom's is right, and by hand where it is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut
from pydicom.uid import ExplicitVRLittleEndian

from suwen.formats.grayscale import display_values, modality_values
from suwen.formats.luts import look_up


def described(**elements: Any) -> Any:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsStored, dataset.PixelRepresentation = 12, 0
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


def lut_item(entries: list[int], first: int, bits: int) -> Dataset:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(entries), first, bits])
    item.add_new("LUTData", "US", entries)
    return item


STORED = np.arange(0, 4096, dtype=np.uint16).reshape(64, 64)
ALL = np.ones(STORED.shape, dtype=bool)


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize(("centre", "width"), [(2048, 4096), (600, 350.5), (3000, 2)])
def test_windows_agree_with_pydicom(function: str, centre: float, width: float) -> None:
    dataset = described(WindowCenter=centre, WindowWidth=width, VOILUTFunction=function)
    seen, _ = display_values(STORED.astype(float), dataset, ALL, full_range=None)
    with np.errstate(over="ignore"):  # pydicom's SIGMOID overflows far below a narrow window
        reference = apply_voi_lut(STORED, dataset) / 4095
    assert np.abs(seen - reference).max() < 1e-9


def test_rescale_and_modality_lut_agree_with_pydicom() -> None:
    dataset = described(RescaleSlope=0.684, RescaleIntercept=200)
    assert np.allclose(modality_values(STORED, dataset)[0], apply_modality_lut(STORED, dataset))
    table = [65535 - 16 * number for number in range(4000)]
    dataset = described(ModalityLUTSequence=[lut_item(table, 50, 16)])
    assert np.array_equal(modality_values(STORED, dataset)[0], apply_modality_lut(STORED, dataset))


def test_voi_lut_comes_before_the_window_and_agrees_with_pydicom() -> None:
    table = [number**2 // 256 for number in range(4096)]
    dataset = described(VOILUTSequence=[lut_item(table, 0, 16)], WindowCenter=1, WindowWidth=2)
    seen, notes = display_values(STORED.astype(float), dataset, ALL, full_range=None)
    assert np.allclose(seen * 65535, apply_voi_lut(STORED, dataset))
    assert notes == ("VOI LUT applied",)


def test_an_8_bit_voi_lut_does_not_wrap_and_12_bit_entries_are_read() -> None:
    table = [number // 16 for number in range(4096)]
    dataset = described(VOILUTSequence=[lut_item(table, 0, 8)])
    seen, _ = display_values(STORED.astype(float), dataset, ALL, full_range=None)
    assert np.array_equal(np.rint(seen * 255), STORED // 16)
    entries, top = look_up(STORED, [4096, 0, 12], [*range(4096)], little_endian=True)
    assert (entries.max(), top) == (4095, 4095)


def test_tables_in_bytes_and_both_orders() -> None:
    table = np.arange(4096, dtype=np.uint16)
    for order, little in (("<u2", True), (">u2", False)):
        entries, _ = look_up(STORED, [4096, 0, 12], table.astype(order).tobytes(), little_endian=little)
        assert np.array_equal(entries, STORED)
    entries, top = look_up(STORED, [256, 0, 8], bytes(range(256)), little_endian=True)
    assert (entries[0, 5], entries[-1, -1], top) == (5, 255, 255)


def test_a_table_that_is_too_short_is_an_error() -> None:
    with pytest.raises(ValueError, match="descriptor"):
        look_up(STORED, [4096, 0, 12], [1, 2, 3], little_endian=True)


def test_forbidden_widths_fall_back_to_the_percentiles() -> None:
    for width, function in ((0, "LINEAR"), (-5, "SIGMOID"), (0, "LINEAR_EXACT")):
        dataset = described(WindowCenter=100, WindowWidth=width, VOILUTFunction=function)
        seen, notes = display_values(STORED.astype(float), dataset, ALL, full_range=None)
        assert (seen.min(), seen.max()) == (0, 1)
        assert "not used" in notes[0]


def test_a_flat_picture_stays_flat() -> None:
    seen, _ = display_values(np.full((64, 64), 7.0), described(), ALL, full_range=None)
    assert not seen.any()
