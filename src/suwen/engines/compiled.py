"""numba, asked for by name: a typed decorator, and a sentence instead of a traceback where it is not installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from suwen.core.errors import MissingExtra

P = ParamSpec("P")
R = TypeVar("R")


def compiled(kernel: Callable[P, R]) -> Callable[P, R]:
    """Compile a kernel when it is first called and keep the machine code on disk.

    Raises
    ------
    MissingExtra
        Without numba.
    """
    try:
        from numba import njit
    except ImportError as error:
        raise MissingExtra("numba", "surgery", "Planning") from error
    return cast("Callable[P, R]", njit(cache=True, nogil=True)(kernel))
