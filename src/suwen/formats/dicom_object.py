"""A DICOM object as its elements, before anybody asks what it shows: parsed within bounds, and without a word.

Nothing a patient could be known by enters a message, a note or a log: ``pydicom`` quotes element values
in its warnings, so they are silenced while it works.
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
import threading
import warnings
import zlib
from typing import TYPE_CHECKING, Any

from suwen.core.errors import BadInput, SuwenError, Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom.dataset import FileDataset

MAX_INFLATED_BYTES = 512 * 2**20
"""What a deflated object may grow to."""

_DEFLATED = b"1.2.840.10008.1.2.1.99"
_LOUD = ("pydicom", "pylibjpeg", "openjpeg", "jpeg_ls")
_NOWHERE = logging.NullHandler()
_ONE_AT_A_TIME = threading.RLock()
_VR = re.compile(rb"[A-Z]{2}")


def is_dicom(data: bytes) -> bool:
    """Whether the bytes are plausibly DICOM: ``DICM`` at 128, or a first element of group 2, 4 or 8."""
    if data[128:132] == b"DICM":
        return True
    head = data[:8]
    if len(head) < 8:
        return False
    order: Any
    for order in ("little", "big"):
        group, element = (int.from_bytes(head[at : at + 2], order) for at in (0, 2))
        if group in (2, 4, 8) and element <= 0x1600:
            explicit = _VR.fullmatch(head[4:6]) is not None
            implicit = order == "little" and int.from_bytes(head[4:8], order) <= 1024
            if explicit or implicit:
                return True
    return False


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No warning and no log line of the libraries; one thread at a time, as filters are global."""
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loggers = [logging.getLogger(name) for name in _LOUD]
        before = [logger.propagate for logger in loggers]
        for logger in loggers:  # what their children log arrives here, and goes no further
            logger.propagate = False
            logger.addHandler(_NOWHERE)
        try:
            yield
        finally:
            for logger, was in zip(loggers, before, strict=True):
                logger.propagate = was
                logger.removeHandler(_NOWHERE)


def parsed(data: bytes, *, pixels: bool = True) -> FileDataset:
    """Elements of one object; within :func:`quiet`, as the library quotes values in what it warns of.

    Parameters
    ----------
    data
        The whole file; the preamble may be missing.
    pixels
        Whether its pixels are kept, undecoded.

    Raises
    ------
    BadInput
        ``too-large`` for a deflated object above :data:`MAX_INFLATED_BYTES`.
    Unreadable
        ``not-dicom``, ``undecodable-header`` or ``truncated``.
    """
    import pydicom

    if not is_dicom(data):
        raise Unreadable(
            "this is not a DICOM object", fix="Send the file as the archive exported it", code="not-dicom"
        )
    try:
        _check_deflated(data)
        return pydicom.dcmread(io.BytesIO(data), force=True, stop_before_pixels=not pixels)
    except SuwenError:
        raise
    except EOFError:
        raise Unreadable(
            "the object ends within an element", fix="Send the whole file", code="truncated"
        ) from None
    except Exception:
        raise Unreadable(
            "the elements of the object cannot be parsed", fix="Export it again", code="undecodable-header"
        ) from None


def _check_deflated(data: bytes) -> None:
    """Inflate within bounds before pydicom does so without any."""
    if data[128:132] != b"DICM" or _DEFLATED not in data[132:4096]:
        return
    at = 132
    while data[at : at + 2] == b"\x02\x00":  # file meta: explicit VR, little endian (PS3.10 7.1)
        long_form = data[at + 4 : at + 6] in (b"OB", b"OW", b"UN", b"SQ", b"UT")
        start, size = (at + 8, 4) if long_form else (at + 6, 2)
        at = start + size + int.from_bytes(data[start : start + size], "little")
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = len(inflater.decompress(data[at:], MAX_INFLATED_BYTES))
    if inflated >= MAX_INFLATED_BYTES:
        raise BadInput(
            "the deflated object is too large once inflated", fix="Send one picture", code="too-large"
        )
    if not inflater.eof:
        raise Unreadable("the deflated object is cut short", fix="Send the whole file", code="truncated")


def broken(error: Exception) -> Unreadable:
    """What a decoder raised, as our refusal: ``truncated`` or ``undecodable-pixels``; its text is not repeated."""
    text = str(error).lower()
    if "less than expected" in text or isinstance(error, EOFError) or "unexpected end" in text:
        return Unreadable("the pixels are cut short", fix="Send the whole file", code="truncated")
    return Unreadable(
        "the pixels of the object cannot be decoded", fix="Export it again", code="undecodable-pixels"
    )
