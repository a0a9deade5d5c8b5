"""From an audited source to the parts a model learns from; leakage stops here."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from suwen.core.documents import read_json, write_json
from suwen.core.engine import Engine, Parts
from suwen.core.errors import BadInput, LeakageFound
from suwen.core.sample import SPLITS, Sample, Samples
from suwen.core.task import Task
from suwen.lifecycle.audit import Audit
from suwen.lifecycle.audit.report import Finding
from suwen.lifecycle.splits import groups, split_by_group


@dataclass(frozen=True, kw_only=True)
class Partition:
    """Samples with their part of the data, and what was done to get there.

    Attributes
    ----------
    samples
        Usable samples; ``split`` is set, or ``None`` where there is no label.
    groups
        Subject or near-duplicate cluster of each.
    warnings
        Sentences for the model card.
    """

    samples: tuple[Sample, ...]
    groups: tuple[str, ...]
    warnings: tuple[str, ...]

    def parts(self) -> Parts:
        """Train and validation, for an engine."""
        both = [
            [(s, g) for s, g in zip(self.samples, self.groups, strict=True) if s.split == name]
            for name in ("train", "validation")
        ]
        if not all(both):
            raise BadInput(
                "there are too few labelled samples to hold a validation part back",
                fix="Give more labelled subjects, or a source with its own validation part",
            )
        return Parts(
            train=tuple(s for s, _ in both[0]),
            validation=tuple(s for s, _ in both[1]),
            groups=tuple(g for part in both for _, g in part),
        )

    def counts(self) -> dict[str, int]:
        """Samples in each part; unlabelled ones under ``unlabelled``."""
        return dict(Counter(sample.split or "unlabelled" for sample in self.samples))


def partition(
    task: Task, engine: Engine, samples: Samples, found: Audit, settings: Mapping[str, Any], seed: int
) -> Partition:
    """Assign every labelled sample to a part, never parting a subject.

    Raises
    ------
    LeakageFound
        When the source's own parts share subjects or images, unless the defect was reviewed in the task
        or ``accept_leakage`` is set.
    """
    kept, warnings = samples.samples, list(found.warnings)
    if found.leaks:
        kept, sentence = _resolve(task, engine, kept, found, accept=settings["accept_leakage"])
        warnings = [sentence, *(w for w in warnings if not w.startswith("Leakage:"))]
    position = {id(sample): index for index, sample in enumerate(kept)}
    clusters = [
        [position[id(samples.samples[i])] for i in group if id(samples.samples[i]) in position]
        for group in found.clusters
    ]
    names = groups(kept, clusters)
    fractions = {
        "validation": settings["validation_fraction"],
        "test": settings["test_fraction"],
        "train": 1 - settings["validation_fraction"] - settings["test_fraction"],
    }
    parts = split_by_group(kept, names, fractions=fractions, seed=seed)
    return Partition(
        samples=tuple(replace(sample, split=part) for sample, part in zip(kept, parts, strict=True)),
        groups=tuple(names),
        warnings=tuple(warnings),
    )


def _resolve(
    task: Task, engine: Engine, samples: tuple[Sample, ...], found: Audit, *, accept: bool
) -> tuple[tuple[Sample, ...], str]:
    """Accept, repair or refuse leakage; returns the samples to go on with and a sentence for the card."""
    described = "; ".join(_sentence(finding) for finding in found.leakage)
    if accept:
        return samples, f"LEAKAGE ACCEPTED by the person who trained this model: {described}."
    prints = found.split_fingerprints
    reviewed = [
        task.reviewed_leakage.get("+".join(prints[name] for name in finding.between))
        for finding in found.leakage
    ]
    if not all(reviewed):
        raise LeakageFound(
            f"the parts of this source leak into each other: {described}",
            fix="Split by subject, or train all the same with --set accept_leakage=true; "
            "the model card will say so",
        )
    held_out = {engine.content_key(s) for s in samples if s.split in {"validation", "test"}}
    kept = tuple(s for s in samples if s.split != "train" or engine.content_key(s) not in held_out)
    dropped = len(samples) - len(kept)
    return kept, f"{reviewed[0]} {dropped} training copies were dropped before training."


def _sentence(finding: Finding) -> str:
    return f"{finding.count} {finding.kind}s are in both {' and '.join(finding.between)}"


def subject_key(subject_id: str) -> str:
    """A one-way name of a subject, so that a run folder holds no identifiers."""
    return hashlib.sha256(subject_id.encode()).hexdigest()[:20]


def remember(engine: Engine, parted: Partition, path: Path) -> None:
    """Write which content and which subjects were in which part, as hashes."""
    # Where leakage was accepted the same content is in two parts: what counts is that it was learned from.
    order = sorted((s for s in parted.samples if s.split), key=lambda s: SPLITS[::-1].index(str(s.split)))
    content = {engine.content_key(s): s.split for s in order}
    subjects = {subject_key(s.subject_id): s.split for s in order}
    write_json(path, {"content": content, "subjects": subjects})


def recall(path: Path) -> dict[str, dict[str, str]]:
    """What :func:`remember` wrote."""
    document: dict[str, dict[str, str]] = read_json(path)
    return document
