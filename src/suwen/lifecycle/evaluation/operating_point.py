"""The operating point: the probability from which a sample is called positive, fixed on validation.

Rules: ``youden`` (largest sensitivity + specificity), ``sensitivity>=0.95`` (the highest threshold whose
validation sensitivity is at least that) and ``specificity>=0.95`` (the lowest such), with any fraction;
``event1`` (largest min(sensitivity, PPV), taken where the two cross); ``probability>=0.5`` (the threshold itself,
fixed in advance: where samples are so few that one chosen among them would flatter every figure).
The threshold lies midway between the two neighbouring validation scores, so that rounding or a slightly
different machine does not move a validation sample across it.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import ArrayLike

from suwen.core.errors import BadInput, UnknownSetting
from suwen.lifecycle.evaluation.arrays import Floats, checked_labels, checked_probabilities

_Z95 = 1.959963984540054
_RULE = re.compile(r"(sensitivity|specificity|probability)\s*>=\s*(\d*\.?\d+)")


def parse_rule(rule: str) -> tuple[str, float]:
    """Kind of a rule and its fraction (0 for ``youden`` and ``event1``).

    Raises
    ------
    UnknownSetting
        When it is none of the rules.
    """
    text = rule.strip().lower()
    if text in {"youden", "event1"}:
        return text, 0.0
    match = _RULE.fullmatch(text)
    if match is None or not 0 < float(match[2]) <= 1:
        raise UnknownSetting(
            f"'{rule}' is not a rule for the operating point",
            where="operating_point",
            fix="Use 'youden', 'event1', 'sensitivity>=0.95', 'specificity>=0.95' or 'probability>=0.5', "
            "with a fraction of at most 1",
        )
    return match[1], float(match[2])


def threshold(probabilities: ArrayLike, labels: ArrayLike, positive: int, rule: str) -> float:
    """Operating point by a rule, on validation.

    Parameters
    ----------
    probabilities
        Array (n, K) of calibrated validation probabilities.
    labels
        Array (n,) of class indices.
    positive
        Index of the positive class.
    rule
        See the module's first paragraph.

    Returns
    -------
    float
        Positive is called at ``probability >= threshold``. Usually within 0 to 1; just above 1 where the
        rule can only be kept by never calling positive.

    Raises
    ------
    UnknownSetting
        When the rule is not known.
    BadInput
        When validation holds one class only, or the arrays do not fit together.
    """
    kind, least = parse_rule(rule)
    p = checked_probabilities(probabilities)
    truth = checked_labels(labels, *p.shape) == positive
    if truth.all() or not truth.any():
        raise BadInput(
            "the operating point needs positive and negative validation samples, and one kind is missing",
            fix="Choose a larger validation part or another split",
        )
    if kind == "probability":
        return least
    scores, group = np.unique(p[:, positive], return_inverse=True)
    positives = np.bincount(group, truth, minlength=len(scores))
    negatives = np.bincount(group, ~truth, minlength=len(scores))
    # Entry j: calling positive from the j-th distinct score upwards; the last entry never calls positive.
    sensitivity = np.append(positives[::-1].cumsum()[::-1], 0) / positives.sum()
    specificity = np.concatenate(([0.0], negatives.cumsum())) / negatives.sum()
    tolerance = 1e-12
    if kind == "sensitivity":
        at = int(np.flatnonzero(sensitivity >= least - tolerance)[-1])
    elif kind == "specificity":
        at = int(np.flatnonzero(specificity >= least - tolerance)[0])
    elif kind == "event1":
        at = _crossing(scores, positives.astype(np.float64), negatives.astype(np.float64))
    else:  # of equally good points the lowest: it misses fewer positives
        index = sensitivity + specificity
        at = int(np.flatnonzero(index >= index.max() - tolerance)[0])
    below = scores[at - 1] if at > 0 else 0.0
    above = scores[at] if at < len(scores) else 1.0
    middle = 0.5 * (below + above)
    if at > 0 and middle <= below:  # neighbours one rounding step apart, or both at 1
        middle = above if above > below else np.nextafter(below, np.inf)
    return float(middle)


def _crossing(scores: Floats, positives: Floats, negatives: Floats) -> int:
    """Index of the distinct score from which as many samples are called positive as are positive.

    Sensitivity TP/P equals PPV TP/called exactly where called = P; below it sensitivity is the smaller of
    the two and grows with every sample called, above it PPV is and falls. So the crossing is a quantile of
    the scores, while the maximum of min(sensitivity, PPV) is one of many small peaks around it. P is taken
    as the sum of the probabilities, which varies between samples half as much as the count does, unless
    the two differ by more than chance (1.96 standard deviations of the sum of independent draws): then
    the probabilities are not to be taken at their word, and the count is. Of the two cuts beside the
    crossing, where equal scores allow none exactly there, the better one.

    Parameters
    ----------
    scores
        Distinct probabilities, ascending, (scores,).
    positives, negatives
        Number of either at each.
    """
    found = np.append(positives[::-1].cumsum()[::-1], 0.0)
    called = found + np.append(negatives[::-1].cumsum()[::-1], 0.0)
    times = positives + negatives
    expected, spread = (times * scores).sum(), np.sqrt((times * scores * (1 - scores)).sum())
    count = expected if abs(expected - found[0]) <= _Z95 * spread else found[0]
    last = int(np.flatnonzero(called >= min(count, called[0]))[-1])  # called falls; the first is everyone
    beside = np.array([last, last + 1])
    return int(beside[np.argmax(found[beside] / np.maximum(called[beside], count))])
