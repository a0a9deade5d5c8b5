"""The garbage collector, set for processes that parse large documents all day."""

from __future__ import annotations

import gc


def for_large_documents() -> None:
    """Let the collector look rarely, and never again at what is loaded already.

    A bundle of a megabyte is sixty thousand new objects without a single cycle among them; by default the
    collector goes through them, and through all that is loaded, again and again. Cycles are still found.
    Meant for programs, once they are up, not for libraries.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
