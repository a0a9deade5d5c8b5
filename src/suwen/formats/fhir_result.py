"""A result as FHIR R4: a DiagnosticReport of an image, a RiskAssessment of everything that looks ahead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suwen.formats.fhir import diagnostic_report
from suwen.formats.risk_assessment import risk_assessment

if TYPE_CHECKING:
    from suwen.core.prediction import Prediction
    from suwen.core.task import Task


def as_fhir(prediction: Prediction, task: Task, *, patient: str | None = None) -> dict[str, Any]:
    """The Bundle of one prediction, of the kind its task calls for.

    Parameters
    ----------
    prediction, task, patient
        As for :func:`suwen.formats.fhir.diagnostic_report`.
    """
    if any(field.kind == "image" for field in task.inputs):
        return diagnostic_report(prediction, task, patient=patient)
    return risk_assessment(prediction, task, patient=patient)
