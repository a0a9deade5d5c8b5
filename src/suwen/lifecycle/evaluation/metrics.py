"""Every metric of a report in one table: its function, direction, unit and meaning.

Each metric is a function ``(probabilities (n, K), labels (n,), context) -> (resamples,)``: the context's
weights say how often a sample counts, one row per bootstrap resample. With two classes the figure is
about the positive class; with more it is one-vs-rest, averaged over the classes with equal weight
(macro), and decisions are by the largest probability. An undefined figure is NaN, and null in JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from suwen.lifecycle.evaluation import decisions, ranking, reliability
from suwen.lifecycle.evaluation.arrays import Bools, Context, Floats, Ints, ratio
from suwen.lifecycle.evaluation.conformal import prediction_set

MetricFunction = Callable[[Floats, Ints, Context], Floats]
Statistic = Callable[[Floats, Bools, Floats], Floats]


def one_vs_rest(statistic: Statistic) -> MetricFunction:
    """Metric of a statistic ``(probability, truth, weights)``: of the positive class, or macro over many."""

    def metric(probabilities: Floats, labels: Ints, context: Context) -> Floats:
        n, classes = probabilities.shape
        weights = context.weights_of(n)
        which = [context.positive] if classes == 2 else list(range(classes))
        values = [statistic(probabilities[:, k], labels == k, weights) for k in which]
        mean: Floats = np.mean(values, axis=0)
        return mean

    return metric


def _sets(probabilities: Floats, context: Context) -> Bools:
    """Conformal sets exactly as served; everything where the quantile is not given."""
    quantile = 1.0 if context.conformal_quantile is None else context.conformal_quantile
    return prediction_set(probabilities, quantile)


def conformal_coverage(probabilities: Floats, labels: Ints, context: Context) -> Floats:
    """Share of samples whose conformal set, exactly as served, holds the truth, (resamples,)."""
    weights = context.weights_of(len(labels))
    covered = _sets(probabilities, context)[np.arange(len(labels)), labels]
    return ratio(weights @ covered, weights.sum(axis=1))


def conformal_set_size(probabilities: Floats, labels: Ints, context: Context) -> Floats:
    """Mean number of classes in the conformal set, (resamples,), 0 to K."""
    weights = context.weights_of(len(labels))
    return ratio(weights @ _sets(probabilities, context).sum(axis=1), weights.sum(axis=1))


def conformal_empty(probabilities: Floats, labels: Ints, context: Context) -> Floats:
    """Share of samples whose conformal set is empty (unlike every class), (resamples,)."""
    weights = context.weights_of(len(labels))
    return ratio(weights @ ~_sets(probabilities, context).any(axis=1), weights.sum(axis=1))


def n(probabilities: Floats, labels: Ints, context: Context) -> Floats:
    """Count the samples, (resamples,)."""
    count: Floats = context.weights_of(probabilities.shape[0]).sum(axis=1)
    return count


Direction = Literal["higher", "lower", "target", "none"]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One line of the table.

    Attributes
    ----------
    title
        As people write it.
    function
        See the module's first paragraph.
    direction
        Which way is better; ``target`` is best at :attr:`target`, ``none`` describes the sample.
    unit
        What one unit of the figure is, with its range.
    meaning
        One sentence for the report's reader.
    target
        The ideal value where direction is ``target``.
    conformal
        Whether it needs the conformal quantile.
    resampled
        Whether it has an interval; a count has none.
    """

    title: str
    function: MetricFunction
    direction: Direction
    unit: str
    meaning: str
    target: float | None = None
    conformal: bool = False
    resampled: bool = True


_SHARE = "fraction, 0 to 1"

