"""If-Match and If-None-Match: nobody overwrites what they have not seen."""

from __future__ import annotations

import re

from suwen.core.errors import BadInput
from suwen.records.interactions.errors import PreconditionFailed
from suwen.records.interactions.messages import Request
from suwen.records.store.changes import Check, Current

_ETAG = re.compile(r'(?:W/)?"?(\d{1,9})"?')


def etag(version: int) -> str:
    """A version as an entity tag."""
    return f'W/"{version}"'


def version_in(tag: str) -> int:
    """The version that an entity tag names.

    Raises
    ------
    BadInput
        For what is no tag of ours.
    """
    found = _ETAG.fullmatch(tag.strip())
    if not found:
        raise BadInput("this is no version tag", fix='Send the ETag of a read: W/"3"', code="bad-etag")
    return int(found[1])


def check_of(request: Request) -> Check | None:
    """What to look at before a write: ``None`` when the request sets no condition.

    Raises
    ------
    BadInput
        For a malformed tag; what the check itself raises is :class:`PreconditionFailed`.
    """
    if request.if_match is not None:
        wanted = version_in(request.if_match)

        def same(current: Current | None) -> None:
            if current is None or current.deleted or current.version != wanted:
                raise PreconditionFailed(
                    "the resource has changed since the version named in If-Match",
                    fix="Read it again, apply the change to what is there now, and send its new ETag",
                    code="stale-version",
                )

        return same
    if request.if_none_match is not None and request.if_none_match.strip() == "*":

        def absent(current: Current | None) -> None:
            if current is not None and not current.deleted:
                raise PreconditionFailed(
                    "there is already a resource with this id", fix="Leave If-None-Match out to update it"
                )

        return absent
    return None
