"""Keyed hashes that stand for values in the indexes (blind indexes)."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from functools import lru_cache


class Blind:
    """A pseudo-random function of this store alone: equal values meet, nobody without the key reads them.

    Parameters
    ----------
    key
        32 bytes, secret, the same for the life of the store.
    """

    def __init__(self, key: bytes) -> None:
        def term(*parts: str) -> int:
            message = "\x00".join(parts).encode("utf-8", "surrogatepass")
            return int.from_bytes(hmac.digest(key, message, "sha256")[:8], "big", signed=True)

        self.term: Callable[..., int] = lru_cache(maxsize=1 << 16)(term)
        """HMAC-SHA256 of the parts, cut to a signed 64-bit integer; ``term("ref", "Patient/1")``."""

    def ref(self, reference: str) -> int:
        """Stand-in for ``Type/id``: what ``resource.ref``, ``link.target`` and the ledger hold."""
        return self.term("ref", reference)
