"""Read a picture from a path or from bytes; its content says what it is, never its name."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from suwen.core.errors import BadInput, NotFound, SuwenError, Unreadable
from suwen.formats.dicom import read_dicom
from suwen.formats.dicom_object import is_dicom
from suwen.formats.image import ClinicalImage
from suwen.formats.npz import is_zip, read_npz
from suwen.formats.picture import ACCEPTED, is_picture, read_picture

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_FILE_BYTES = 100 * 2**20
"""A larger file is refused before it is read."""

DICOM_SUFFIXES = frozenset({".dcm", ".dicom", ".ima"})

_OTHERS = (
    (b"\x1f\x8b", "gzip-compressed", "compressed"),
    (b"BZh", "bzip2-compressed", "compressed"),
    (b"\xfd7zXZ", "xz-compressed", "compressed"),
    (b"%PDF", "a PDF document", "unknown-format"),
    (b"BM", "a BMP picture", "unknown-format"),
    (b"NRRD", "an NRRD volume", "unknown-format"),
    (b"RIFF", "a RIFF file", "unknown-format"),
)


@dataclass(frozen=True, kw_only=True)
class ImageFile:
    """A picture left on disk until it is needed; it was decoded once when its source was opened.

    Attributes
    ----------
    path
        The file. May identify a subject: never logged.
    file_bytes
        Its size in bytes.
    key
        Content key of the picture as it was when the source was opened.
    """

    path: Path
    file_bytes: int
    key: str

    def load(self) -> ClinicalImage:
        """Read and decode the file."""
        return read_image(self.path)

    def content_key(self) -> str:
        """SHA-256 (hex) of the decoded picture; see :meth:`ClinicalImage.content_key`."""
        return self.key


def read_images(item: Path | bytes) -> tuple[ClinicalImage, ...]:
    """Every image of one file: one for PNG, JPEG and DICOM, all of them for an ``.npz``.

    Parameters
    ----------
    item
        A path, or the content itself.

    Raises
    ------
    NotFound
        No such file.
    BadInput
        ``is-a-folder``, ``not-a-file``, ``too-large``, or what the format's reader refuses.
    Unreadable
        ``empty-file``, ``compressed``, ``unknown-format``, ``not-dicom``, or what the reader cannot decode.
    """
    if isinstance(item, bytes):
        return _decode(item)
    with naming(item):
        return _decode(read_bytes(item), suffix=item.suffix.lower())


def read_image(item: Path | bytes) -> ClinicalImage:
    """Exactly one image.

    Raises
    ------
    BadInput
        ``several-images`` when the file holds more, and whatever :func:`read_images` raises.
    """
    images = read_images(item)
    if len(images) != 1:
        raise BadInput(
            f"the file holds {len(images)} images",
            where=None if isinstance(item, bytes) else str(item),
            fix="Send single images, one file each",
            code="several-images",
        )
    return images[0]


def read_bytes(path: Path) -> bytes:
    """A file's content, after its kind and size have passed.

    Raises
    ------
    NotFound, BadInput, Unreadable
        As :func:`read_images`.
    """
    try:
        if path.is_dir():
            raise BadInput("the path is a folder", fix="Name a file in it", code="is-a-folder")
        if not path.exists():
            raise NotFound("there is no such file", fix="Check the path")
        if not path.is_file():
            raise BadInput("the path is not a regular file", fix="Name an image file", code="not-a-file")
        _check_bytes(path.stat().st_size)
        return path.read_bytes()
    except OSError as error:
        raise Unreadable(
            "the file cannot be opened", fix=error.strerror or "Check the path", code="not-openable"
        ) from None
    except ValueError:  # a path with a null byte
        raise NotFound("there is no such file", fix="Check the path") from None


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Add the path to an error that does not yet say where."""
    try:
        yield
    except SuwenError as error:
        error.where = error.where or str(path)
        raise


def _check_bytes(size: int) -> None:
    if size == 0:
        raise Unreadable("the file is empty", fix=ACCEPTED, code="empty-file")
    if size > MAX_FILE_BYTES:
        raise BadInput(
            f"the file has {size / 2**20:.0f} MiB",
            fix=f"At most {MAX_FILE_BYTES // 2**20} MiB are read",
            code="too-large",
        )


def _decode(data: bytes, *, suffix: str = "") -> tuple[ClinicalImage, ...]:
    _check_bytes(len(data))
    if data[128:132] == b"DICM":  # the preamble before it may imitate another format (PS3.10 7.1)
        return (read_dicom(data),)
    if is_picture(data):
        return (read_picture(data),)
    if is_zip(data):
        return read_npz(data)
    if is_dicom(data):
        return (read_dicom(data),)
    start = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    web = start.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml", b"<!--"))
    if suffix in DICOM_SUFFIXES:
        what = "this is a web page or XML" if web else "this is not a DICOM object"
        raise Unreadable(
            f"{what}, though it is named {suffix}",
            fix="Send the file as the archive exported it",
            code="not-dicom",
        )
    if web:
        raise Unreadable("this is a web page or XML, not a picture", fix=ACCEPTED, code="unknown-format")
    for signature, name, code in _OTHERS:
        if data.startswith(signature):
            fix = f"Unpack it first. {ACCEPTED}" if code == "compressed" else ACCEPTED
            raise Unreadable(f"the file is {name}", fix=fix, code=code)
    return (read_picture(data),)  # tells moving GIFs and paged TIFFs from the rest, and refuses them all
