"""A result as FHIR R4: a report of an image, a risk of what lies ahead, an observation of what is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suwen.core.endpoint import Computed
from suwen.formats.fhir import diagnostic_report
from suwen.formats.fhir_measured import measured_observation
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
    if isinstance(task.endpoint, Computed):
        return measured_observation(prediction, task, patient=patient)
    if any(field.kind == "image" for field in task.inputs):
        return diagnostic_report(prediction, task, patient=patient)
    return risk_assessment(prediction, task, patient=patient)
