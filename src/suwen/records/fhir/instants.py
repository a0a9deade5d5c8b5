"""Times as the record keeps them: microseconds since 1970 UTC inside, FHIR instants outside."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import formatdate, parsedate_to_datetime
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now_us() -> int:
    """The present, microseconds since 1970 UTC."""
    return time.time_ns() // 1000


@lru_cache(maxsize=4096)
def instant(at_us: int) -> str:
    """``2026-01-31T12:00:00.123Z``: a time in whole milliseconds."""
    when = _EPOCH + timedelta(microseconds=at_us)
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"


def http_date(at_us: int) -> str:
    """The same as HTTP's ``Last-Modified``, which knows seconds only."""
    return formatdate(at_us // 1_000_000, usegmt=True)


def read_http_date(text: str) -> int | None:
    """Microseconds of an HTTP date; ``None`` for what is none, which HTTP ignores."""
    try:
        return int(parsedate_to_datetime(text).timestamp()) * 1_000_000
    except (ValueError, TypeError):
        return None
