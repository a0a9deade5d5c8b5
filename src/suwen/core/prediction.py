"""What a model returns: an output, why, and where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from suwen.core.solution import Solution
from suwen.core.tally import Tally


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Which model, learned from which data with which code, produced a result.

    Attributes
    ----------
    model
        ``<task>@<version>`` of the bundle.
    weights_sha256
        SHA-256 (hex) of the weights file that ran.
    data_fingerprint
        Fingerprint of the data it learned from.
    code_version
        suwen's version at training.
    created_at
        When the result was made: ISO 8601, UTC.
    """

    model: str
    weights_sha256: str
    data_fingerprint: str
    code_version: str
    created_at: str


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Calibrated class probabilities of one sample.

    Attributes
    ----------
    probabilities
        Class name to calibrated probability; they sum to one.
    positive
        The class whose probability is the headline.
    interval
        95% interval of the positive class's probability (low, high).
    threshold
        Operating point fixed on validation, a probability.
    decision
        The class decided on, at the operating point.
    conformal_set
        Classes that the 90% split-conformal set holds; more than one means *undecided*.
    """

    probabilities: Mapping[str, float]
    positive: str
    interval: tuple[float, float]
    threshold: float
    decision: str
    conformal_set: tuple[str, ...]

    @property
    def probability(self) -> float:
        """Calibrated probability of the positive class."""
        return self.probabilities[self.positive]


@dataclass(frozen=True, kw_only=True)
class Course:
    """A risk that is answered anew each hour of a stay.

    Attributes
    ----------
    hours
        When each was answered, hours since the start.
    probabilities
        Calibrated probability of the positive class at each.
    positive
        The class.
    threshold
        Probability from which an alarm is due.
    alarms
        Hours at which an alarm was raised, none within the refractory time of the one before.
    refractory_h
        Hours for which an alarm silences the next.
    intervals
        95% interval of each probability (low, high).
    """

    hours: tuple[float, ...]
    probabilities: tuple[float, ...]
    positive: str
    threshold: float
    alarms: tuple[float, ...]
    refractory_h: float
    intervals: tuple[tuple[float, float], ...] = ()

    @property
    def probability(self) -> float:
        """The latest probability."""
        return self.probabilities[-1]


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """Future values of one quantity, with 90% intervals.

    Attributes
    ----------
    quantity, unit
        What is forecast, in which UCUM unit.
    horizons_min
        How far ahead each value lies.
    values, intervals
        Forecast and 90% conformal interval at each horizon, in ``unit``.
    last
        The last observed value.
    alarms
        Reasons such as ``low at 30 min``; empty where there is none.
    """

    quantity: str
    unit: str
    horizons_min: tuple[int, ...]
    values: tuple[float, ...]
    intervals: tuple[tuple[float, float], ...]
    last: float
    alarms: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Survival:
    """Time to an event: the curve of one subject.

    Attributes
    ----------
    event
        What happens.
    times
        Times of the curve, in the unit of the data the model learned from.
    probabilities
        Probability that the event has not happened by each time; never rises.
    bounds
        90% lower bound of the time to the event by conformal prediction, or ``None``.
    median
        Median time to the event; ``None`` where the curve stays above one half.
    risk
        Mean probability of the event over the times of the curve, 0 to 1: higher is worse.
    """

    event: str
    times: tuple[float, ...]
    probabilities: tuple[float, ...]
    median: float | None
    risk: float
    bounds: float | None = None


Output = Scores | Course | Outlook | Survival | Tally | Solution


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Why: an attribution, its unit, and how faithful it is.

    Attributes
    ----------
    method
        ``cam``, ``occlusion``, ``lime`` ...
    values
        The attribution; for images an (H, W) array over the image as the model saw it.
    unit
        What one value means, e.g. ``logit contribution per cell``.
    faithfulness
        Insertion minus deletion area under the probability curve, -1 to 1; above 0 is better than a
        random order. ``None`` where the model abstained.
    checks
        The figures behind it: ``deletion``, ``insertion``, ``random_weights_correlation`` ...
    passed
        Whether the explanation survived its sanity checks; otherwise it must not be shown as a reason.
    """

    method: str
    values: Any
    unit: str
    faithfulness: float | None
    checks: Mapping[str, float] = field(default_factory=dict)
    passed: bool = True


@dataclass(frozen=True, kw_only=True)
class Abstention:
    """Why a model does not answer: a stable code and a sentence."""

    code: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """One result: an output or an abstention, never both absent.

    Attributes
    ----------
    task, subject_id
        What was asked about whom.
    output
        The result; ``None`` when the model abstained before it ran.
    provenance
        Model, weights, data and code behind it.
    explanation
        Only when asked for.
    abstained
        Reason code; ``None`` when the model answered.
    reason
        The abstention as a sentence.
    quality
        Figures of the input gates: ``ood_score``, ``ood_threshold`` (a score above it is refused) ...
    simulated
        Whether the input is a phantom of the project's own generator.
    inputs_sha256
        SHA-256 (hex) of the content of each input, by the name of its field.
    """

    task: str
    subject_id: str
    output: Output | None
    provenance: Provenance
    explanation: Explanation | None = None
    abstained: str | None = None
    reason: str | None = None
    quality: Mapping[str, float] = field(default_factory=dict)
    simulated: bool = False
    inputs_sha256: Mapping[str, str] = field(default_factory=dict)
