"""The same subject or picture on both sides of a split, and one picture under two labels."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from suwen.core.sample import SPLITS, Sample
from suwen.lifecycle.audit.report import Finding

EXAMPLES = 5
"""Examples kept per finding."""


def leakage(
    splits: Sequence[str | None], *, keys: Sequence[str], subjects: Sequence[str] | None
) -> tuple[Finding, ...]:
    """Subjects and identical images that stand in two parts.

    Parameters
    ----------
    splits
        Part of each sample; ``None`` is no part.
    keys
        Content key of each sample.
    subjects
        Subject of each sample, or ``None`` where subjects are not known.

    Returns
    -------
    tuple of Finding
        One per kind (``subject``, ``image``) and pair of parts with something in common.
    """
    found = [] if subjects is None else _shared("subject", subjects, splits)
    return (*found, *_shared("image", keys, splits))


def near_crossings(splits: Sequence[str | None], pairs: Iterable[tuple[int, int]]) -> tuple[Finding, ...]:
    """Pairs of near-duplicates whose members stand in two parts, counted per pair of parts."""
    crossing: dict[tuple[str, ...], list[tuple[int, ...]]] = {}
    for a, b in pairs:
        first, second = splits[a], splits[b]
        if first is not None and second is not None and first != second:
            crossing.setdefault(tuple(sorted((first, second), key=SPLITS.index)), []).append((a, b))
    return tuple(
        Finding(kind="near-duplicate", between=parts, count=len(found), examples=tuple(found[:EXAMPLES]))
        for parts, found in sorted(crossing.items())
    )


def label_conflicts(
    samples: Sequence[Sample], exact: Iterable[Sequence[int]], near: Iterable[Sequence[int]]
) -> tuple[Finding, ...]:
    """Groups of copies that carry more than one label; an unlabelled copy contradicts nobody."""
    return (*_conflicts("image", samples, exact), *_conflicts("near-duplicate", samples, near))


def split_fingerprints(keys: Sequence[str], samples: Sequence[Sample]) -> Mapping[str, str]:
    """Per declared part, SHA-256 (hex) over its sorted content keys and labels.

    Equal for equal contents and labels, whatever the order, the names and the machine; the same figures as
    :func:`suwen.formats.sources.split_fingerprints`, for any type of data.
    """
    lines: dict[str, list[str]] = {part: [] for part in SPLITS}
    for key, sample in zip(keys, samples, strict=True):
        if sample.split is not None:
            lines[sample.split].append(f"{key}\t{sample.target or ''}")
    return {
        part: hashlib.sha256("\n".join(sorted(found)).encode()).hexdigest()
        for part, found in lines.items()
        if found
    }


def _shared(kind: str, names: Sequence[str], splits: Sequence[str | None]) -> list[Finding]:
    where: dict[str, dict[str, list[int]]] = {}
    for index, (name, split) in enumerate(zip(names, splits, strict=True)):
        if split is not None:
            where.setdefault(name, {}).setdefault(split, []).append(index)
    found = []
    for parts in combinations(SPLITS, 2):
        both = [sides for sides in where.values() if all(part in sides for part in parts)]
        if both:
            examples = tuple(tuple(sides[part][0] for part in parts) for sides in both[:EXAMPLES])
            found.append(Finding(kind=kind, between=parts, count=len(both), examples=examples))
    return found


def _conflicts(kind: str, samples: Sequence[Sample], groups: Iterable[Sequence[int]]) -> list[Finding]:
    found: dict[tuple[str, ...], list[tuple[int, ...]]] = {}
    for members in groups:
        first: dict[str, int] = {}
        for index in members:
            target = samples[index].target
            if target is not None:
                first.setdefault(str(target), index)
        if len(first) > 1:
            labels = tuple(sorted(first))
            found.setdefault(labels, []).append(tuple(first[label] for label in labels))
    return [
        Finding(kind=kind, between=labels, count=len(hits), examples=tuple(hits[:EXAMPLES]))
        for labels, hits in sorted(found.items())
    ]
