"""Files of a multipart request: counted, measured and read, their names left behind."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import UploadFile
from starlette.datastructures import Headers
from starlette.formparsers import MultiPartParser

from suwen.core.errors import BadInput, TooLarge, WrongMediaType
from suwen.core.task import Task
from suwen.server.guard import MAX_REQUEST_BYTES, MAX_UPLOAD_BYTES

MAX_FILES = 32
MAX_ARCHIVE = {"predict": 1024, "explain": MAX_FILES}
"""Samples that the archives of one request may hold, by verb."""
# A patient's image never touches a temporary file: uploads stay in memory, and requests are bounded.
MultiPartParser.spool_max_size = MAX_REQUEST_BYTES
_ZIP = b"PK\x03\x04"


def check(headers: Headers, uploads: Sequence[UploadFile]) -> None:
    """Refuse a request without files, with too many, or with one too large, before any is read.

    Raises
    ------
    WrongMediaType
        When the request is no form with files.
    BadInput
        For no file, or more than :data:`MAX_FILES`.
    TooLarge
        For a file above :data:`~suwen.server.guard.MAX_UPLOAD_BYTES`.
    """
    if not headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise WrongMediaType(
            "the files must come as multipart/form-data", fix="For example: curl -F files=@image.png"
        )
    if not uploads:
        raise BadInput(
            "the request holds no file", fix="Name the form field 'files' (or 'file')", code="no-file"
        )
    if len(uploads) > MAX_FILES:
        raise BadInput(
            f"the request holds {len(uploads)} files; {MAX_FILES} are allowed",
            fix="Send the others in another request",
            code="too-many-files",
        )
    for number, upload in enumerate(uploads, start=1):
        if (upload.size or 0) > MAX_UPLOAD_BYTES:
            raise TooLarge(
                f"upload {number} is larger than {MAX_UPLOAD_BYTES // 2**20} MB", fix="Send a single image"
            )


def read(uploads: Sequence[UploadFile]) -> tuple[list[bytes], list[str]]:
    """Contents of the uploads, and what to call them: by number, since a file name may name a patient."""
    return [upload.file.read() for upload in uploads], [f"upload {n}" for n in range(1, len(uploads) + 1)]


def check_archives(task: Task, items: Sequence[bytes], verb: str) -> None:
    """Refuse archives of more samples than one request may ask for.

    Raises
    ------
    TooLarge
        Saying how many there are.
    """
    held = sum(len(task.read(item)) for item in items if item.startswith(_ZIP))
    if held > MAX_ARCHIVE[verb]:
        raise TooLarge(
            f"the archives hold {held} samples; {MAX_ARCHIVE[verb]} can be answered in one request",
            fix=f"Send fewer, or use the command line: suwen {verb}",
        )
