"""The audit's findings as sentences: for the terminal, the report and the model card."""

from __future__ import annotations

from suwen.lifecycle.audit.report import Audit, Finding

RARE = 0.1
"""A class with a smaller share of the labelled samples is named."""
COUNTED = {"subject": ("subject is", "subjects are"), "image": ("image is", "images are")}


def warnings(audit: Audit) -> tuple[str, ...]:
    """Everything a reader must know before trusting what is learned from this data, worst first."""
    said = [*map(_leak, audit.leakage), *map(_conflict, audit.label_conflicts)]
    said += [
        f"{_count(found.count, 'pair')} of near-duplicate images between {_and(found)}: results on one "
        "flatter what was learned from the other."
        for found in audit.near_crossings
    ]
    if not audit.subjects_known and audit.n:
        said.append(
            "Subjects are not known: records of one person may be on both sides of any split, and intervals "
            "are too narrow."
        )
    unseen = "subjects" if audit.subjects_known else "samples"
    flagged = [found for found in audit.shortcuts if found.flagged]
    said += [
        f"Shortcut: the label of unseen {unseen} is predicted by {found.meaning} alone, AUROC "
        f"{found.auroc.value:.2f} (95% interval {found.auroc.lo:.2f} to {found.auroc.hi:.2f})."
        for found in flagged
    ]
    if flagged:
        said.append(
            "Because trivial inputs predict the label here, a good score on this data is not yet evidence "
            "that the finding is detected: test on data gathered elsewhere."
        )
    if audit.probe != "done":
        said.append(f"The shortcut probe was not run: {audit.probe}.")
    lost = sum(len(sources) for sources in audit.unusable.values())
    if lost:
        said.append(f"{_count(lost, 'record')} could not be used: {', '.join(sorted(audit.unusable))}.")
    return (*said, *_imbalance(audit))


def _leak(found: Finding) -> str:
    one, many = COUNTED[found.kind]
    return f"Leakage: {found.count} {one if found.count == 1 else many} in both {_and(found)}."


def _conflict(found: Finding) -> str:
    what = "image" if found.kind == "image" else "cluster of near-duplicate images"
    plural = what.replace("image", "images") if found.kind == "image" else what.replace("cluster", "clusters")
    return f"{found.count} {what if found.count == 1 else plural} labelled both {_and(found)}."


def _imbalance(audit: Audit) -> list[str]:
    total: dict[str, int] = {}
    for classes in audit.labelled.values():
        for name, count in classes.items():
            total[name] = total.get(name, 0) + count
    n = sum(total.values())
    said = [
        f"The class '{name}' is rare: {count} of {n} labelled samples."
        for name, count in total.items()
        if 0 < count < RARE * n
    ]
    return said + [f"No sample is labelled '{name}'." for name, count in total.items() if not count]


def _and(found: Finding) -> str:
    return " and ".join(found.between)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
