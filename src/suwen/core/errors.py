"""The error tree. Every error says what was wrong, where, and what to do.

SuwenError
├── BadInput            what was given cannot be used             HTTP 400
│   ├── Unreadable      a file or its pixels cannot be decoded    HTTP 422
│   ├── UnknownSetting  a ``--set`` key or value nobody defined   HTTP 400
│   ├── TooLarge        above a limit of this interface           HTTP 413
│   └── WrongMediaType  a body of a kind that is not taken        HTTP 415
├── Refused             understood, and not done for a reason     HTTP 403
│   ├── LeakageFound    training and test data share subjects     HTTP 409
│   ├── FloorMissed     a report is below the task's floor        HTTP 409
│   └── Untrusted       a signature or a hash does not hold       HTTP 403
├── NotFound            no such task, run, model or file          HTTP 404
├── Conflict            the state on disk forbids it              HTTP 409
└── MissingExtra        an optional package is not installed      HTTP 424
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable

EXIT_CODE = 3
"""Exit status of the command line for every :class:`SuwenError`."""


class SuwenError(Exception):
    """Root of the tree; ``code`` is stable and safe to log, the sentence may name a file.

    Parameters
    ----------
    what
        What was wrong, as a sentence without a full stop.
    where
        The file, key or field it was found in. Never logged by the server.
    fix
        What the reader can do about it.
    code
        Overrides the class's stable code with a more precise one.
    """

    code: str = "suwen-error"
    http_status: ClassVar[int] = 500

    def __init__(
        self, what: str, *, where: str | None = None, fix: str | None = None, code: str | None = None
    ) -> None:
        self.what, self.where, self.fix = what, where, fix
        if code is not None:
            self.code = code
        super().__init__(what)

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        return f"{self.what}{place}." + (f" {self.fix}." if self.fix else "")

    def as_dict(self) -> dict[str, object]:
        """The error as every ``--json`` document and HTTP body carries it."""
        return {"error": {"code": self.code, "what": self.what, "where": self.where, "fix": self.fix}}


class BadInput(SuwenError):
    """What was given cannot be used."""

    code = "bad-input"
    http_status = 400


class Unreadable(BadInput):
    """A file, or the pixels in it, cannot be decoded."""

    code = "unreadable"
    http_status = 422


class UnknownSetting(BadInput):
    """A setting nobody defined, or a value outside its range."""

    code = "unknown-setting"


class TooLarge(BadInput):
    """An upload, or a whole request, above its limit."""

    code = "too-large"
    http_status = 413


class WrongMediaType(BadInput):
    """A body of a kind that the route does not take."""

    code = "wrong-media-type"
    http_status = 415


class Refused(SuwenError):
    """Understood, and not done for a stated reason."""

    code = "refused"
    http_status = 403


class LeakageFound(Refused):
    """Subjects or images are on both sides of a split."""

    code = "leakage"
    http_status = 409


class FloorMissed(Refused):
    """A report is below the floor its task demands."""

    code = "floor-missed"
    http_status = 409


class Untrusted(Refused):
    """A signature, or the hash of a signed file, does not hold."""

    code = "untrusted"


class NotFound(SuwenError):
    """No such task, run, model or file."""

    code = "not-found"
    http_status = 404


class Conflict(SuwenError):
    """The state on disk forbids the step."""

    code = "conflict"
    http_status = 409


class MissingExtra(SuwenError):
    """An optional package is needed and not installed."""

    code = "missing-extra"
    http_status = 424

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package '{package}'", fix=f"Install it with: pip install 'suwen[{extra}]'"
        )


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint naming the closest known name, or all of them.

    Parameters
    ----------
    name
        What was asked for.
    known
        The names that exist.
    """
    names = sorted(known)
    close = get_close_matches(name, names, n=1, cutoff=0.4)
    if close:
        return f"Did you mean '{close[0]}'"
    return "Known: " + (", ".join(names) if names else "none")
