"""What the verbs print: one JSON document on stdout, everything else on stderr."""

from __future__ import annotations

import sys
from typing import Any

from suwen.core.documents import dumps
from suwen.core.errors import SuwenError


def emit(document: Any) -> None:
    """Print one document on stdout."""
    sys.stdout.write(dumps(document) + "\n")


def line(text: str) -> None:
    """Print one line of a human-readable answer on stdout."""
    sys.stdout.write(text + "\n")


def progress(text: str) -> None:
    """Print one line of progress on stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def report_error(error: SuwenError, *, as_json: bool) -> None:
    """Say what was wrong on stderr; with ``--json`` as the document on stdout too."""
    if as_json:
        emit(error.as_dict())
    sys.stderr.write(f"suwen: {error} [{error.code}]\n")


def who() -> str:
    """Whoever runs this program, as the ledger names them."""
    import getpass

    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # a container's user without a name
        return "cli:unnamed"


def figure(estimate: Any) -> str:
    """``0.977 (0.965 to 0.987)``, or a dash where the figure is undefined."""
    if estimate is None or estimate["value"] is None:
        return "-"
    if estimate["lo"] is None:
        return f"{estimate['value']:.3f}"
    return f"{estimate['value']:.3f} ({estimate['lo']:.3f} to {estimate['hi']:.3f})"
