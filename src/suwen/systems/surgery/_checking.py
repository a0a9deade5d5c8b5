"""The independent checker of an anatomy, kept while the same one is asked about."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from suwen.engines.clearance.checker import Checker
    from suwen.systems.surgery._anatomy import Anatomy


class _Key:
    """An anatomy as a key of a cache: equal where labels and critical structures are."""

    def __init__(self, anatomy: Anatomy) -> None:
        self.anatomy = anatomy
        self.key = (anatomy.case.labels.content_key(), tuple(sorted(anatomy.critical.items())))

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.key == other.key


def checker_of(anatomy: Anatomy) -> Checker:
    """The checker; building one reads every voxel, and certifying with it a few."""
    return _checker(_Key(anatomy))


@lru_cache(maxsize=2)
def _checker(key: _Key) -> Checker:
    from suwen.engines.clearance.checker import Checker

    return Checker(key.anatomy.labels, key.anatomy.spacing_mm, key.anatomy.critical)
