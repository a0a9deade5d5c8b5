"""What the audit found, as a document and as lines to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from suwen.core.documents import plain
from suwen.core.report import Estimate

UNASSIGNED = "unassigned"
"""Stands in for the part of samples that declare none."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that stands in two places where it should stand in one.

    Attributes
    ----------
    kind
        ``subject``, ``image`` or ``near-duplicate``.
    between
        The parts, or the labels, that it stands in.
    count
        Subjects, images, or pairs of near-duplicates (between parts) or clusters of them (between labels).
    examples
        Indexes into the samples, one tuple per example, at most five. Never names.
    """

    kind: str
    between: tuple[str, ...]
    count: int
    examples: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Shortcut:
    """How well something trivial predicts the label.

    Attributes
    ----------
    name
        ``thumbnail``, ``border``, ``file_size``, ``column:<name>`` ...
    meaning
        What it is, for people.
    auroc
        On unseen groups, 95% interval by bootstrap over groups; macro one-vs-rest above two classes.
    threshold
        The lower bound from which it is flagged.
    flagged
        Whether a model could have learned this instead of the finding.
    """

    name: str
    meaning: str
    auroc: Estimate
    threshold: float
    flagged: bool


@dataclass(frozen=True, kw_only=True)
class Audit:
    """The state of a data set before anything is learned from it.

    Attributes
    ----------
    n, n_subjects, subjects_known
        Readable samples, distinct subjects, and whether the subjects are real ones.
    labelled
        Part (or ``unassigned``) to class to number of labelled samples.
    unlabelled
        Samples whose label is missing: kept apart, never negative.
    unusable
        Error code to the sources that could not be read.
    exact_duplicates, near_duplicates
        Groups of indexes into the samples: same content; nearly the same picture (with their exact copies).
    label_conflicts
        Pictures under two labels: kind ``image`` or ``near-duplicate``.
    leakage
        Subjects or identical images in two parts. Training must not go on.
    near_crossings
        Near-duplicates in two parts: a warning.
    shortcuts
        The shortcut probe, strongest first.
    probe
        ``done``, or why the probe was not run.
    warnings, notes
        Sentences for the reader and for the model card.
    integrity
        What the source's reader found about its completeness: observations per hour, truncated stays, values
        left out by reason.
    fingerprint, split_fingerprints
        SHA-256 (hex) of the data, and of content and labels of each declared part.
    """

    n: int
    n_subjects: int
    subjects_known: bool
    labelled: Mapping[str, Mapping[str, int]]
    unlabelled: int
    unusable: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exact_duplicates: tuple[tuple[int, ...], ...] = ()
    near_duplicates: tuple[tuple[int, ...], ...] = ()
    label_conflicts: tuple[Finding, ...] = ()
    leakage: tuple[Finding, ...] = ()
    near_crossings: tuple[Finding, ...] = ()
    shortcuts: tuple[Shortcut, ...] = ()
    probe: str = "done"
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    integrity: Mapping[str, Any] = field(default_factory=dict)
    fingerprint: str = ""
    split_fingerprints: Mapping[str, str] = field(default_factory=dict)

    @property
    def leaks(self) -> bool:
        """Whether a subject or an identical image stands in two parts."""
        return bool(self.leakage)

    @property
    def clusters(self) -> tuple[tuple[int, ...], ...]:
        """Sets of samples that a split must keep together, besides those of one subject."""
        return (*self.exact_duplicates, *self.near_duplicates)

    def document(self) -> dict[str, Any]:
        """The audit in JSON's own types, ``leaks`` included."""
        return {**plain(self), "leaks": self.leaks}


def summary_lines(audit: Audit) -> list[str]:
    """The audit for a terminal: what is there, what is wrong with it, and what each warning means.

    Holds counts only: no subject, no file name.
    """
    who = f"{audit.n_subjects} subjects" if audit.subjects_known else "subjects not known"
    lines = [f"{audit.n} samples, {who}"]
    for part, classes in audit.labelled.items():
        counts = ", ".join(f"{name} {count}" for name, count in classes.items())
        lines.append(f"  {part}: {counts or 'none labelled'}")
    if audit.unlabelled:
        lines.append(f"  without a label, kept apart: {audit.unlabelled}")
    lines.extend(f"  unusable ({code}): {len(sources)}" for code, sources in audit.unusable.items())
    copies = sum(len(group) - 1 for group in audit.exact_duplicates)
    lines.append(f"exact copies: {copies}; clusters of near-duplicates: {len(audit.near_duplicates)}")
    lines.append("shortcut probe:" if audit.probe == "done" else f"shortcut probe: not run, {audit.probe}")
    for found in audit.shortcuts:
        a = found.auroc
        mark = "  FLAGGED" if found.flagged else ""
        lines.append(f"  {found.name:<18} AUROC {a.value:.2f} ({a.lo:.2f} to {a.hi:.2f}){mark}")
    lines.extend(f"note: {sentence}" for sentence in audit.notes)
    lines.extend(f"warning: {sentence}" for sentence in audit.warnings)
    if audit.leaks:
        lines.append("LEAKAGE: training stops here unless it is accepted")
    return lines
