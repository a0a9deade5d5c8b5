"""What was computed, as FHIR R4: an Observation with one component per measured figure, and its Provenance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suwen.core.solution import Solution
from suwen.core.task import DISCLAIMER
from suwen.formats.fhir_parts import (
    DEVICE,
    TERMINOLOGY,
    base,
    check_id,
    coded,
    collection,
    device,
    identities,
    provenance,
    quantity,
)

if TYPE_CHECKING:
    from suwen.core.prediction import Prediction
    from suwen.core.task import Task


def measured_observation(prediction: Prediction, task: Task, *, patient: str | None = None) -> dict[str, Any]:
    """Express a computed answer as a Bundle of type ``collection``.

    Parameters
    ----------
    prediction
        The solution, or the abstention. Its ``subject_id`` is not written: it may identify somebody.
    task
        Gives the code and the title.
    patient
        Logical id of the Patient resource; without one the Observation has no subject.

    Raises
    ------
    BadInput
        ``bad-patient-id`` when ``patient`` is not a FHIR id. The id is not repeated.
    """
    check_id(patient)
    ids = identities(prediction, patient, ("Bundle", "Observation", "Provenance"))
    system, code, display = task.endpoint.code
    observation: dict[str, Any] = {
        **base("Observation", ids, patient),
        "contained": [device(prediction)],
        "status": "preliminary",
        "category": [coded(f"{TERMINOLOGY}/observation-category", "procedure", "Procedure")],
        "code": {**coded(system, code, display), "text": task.title},
        "effectiveDateTime": prediction.provenance.created_at,
        "issued": prediction.provenance.created_at,
        "device": {"reference": f"#{DEVICE}"},
        **_answer(prediction),
    }
    return collection(
        ids["Bundle"],
        prediction.provenance.created_at,
        [observation, provenance(prediction, ids, ("Observation",))],
        simulated=prediction.simulated,
    )


def _answer(prediction: Prediction) -> dict[str, Any]:
    found = prediction.output
    if not isinstance(found, Solution):
        reason = prediction.abstained or "no-output"
        text = f"{reason}: {prediction.reason}" if prediction.reason else reason
        absent = coded(f"{TERMINOLOGY}/data-absent-reason", "unsupported", "Unsupported")
        return {"dataAbsentReason": absent, "note": [{"text": text}, {"text": DISCLAIMER}]}
    return {
        "valueString": found.said,
        "note": [{"text": DISCLAIMER}],
        "component": [
            {
                "code": {"text": name.replace("_", " ")},
                "valueQuantity": quantity(value, found.units.get(name, "1")),
            }
            for name, value in found.figures.items()
            if value == value  # noqa: PLR0124  (NaN does not apply)
        ],
    }
