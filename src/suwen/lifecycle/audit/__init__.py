"""The data audit behind ``collect``: what is in the data, and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from suwen.core.engine import Progress
from suwen.core.errors import BadInput, MissingExtra, SuwenError
from suwen.core.sample import SPLITS, Sample, Samples, Unusable
from suwen.core.task import AnyEndpoint
from suwen.lifecycle.audit import duplicates, leakage, shortcuts
from suwen.lifecycle.audit.report import UNASSIGNED, Audit, Finding, Shortcut, summary_lines
from suwen.lifecycle.audit.sentences import warnings
from suwen.lifecycle.audit.trivia import SEARCH_VIEW, suspects
from suwen.lifecycle.splits import effective_splits, groups

__all__ = ["Audit", "Finding", "Shortcut", "audit", "summary_lines"]

View = Mapping[str, NDArray[np.float32] | float]
REPORT_EVERY = 1000
"""Samples between two lines of progress."""


def audit(
    samples: Samples,
    *,
    views: Callable[[Sample], View],
    content_key: Callable[[Sample], str],
    endpoint: AnyEndpoint,
    probe: bool = True,
    seed: int = 0,
    progress: Progress | None = None,
) -> Audit:
    """Look through a data set before anything is learned from it.

    Parameters
    ----------
    samples
        What a source held.
    views
        The engine's trivial vectors of a sample; ``fine`` (zero mean, unit norm), where given, finds
        near-duplicates, all others are probed as shortcuts.
    content_key
        Equal for equal content, whatever the file's name or encoding.
    endpoint
        The task's classes, for the order of the counts.
    probe
        Whether to run the shortcut probe.
    seed
        Of the probe's folds and bootstrap.
    progress
        Receives a line now and then; counts only, no names.

    Returns
    -------
    Audit
        Indexes in it refer to ``samples.samples``. A sample whose content cannot be read is counted among
        the unusable and takes part in nothing else.
    """
    say = progress or (lambda _: None)
    readable, seen, keys, unusable = _look(samples, views, content_key, say)
    chosen = [samples.samples[i] for i in readable]
    exact = duplicates.exact(keys)
    pairs = _near_pairs(seen, exact, say)
    near = duplicates.clusters(len(keys), [*pairs, *_touched(exact, pairs)])
    splits = effective_splits(chosen)
    subjects = [sample.subject_id for sample in chosen] if samples.subjects_known else None
    found: tuple[Shortcut, ...] = ()
    left_out: tuple[str, ...] = ()
    state = "it was not asked for"
    if probe:
        together = groups(chosen, [*exact, *near])
        found, state, left_out = _probe(chosen, seen, together, samples.subjects_known, seed, say)
    result = Audit(
        n=len(chosen),
        n_subjects=len({sample.subject_id for sample in chosen}),
        subjects_known=samples.subjects_known,
        labelled=_balance(chosen, endpoint),
        unlabelled=sum(sample.target is None for sample in chosen),
        unusable=_by_code([*samples.unusable, *unusable]),
        exact_duplicates=_original(exact, readable),
        near_duplicates=_original(near, readable),
        label_conflicts=_renumbered(leakage.label_conflicts(chosen, exact, near), readable),
        leakage=_renumbered(leakage.leakage(splits, keys=keys, subjects=subjects), readable),
        near_crossings=_renumbered(leakage.near_crossings(splits, pairs), readable),
        shortcuts=found,
        probe=state,
        notes=(*samples.notes, *left_out),
        integrity=samples.integrity,
        fingerprint=samples.fingerprint,
        split_fingerprints=leakage.split_fingerprints(keys, chosen),
    )
    return replace(result, warnings=warnings(result))


def _look(
    samples: Samples,
    views: Callable[[Sample], View],
    content_key: Callable[[Sample], str],
    say: Progress,
) -> tuple[list[int], list[View], list[str], list[Unusable]]:
    """Indexes of the samples whose content can be read, their views and content keys, and the others."""
    readable: list[int] = []
    seen: list[View] = []
    keys: list[str] = []
    unusable: list[Unusable] = []
    for index, sample in enumerate(samples):
        if index % REPORT_EVERY == 0:
            say(f"looking at samples {index + 1} to {min(index + REPORT_EVERY, len(samples))}")
        try:
            view, key = views(sample), content_key(sample)
        except SuwenError as error:
            unusable.append(Unusable(source=sample.source, code=error.code, reason=error.what))
            continue
        readable.append(index)
        seen.append(view)
        keys.append(key)
    return readable, seen, keys, unusable


def _near_pairs(seen: Sequence[View], exact: duplicates.Groups, say: Progress) -> list[tuple[int, int]]:
    """Near-duplicate pairs among distinct contents: the first copy stands for all."""
    copies = {index for group in exact for index in group[1:]}
    distinct = [i for i, view in enumerate(seen) if SEARCH_VIEW in view and i not in copies]
    if len(distinct) < 2:
        return []
    say(f"comparing {len(distinct)} distinct samples")
    fine = np.stack([np.asarray(seen[i][SEARCH_VIEW], np.float32) for i in distinct])
    return [(distinct[a], distinct[b]) for a, b in duplicates.near(fine)]


def _touched(exact: duplicates.Groups, pairs: Sequence[tuple[int, int]]) -> duplicates.Groups:
    """Groups of exact copies whose first member has a near-duplicate: they belong to its cluster."""
    paired = {index for pair in pairs for index in pair}
    return tuple(group for group in exact if group[0] in paired)


def _probe(
    chosen: Sequence[Sample],
    seen: Sequence[View],
    together: Sequence[str],
    subjects_known: bool,
    seed: int,
    say: Progress,
) -> tuple[tuple[Shortcut, ...], str, tuple[str, ...]]:
    """The shortcuts, ``done`` or why not, and notes on what was left out."""
    labelled = [i for i, sample in enumerate(chosen) if sample.target is not None]
    if not labelled:
        return (), "no sample has a label", ()
    say(f"probing {len(labelled)} labelled samples for shortcuts")
    members = [chosen[i] for i in labelled]
    trivia, left_out = suspects(members, [seen[i] for i in labelled], subjects_known=subjects_known)
    try:
        found = shortcuts.probe(
            trivia,
            [str(sample.target) for sample in members],
            [together[i] for i in labelled],
            seed=seed,
        )
    except (MissingExtra, BadInput) as error:
        return (), error.what, ()
    return found, "done", left_out


def _balance(chosen: Sequence[Sample], endpoint: AnyEndpoint) -> dict[str, dict[str, int]]:
    """Part to class to count; classes nobody has are there with 0, targets beyond the endpoint follow."""
    counts = Counter((s.split or UNASSIGNED, str(s.target)) for s in chosen if s.target is not None)
    parts = [part for part in (*SPLITS, UNASSIGNED) if any(where == part for where, _ in counts)]
    classes = [*endpoint.classes, *sorted({name for _, name in counts} - set(endpoint.classes))]
    if endpoint.kind == "computed":  # kinds of question: one that nobody asks is not missing
        classes = [name for name in classes if any(counts[part, name] for part in parts)]
    return {part: {name: counts[part, name] for name in classes} for part in parts}


def _by_code(unusable: Sequence[Unusable]) -> dict[str, tuple[str, ...]]:
    return {
        code: tuple(record.source for record in unusable if record.code == code)
        for code in sorted({record.code for record in unusable})
    }


def _original(found: duplicates.Groups, readable: Sequence[int]) -> duplicates.Groups:
    """The same groups by index into all samples, the unreadable included."""
    return tuple(tuple(readable[i] for i in members) for members in found)


def _renumbered(found: Sequence[Finding], readable: Sequence[int]) -> tuple[Finding, ...]:
    return tuple(replace(one, examples=_original(one.examples, readable)) for one in found)
