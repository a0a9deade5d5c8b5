"""Fingerprints of a data set: from what it shows and says, not from where it lies."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from suwen.core.sample import SPLITS
from suwen.core.target import content_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from suwen.core.sample import Sample


def content_key(sample: Sample) -> str:
    """Hash of what a sample shows, whatever its file's name or encoding."""
    return "+".join(str(value.content_key()) for value in sample.inputs.values())


def fingerprint(samples: Iterable[Sample], known_subjects: Iterable[bool]) -> str:
    """SHA-256 (hex) over the sorted lines of content key, label, split and, where known, subject.

    Parameters
    ----------
    samples
        Samples whose every input has a ``content_key()``.
    known_subjects
        For each sample, whether its ``subject_id`` names a real subject.
    """
    return _digest(
        "\t".join(
            (
                content_key(sample),
                content_of(sample.target),
                sample.split or "",
                sample.subject_id if known else "",
            )
        )
        for sample, known in zip(samples, known_subjects, strict=True)
    )


def split_fingerprints(samples: Iterable[Sample]) -> dict[str, str]:
    """Per split that the data set itself assigns: SHA-256 (hex) over its sorted content keys and labels.

    Samples without a split are in none of them.
    """
    lines: dict[str, list[str]] = {name: [] for name in SPLITS}
    for sample in samples:
        if sample.split is not None:
            lines[sample.split].append(f"{content_key(sample)}\t{content_of(sample.target)}")
    return {name: _digest(found) for name, found in lines.items() if found}


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