METRICS: Mapping[str, Metric] = {
    "auroc": Metric(
        title="AUROC",
        function=one_vs_rest(ranking.auroc),
        direction="higher",
        unit="probability, 0 to 1; chance is 0.5",
        meaning="Chance that a random positive scores above a random negative.",
    ),
    "auprc": Metric(
        title="AUPRC",
        function=one_vs_rest(ranking.auprc),
        direction="higher",
        unit="fraction, 0 to 1; chance is the prevalence",
        meaning="Average precision over all recalls.",
    ),
    "accuracy": Metric(
        title="Accuracy",
        function=decisions.accuracy,
        direction="higher",
        unit=_SHARE,
        meaning="Share of right decisions at the operating point.",
    ),
    "balanced_accuracy": Metric(
        title="Balanced accuracy",
        function=decisions.balanced_accuracy,
        direction="higher",
        unit="fraction, 0 to 1; chance is one over the number of classes",
        meaning="Share of right decisions within each class, averaged over the classes present.",
    ),
    "sensitivity": Metric(
        title="Sensitivity",
        function=decisions.sensitivity,
        direction="higher",
        unit=_SHARE,
        meaning="Of the positives, the share found at the operating point.",
    ),
    "specificity": Metric(
        title="Specificity",
        function=decisions.specificity,
        direction="higher",
        unit=_SHARE,
        meaning="Of the negatives, the share left alone at the operating point.",
    ),
    "ppv": Metric(
        title="PPV",
        function=decisions.ppv,
        direction="higher",
        unit=_SHARE,
        meaning="Of those called positive, the share that are, at this sample's prevalence.",
    ),
    "npv": Metric(
        title="NPV",
        function=decisions.npv,
        direction="higher",
        unit=_SHARE,
        meaning="Of those called negative, the share that are, at this sample's prevalence.",
    ),
    "f1": Metric(
        title="F1",
        function=decisions.f1,
        direction="higher",
        unit=_SHARE,
        meaning="Harmonic mean of sensitivity and PPV at the operating point.",
    ),
    "event1": Metric(
        title="Event 1",
        function=decisions.event1,
        direction="higher",
        unit=_SHARE,
        meaning="The smaller of sensitivity and PPV at the operating point (CinC 2012 challenge).",
    ),
    "mcc": Metric(
        title="MCC",
        function=decisions.mcc,
        direction="higher",
        unit="correlation, -1 to 1; chance is 0",
        meaning="Matthews correlation of decision and truth.",
    ),
    "brier": Metric(
        title="Brier score",
        function=one_vs_rest(reliability.brier),
        direction="lower",
        unit="squared probability, 0 to 1",
        meaning="Mean squared distance of probability and outcome.",
    ),
    "ece": Metric(
        title="ECE",
        function=one_vs_rest(reliability.ece),
        direction="lower",
        unit="probability, 0 to 1",
        meaning="Mean gap of probability and observed frequency over 15 bins of equal numbers of samples.",
    ),
    "calibration_slope": Metric(
        title="Calibration slope",
        function=one_vs_rest(reliability.calibration_slope),
        direction="target",
        target=1.0,
        unit="log-odds per log-odds",
        meaning="1 is ideal; below 1 the probabilities are too extreme.",
    ),
    "calibration_intercept": Metric(
        title="Calibration intercept",
        function=one_vs_rest(reliability.calibration_intercept),
        direction="target",
        target=0.0,
        unit="log-odds",
        meaning="0 is ideal; above 0 the probabilities are too low on average (slope held at 1).",
    ),
    "conformal_coverage": Metric(
        title="Conformal coverage",
        function=conformal_coverage,
        direction="target",
        target=0.9,
        unit=_SHARE,
        conformal=True,
        meaning="Share of samples whose 90% conformal set, as served, holds the truth.",
    ),
    "conformal_set_size": Metric(
        title="Conformal set size",
        function=conformal_set_size,
        direction="target",
        target=1.0,
        unit="classes",
        conformal=True,
        meaning="Mean number of classes in the conformal set; 1 is decisive.",
    ),
    "conformal_empty": Metric(
        title="Empty conformal sets",
        function=conformal_empty,
        direction="lower",
        unit=_SHARE,
        conformal=True,
        meaning="Share of samples unlike every class: the model is uncertain and says so.",
    ),
    "prevalence": Metric(
        title="Prevalence",
        function=decisions.prevalence,
        direction="none",
        unit=_SHARE,
        meaning="Share of the positive class in this sample.",
    ),
    "n": Metric(
        title="Samples",
        function=n,
        direction="none",
        unit="samples",
        resampled=False,
        meaning="Number of samples.",
    ),
}
"""Metric name to its line; the order is the report's."""


def applicable(context: Context) -> tuple[str, ...]:
    """Names of the metrics that this context can give, in the table's order."""
    has = context.conformal_quantile is not None
    return tuple(name for name, metric in METRICS.items() if has or not metric.conformal)
