"""What an evaluation says: metrics with intervals, baselines beside them, and whether it passed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A figure with its 95% interval (percentile bootstrap by subject)."""

    value: float
    lo: float
    hi: float


@dataclass(frozen=True, kw_only=True)
class Report:
    """The evaluation of one model on one split.

    Attributes
    ----------
    task, split
        What was evaluated, on which part.
    n, n_subjects, n_positive
        Samples, subjects, and samples of the positive class.
    metrics
        Metric name to estimate.
    by_group
        ``column=value`` to metric to estimate, where the data has columns.
    baselines
        Name of the simple model to metric to estimate, on the same samples.
    differences
        ``<metric>_minus_<baseline>`` to the paired bootstrap estimate of model minus baseline.
    curves
        Points of the plots: ``roc``, ``pr``, ``reliability``, ``risk_coverage``, ``confusion``.
    floor
        The task's floor at the time.
    passed
        Whether every floored metric reached its floor.
    warnings
        What a reader must know: shortcuts, leakage accepted, abstentions.
    data_fingerprint
        Fingerprint of the evaluated data.
    created_at
        ISO 8601, UTC.
    """

    task: str
    split: str
    n: int
    n_subjects: int
    n_positive: int
    metrics: Mapping[str, Estimate]
    by_group: Mapping[str, Mapping[str, Estimate]] = field(default_factory=dict)
    baselines: Mapping[str, Mapping[str, Estimate]] = field(default_factory=dict)
    differences: Mapping[str, Estimate] = field(default_factory=dict)
    curves: Mapping[str, object] = field(default_factory=dict)
    floor: Mapping[str, float] = field(default_factory=dict)
    passed: bool = False
    warnings: tuple[str, ...] = ()
    data_fingerprint: str = ""
    created_at: str = ""
