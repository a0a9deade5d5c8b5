"""Cursors: where a page ended, sealed, so that a link tells nothing of what was searched."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import orjson

from suwen.core.errors import BadInput, SuwenError
from suwen.records.interactions.messages import Pairs, Request
from suwen.records.keys.cipher import Cipher

MAX_COUNT = 1000
"""Most entries on one page."""
_BINDING = b"cursor"


@dataclass(frozen=True, slots=True)
class Cursor:
    """The search that is being paged through, and the place reached.

    Attributes
    ----------
    path, query
        Of the first page.
    state
        What the search or history needs to go on.
    """

    path: str
    query: Pairs
    state: list[Any]


class Cursors:
    """Seals and opens cursors of one store.

    Parameters
    ----------
    cipher
        With a key of the store's own: links outlive a restart, and die with the store.
    """

    def __init__(self, cipher: Cipher) -> None:
        self.cipher = cipher

    def seal(self, cursor: Cursor) -> str:
        """A cursor as a token for a link."""
        plain = orjson.dumps([cursor.path, cursor.query, cursor.state])
        return base64.urlsafe_b64encode(self.cipher.seal(plain, _BINDING)).rstrip(b"=").decode()

    def of(self, request: Request) -> Cursor | None:
        """The cursor in a request, if it goes on with an earlier one.

        Raises
        ------
        BadInput
            When it was not made here, or for another address (code ``bad-cursor``).
        """
        given = [value for name, value in request.query if name == "_cursor"]
        if not given:
            return None
        try:
            token = given[-1].encode("ascii")
            sealed = base64.urlsafe_b64decode(token + b"=" * (-len(token) % 4))
            path, query, state = orjson.loads(self.cipher.open(sealed, _BINDING))
        except (SuwenError, ValueError, binascii.Error):
            raise _bad() from None
        if path != request.path:
            raise _bad()
        return Cursor(path, [(name, value) for name, value in query], state)


def count_of(request: Request, usual: int) -> int:
    """Entries wanted on a page.

    Raises
    ------
    BadInput
        For what is no count.
    """
    given = [value for name, value in request.query if name == "_count"]
    if not given:
        return usual
    if not given[-1].isdecimal():
        raise BadInput("_count is no whole number", fix="Give 0 or more", code="bad-search")
    return max(1, min(int(given[-1][:9]), MAX_COUNT))


def _bad() -> BadInput:
    return BadInput("this page link was not made here", fix="Start again with the search", code="bad-cursor")
