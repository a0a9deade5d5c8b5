"""Split samples into parts and folds by group: a subject, with its near-duplicates, is never on two sides."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import BadInput
from suwen.core.sample import SPLITS, Sample

VALIDATION_FRACTION = 0.15
"""Part of a declared train that becomes validation, where the data set declares none."""
ATTEMPTS = 20
"""Orders tried before saying that no split holds every class."""

Counts = NDArray[np.float64]


def components(n: int, links: Iterable[Sequence[int]]) -> list[int]:
    """Smallest index of the connected component of each of ``n`` items, by union-find.

    Parameters
    ----------
    n
        Number of items.
    links
        Sets of items that belong together.
    """
    parent = list(range(n))

    def root(item: int) -> int:
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for link in links:
        for other in link[1:]:
            a, b = root(int(link[0])), root(int(other))
            parent[max(a, b)] = min(a, b)
    return [root(item) for item in range(n)]


def groups(samples: Sequence[Sample], clusters: Iterable[Sequence[int]] = ()) -> tuple[str, ...]:
    """What must stay together: samples of one subject, and subjects that share a (near-)duplicate.

    Parameters
    ----------
    samples
        Any samples.
    clusters
        Sets of indexes into ``samples`` that hold the same or nearly the same picture.

    Returns
    -------
    tuple of str
        One name per sample: the smallest subject id of its group, whatever the order of the samples.
    """
    by_subject: dict[str, list[int]] = {}
    for index, sample in enumerate(samples):
        by_subject.setdefault(sample.subject_id, []).append(index)
    root = components(len(samples), [*by_subject.values(), *clusters])
    name: dict[int, str] = {}
    for top, sample in zip(root, samples, strict=True):
        name[top] = min(name.get(top, sample.subject_id), sample.subject_id)
    return tuple(name[top] for top in root)


def effective_splits(samples: Sequence[Sample]) -> tuple[str | None, ...]:
    """The declared part of each sample that will be used: an unlabelled one is in none.

    Raises
    ------
    BadInput
        ``unknown-split`` for a part that is not train, validation or test.
    """
    unknown = {sample.split for sample in samples if sample.split is not None} - set(SPLITS)
    if unknown:
        raise BadInput(
            f"no part is called '{min(unknown)}'",
            fix=f"Known parts: {', '.join(SPLITS)}",
            code="unknown-split",
        )
    return tuple(sample.split if sample.target is not None else None for sample in samples)


def split_by_group(
    samples: Sequence[Sample], groups: Sequence[str], *, fractions: Mapping[str, float], seed: int
) -> tuple[str | None, ...]:
    """Assign each labelled sample a part; whole groups, stratified by class as well as they allow.

    Parts that the samples declare are kept. Where they declare none for learning, the undeclared samples
    whose group touches no declared part are it; where they declare no validation, ``fractions['validation']``
    (or 15%) of the groups to learn from become it. The result depends on the groups, their labels and the
    seed, not on the order of the samples.

    Parameters
    ----------
    samples
        Samples; one without a target is in no part.
    groups
        One name per sample, from :func:`groups`.
    fractions
        Part (``train``, ``validation``, ``test``) to its share of the samples; the shares sum to 1.
    seed
        Chooses among equally good splits.

    Returns
    -------
    tuple
        One part, or ``None``, per sample.

    Raises
    ------
    BadInput
        ``bad-fractions``; or ``too-few-subjects`` when the groups cannot put every class into every part.
    """
    wanted = _checked(fractions)
    declared = effective_splits(samples)
    pool = [i for i, sample in enumerate(samples) if sample.target is not None]
    if any(declared):
        pool = _declared_pool(declared, groups, pool)
        share = wanted.get("validation", 0.0) or VALIDATION_FRACTION
        wanted = {"train": 1.0}
        if "validation" not in declared:
            wanted = {"train": 1 - share, "validation": share}
    if not pool:
        return tuple(declared)
    names = list(wanted)
    labels = [str(samples[i].target) for i in pool]
    part = _assign([groups[i] for i in pool], labels, np.array(list(wanted.values())), seed, names)
    result = list(declared)
    for i, number in zip(pool, part, strict=True):
        result[i] = names[number]
    return tuple(result)


def folds(groups: Sequence[str], labels: Sequence[Hashable], k: int, seed: int) -> NDArray[np.int64]:
    """Fold number (0 to k - 1) of each sample: whole groups, stratified by label, of nearly equal size.

    Parameters
    ----------
    groups, labels
        One per sample.
    k
        Number of folds, 2 or more.
    seed
        Chooses among equally good folds; the order of the samples does not matter.

    Raises
    ------
    BadInput
        ``too-few-subjects`` with fewer than ``k`` groups, or ``k`` below 2.
    """
    if k < 2 or len(set(groups)) < k:
        raise BadInput(
            f"{len(set(groups))} subjects do not make {k} folds",
            fix="Ask for at least 2 folds and at most as many as there are subjects",
            code="too-few-subjects",
        )
    unique, index, counts = _tabulate(groups, [str(label) for label in labels])
    return _greedy(unique, counts, np.full(k, 1 / k), f"{seed}")[index]


def _checked(fractions: Mapping[str, float]) -> dict[str, float]:
    unknown = set(fractions) - set(SPLITS)
    if unknown or any(share < 0 for share in fractions.values()) or abs(sum(fractions.values()) - 1) > 1e-6:
        raise BadInput(
            "the fractions of a split must name its parts and sum to 1",
            where=", ".join(f"{part}={share:g}" for part, share in fractions.items()),
            fix=f"Known parts: {', '.join(SPLITS)}",
            code="bad-fractions",
        )
    return {part: fractions[part] for part in SPLITS if fractions.get(part, 0) > 0}


def _declared_pool(declared: Sequence[str | None], groups: Sequence[str], labelled: list[int]) -> list[int]:
    """Indexes to learn from: declared ``train``; else undeclared, in groups that touch no declared part."""
    if "train" in declared:
        return [i for i in labelled if declared[i] == "train"]
    taken = {group for group, part in zip(groups, declared, strict=True) if part is not None}
    return [i for i in labelled if declared[i] is None and groups[i] not in taken]


def _tabulate(
    groups: Sequence[str], labels: Sequence[str]
) -> tuple[NDArray[np.str_], NDArray[np.int64], Counts]:
    """Distinct groups, the group number of each sample, and class counts (groups, classes)."""
    unique, index = np.unique(np.asarray(groups, dtype=np.str_), return_inverse=True)
    classes, number = np.unique(np.asarray(labels, dtype=np.str_), return_inverse=True)
    counts = np.zeros((len(unique), len(classes)))
    np.add.at(counts, (index, number), 1)
    return unique, index, counts


def _greedy(unique: NDArray[np.str_], counts: Counts, wanted: Counts, salt: str) -> NDArray[np.int64]:
    """Part of each group: largest groups first, each where it best corrects the shares of its classes.

    Equal groups come in the order of a salted hash, which is what the seed varies.
    """
    total = counts.sum(axis=0)
    # Squared errors relative to each part's share, so that parts fill at the same pace and the groups that
    # come last, the smallest, even out what the first ones left.
    target, scale = wanted[:, None] * total, 1 / (total**2 * wanted[:, None])
    draw = [hashlib.sha256(f"{salt}\0{name}".encode()).digest() for name in unique]
    size = (counts / total).sum(axis=1)
    have = np.zeros_like(target)
    part = np.zeros(len(unique), np.int64)
    for group in sorted(range(len(unique)), key=lambda g: (-size[g], draw[g])):
        row = counts[group]
        change = (row * (2 * (have - target) + row) * scale).sum(axis=1)
        part[group] = int(change.argmin())
        have[part[group]] += row
    return part


def _assign(
    groups: Sequence[str], labels: Sequence[str], wanted: Counts, seed: int, names: Sequence[str]
) -> NDArray[np.int64]:
    """Part of each sample, with every class in every part, or an error that says which class is short."""
    unique, index, counts = _tabulate(groups, labels)
    carriers = (counts > 0).sum(axis=0)
    short = int(carriers.argmin())
    if carriers[short] >= len(wanted):
        for attempt in range(ATTEMPTS):
            part = _greedy(unique, counts, wanted, f"{seed}/{attempt}" if attempt else f"{seed}")
            if _cover(part, counts, len(wanted)):
                return part[index]
    raise BadInput(
        f"the subjects do not put every class into each of {', '.join(names)}: "
        f"'{sorted(set(labels))[short]}' has only {int(carriers[short])}",
        fix="Add subjects of that class, declare the split in the data, or ask for fewer parts",
        code="too-few-subjects",
    )


def _cover(part: NDArray[np.int64], counts: Counts, parts: int) -> bool:
    """Move single groups (in place) until every part holds every class; say whether that was possible."""
    holds = np.stack([(counts[part == p] > 0).sum(axis=0) for p in range(parts)])
    while (holds == 0).any():
        poor, missing = (int(i) for i in np.argwhere(holds == 0)[0])
        has = counts > 0
        # A donor part must keep a second carrier of every class that leaves with the group.
        spare = (~has | (holds[part] >= 2)).all(axis=1) & has[:, missing]
        if not spare.any():
            return False
        moved = int(np.where(spare, counts.sum(axis=1), np.inf).argmin())
        holds[part[moved]] -= has[moved]
        holds[poor] += has[moved]
        part[moved] = poor
    return True
