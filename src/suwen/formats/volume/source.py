"""The bytes of a volume's file, within bounds, and the size of what they claim to hold."""

from __future__ import annotations

import gzip
import io
import math
import zlib
from pathlib import Path

import numpy as np

from suwen.core.errors import BadInput, NotFound, Unreadable
from suwen.formats.volume.volume import Volume

MAX_FILE_BYTES = 2**30
"""A larger file is refused before it is read."""

MAX_VOXELS = 2**29
"""A larger volume is refused before it is unpacked; a whole-body CT of 512 x 512 x 2,000 has 2^29."""

MAX_HEADER_BYTES = 2**24
"""What a header with its extensions may take."""

PATIENT_MM = (2.0, 3000.0)
"""The longest side of a volume of a patient or a part of one, where the unit is stated."""

SURELY_MM = (10.0, 2000.0)
"""The same, where no unit is stated: a number in it can be a patient's side in mm, but neither in metres nor
in micrometres, the other two units that NIfTI and NRRD files of the field use."""

GZIP = b"\x1f\x8b"


def content(item: Path | bytes) -> bytes:
    """Content of one file.

    Raises
    ------
    NotFound
        No such file.
    BadInput
        ``not-a-file`` or ``too-large``.
    Unreadable
        ``empty-file`` or ``not-openable``.
    """
    if not isinstance(item, bytes):
        item = _read(item)
    if not item:
        raise Unreadable("the file is empty", fix="Fetch it again", code="empty-file")
    if len(item) > MAX_FILE_BYTES:
        raise _large(len(item))
    return item


def _read(path: Path) -> bytes:
    try:
        if not path.exists():
            raise NotFound("there is no such file", fix="Check the path")
        if not path.is_file():
            raise BadInput("the path is not a regular file", fix="Name a file", code="not-a-file")
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise _large(size)
        return path.read_bytes()
    except OSError as error:
        raise Unreadable(
            "the file cannot be opened", fix=error.strerror or "Check the path", code="not-openable"
        ) from None
    except ValueError:  # a path with a null byte
        raise NotFound("there is no such file", fix="Check the path") from None


def _large(size: int) -> BadInput:
    return BadInput(
        f"the file has {size / 2**20:.0f} MiB",
        fix=f"At most {MAX_FILE_BYTES // 2**20} MiB are read",
        code="too-large",
    )


class Unpacked:
    """A file's bytes, unpacked on the way where they are gzip: never more than is asked for.

    Parameters
    ----------
    data
        Packed or not.
    """

    def __init__(self, data: bytes) -> None:
        packed = data.startswith(GZIP)
        self._stream: io.BufferedIOBase = (
            gzip.GzipFile(fileobj=io.BytesIO(data)) if packed else io.BytesIO(data)
        )

    def read(self, count: int, *, least: int | None = None) -> bytes:
        """The next bytes: ``count`` of them, or ``least`` at the end of the file.

        Raises
        ------
        Unreadable
            ``truncated``, or ``undecodable`` where the packing is damaged.
        """
        found = self._next(count)
        if len(found) < (count if least is None else least):
            raise _cut()
        return found

    def close(self) -> None:
        """See that nothing follows, and that the checksum holds.

        Raises
        ------
        Unreadable
            ``size-mismatch``, ``undecodable`` or ``truncated``.
        """
        rest = self._next(1)
        if rest:
            raise Unreadable(
                "the file holds more values than its header says", fix="Export it again", code="size-mismatch"
            )

    def _next(self, count: int) -> bytes:
        try:
            return self._stream.read(count)
        except EOFError:  # a gzip stream without its end
            raise _cut() from None
        except (zlib.error, OSError):
            raise Unreadable(
                "the compressed file is damaged", fix="Fetch it again", code="undecodable"
            ) from None


def _cut() -> Unreadable:
    return Unreadable("the file is cut short", fix="Send the whole file", code="truncated")


def voxels(shape: tuple[int, ...]) -> int:
    """How many values a volume of this shape holds, where that is a volume one may ask for.

    Raises
    ------
    BadInput
        ``empty-image`` or ``too-large``.
    """
    if any(side < 1 for side in shape):
        raise BadInput("a side of the volume has no voxels", fix="Export it again", code="empty-image")
    count = math.prod(int(side) for side in shape)
    if count > MAX_VOXELS:
        raise BadInput(
            f"the header claims {count:,} voxels",
            fix=f"At most {MAX_VOXELS:,} are read; crop or resample it",
            code="too-large",
        )
    return count


def three(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """The three sides of one volume; further axes must have length 1.

    Raises
    ------
    BadInput
        ``not-three-dimensional`` or ``several-volumes``; see also :func:`voxels`.
    """
    voxels(shape)
    if len(shape) < 3 or 1 in shape[:3]:
        raise BadInput(
            f"the file holds a picture of {' x '.join(map(str, shape))}, not a volume",
            fix="Give a volume with at least two voxels along each of three axes",
            code="not-three-dimensional",
        )
    if len(shape) > 4:
        raise BadInput(
            f"the volume has {len(shape)} dimensions", fix="Save one volume", code="not-three-dimensional"
        )
    if any(side > 1 for side in shape[3:]):
        raise BadInput(
            f"the file holds {math.prod(shape[3:])} volumes",
            fix="Save the one that is meant on its own",
            code="several-volumes",
        )
    return shape[0], shape[1], shape[2]


def sized(volume: Volume, *, unit_stated: bool) -> Volume:
    """The volume, where it has the size of a patient or of a part of one.

    Raises
    ------
    BadInput
        ``implausible-size``; ``missing-units`` where no unit is stated and mm cannot be deduced.
    """
    low, high = PATIENT_MM if unit_stated else SURELY_MM
    longest = float((volume.spacing_mm * np.array(volume.shape)).max())
    if low <= longest <= high:
        return volume
    if unit_stated:
        raise BadInput(
            f"the longest side of the volume would be {longest:.4g} mm, which is no part of a patient",
            fix="Check the unit: spacing is in mm",
            code="implausible-size",
        )
    raise BadInput(
        f"the file states no unit of length, and a side of {longest:.4g} need not be mm",
        fix="State the unit in the header",
        code="missing-units",
    )
