"""DICOM look-up tables, applied to indices of any width and either byte order.

They are applied here and not by ``pydicom.pixels`` because there (3.0) an 8-bit VOI LUT or palette wraps
indices above 255, a modality LUT refuses 12-bit entries, and a big-endian palette is read little-endian.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from pydicom.dataset import Dataset, FileDataset


def look_up(
    values: NDArray[Any], descriptor: Sequence[Any], data: Any, *, little_endian: bool
) -> tuple[NDArray[np.float64], float]:
    """Entries of one LUT (PS3.3 C.11.1.1, C.11.2.1.1, C.7.6.3.1.5) for an array of inputs.

    Parameters
    ----------
    values
        Inputs of any shape; those outside the table take its first or last entry.
    descriptor
        Number of entries (0 means 65536), first input mapped, bits per entry.
    data
        The entries: bytes (8 or 16 bits each) or a sequence of numbers.

    Returns
    -------
    tuple
        The entries, and their largest storable value.

    Raises
    ------
    ValueError
        When the data do not hold what the descriptor says.
    """
    count, first, bits = (int(number) for number in descriptor)
    count = count or 2**16
    if isinstance(data, bytes):
        kind = np.dtype(np.uint8) if len(data) < 2 * count else np.dtype("<u2" if little_endian else ">u2")
        table = np.frombuffer(data, kind, count).astype(np.float64)
    else:
        table = np.asarray(data, dtype=np.float64)[:count]
    if not 1 <= bits <= 16 or len(table) < count:
        raise ValueError("look-up table does not match its descriptor")
    # Some writers call 16-bit entries 8-bit ones; the entries themselves decide.
    top = float(2**bits - 1) if table.max() < 2**bits else 65535.0
    index = np.clip(np.rint(values.astype(np.float64)) - first, 0, count - 1).astype(np.intp)
    return table[index], top


def look_up_item(
    values: NDArray[Any], item: Dataset, parent: FileDataset
) -> tuple[NDArray[np.float64], float]:
    """Apply one item of a Modality or VOI LUT Sequence; see :func:`look_up`."""
    return look_up(values, item.LUTDescriptor, item.LUTData, little_endian=is_little_endian(parent))


def palette(indices: NDArray[Any], dataset: FileDataset) -> tuple[NDArray[np.float64], float]:
    """Colours (H, W, 3) of palette indices (H, W), and the value of white (PS3.3 C.7.9)."""
    if "SegmentedRedPaletteColorLookupTableData" in dataset:
        from pydicom.pixels.processing import apply_color_lut

        colours = apply_color_lut(indices, dataset)[..., :3]
        return colours.astype(np.float64), float(np.iinfo(colours.dtype).max)
    little = is_little_endian(dataset)
    channels = [
        look_up(
            indices,
            dataset[f"{name}PaletteColorLookupTableDescriptor"].value,
            dataset[f"{name}PaletteColorLookupTableData"].value,
            little_endian=little,
        )
        for name in ("Red", "Green", "Blue")
    ]
    return np.stack([entries for entries, _ in channels], axis=-1), max(top for _, top in channels)


def is_little_endian(dataset: FileDataset) -> bool:
    """Byte order of a data set whose transfer syntax is known."""
    return bool(dataset.file_meta.TransferSyntaxUID.is_little_endian)
