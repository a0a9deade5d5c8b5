"""Where suwen keeps its own files: keys, the model registry, runs started over HTTP."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """``SUWEN_HOME``, or ``~/.local/share/suwen``; not created by looking."""
    given = os.environ.get("SUWEN_HOME")
    if given:
        return Path(given)
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "suwen"
