"""``suwen predict``: inputs in, calibrated results or reasoned abstentions out; no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from suwen.core.documents import now, plain
from suwen.core.prediction import Explanation, Prediction, Provenance
from suwen.core.sample import Sample
from suwen.core.task import DISCLAIMER, Task
from suwen.lifecycle import models
from suwen.lifecycle.discovery import find
from suwen.lifecycle.judges import judge_of
from suwen.lifecycle.models import Loaded
from suwen.lifecycle.reason import explain_sample

ANSWER = ("probability", "probabilities", "interval", "threshold", "decision", "conformal_set", "said")
"""Keys that every result has; what an answer of another kind does not say is null."""


def provenance(loaded: Loaded) -> Provenance:
    """Where a result of this model comes from."""
    manifest = loaded.manifest
    return Provenance(
        model=loaded.name,
        weights_sha256=manifest["weights_sha256"],
        data_fingerprint=manifest["data_fingerprint"],
        code_version=manifest["code_version"],
        created_at=now(),
    )


def predict_samples(loaded: Loaded, samples: Sequence[Sample]) -> list[Prediction]:
    """One prediction per sample, in order; what the gates refuse is abstained from, with the reason."""
    origin, judge = provenance(loaded), judge_of(loaded.task)
    results = []
    for sample, raw in zip(samples, loaded.served.infer(samples), strict=True):
        refused = raw.abstained
        results.append(
            Prediction(
                task=loaded.task.name,
                subject_id=sample.subject_id,
                output=None if refused else judge.decide(loaded.task, loaded.manifest, raw),
                provenance=origin,
                abstained=refused.code if refused else None,
                reason=refused.reason if refused else None,
                quality=raw.quality,
                simulated=any(getattr(value, "simulated", False) for value in sample.inputs.values()),
                inputs_sha256={
                    name: str(value.content_key())
                    for name, value in sample.inputs.items()
                    if hasattr(value, "content_key")
                },
            )
        )
    return results


def predict(task_name: str, items: Sequence[Path | bytes]) -> list[Prediction]:
    """Predict for every input, which may be an archive of several.

    Parameters
    ----------
    task_name
        Whose model in service answers.
    items
        Paths, or the bytes of files.

    Raises
    ------
    NotFound
        For an unknown task, or one without a model.
    BadInput, Unreadable
        When an input cannot be read as what the task takes.
    Untrusted
        When the model's signature does not hold.
    """
    task = find(task_name)
    loaded = models.load(task)
    samples = [sample for item in items for sample in task.read(item)]
    return predict_samples(loaded, samples)


def result(
    prediction: Prediction,
    task: Task,
    *,
    name: str,
    patient: str | None,
    explanation: Explanation | None = None,
) -> dict[str, Any]:
    """One prediction as every ``--json`` document and HTTP body carries it."""
    from suwen.formats.fhir_result import as_fhir

    document: dict[str, Any] = {
        "input": name,
        "subject_id": prediction.subject_id,
        "positive": task.endpoint.positive,
        **dict.fromkeys(ANSWER),
        **judge_of(task).document(task, prediction.output),
        "abstained": prediction.abstained,
        "reason": prediction.reason,
        "quality": prediction.quality,
        "simulated": prediction.simulated,
        "explanation": explanation,
        "provenance": prediction.provenance,
        "fhir": as_fhir(prediction, task, patient=patient),
    }
    flat: dict[str, Any] = plain(document)
    return flat


def read_named(
    task: Task, items: Sequence[Path | bytes], names: Sequence[str] | None
) -> list[tuple[str, Sample]]:
    """Samples of all inputs, each with a name to show: ``file`` or ``file[3]`` in an archive."""
    titles = names or [str(item) if isinstance(item, Path) else f"input {i}" for i, item in enumerate(items)]
    found = []
    for title, item in zip(titles, items, strict=True):
        samples = task.read(item)
        found += [
            (title if len(samples) == 1 else f"{title}[{i}]", sample) for i, sample in enumerate(samples)
        ]
    return found


def predict_document(
    task_name: str,
    items: Sequence[Path | bytes],
    *,
    names: Sequence[str] | None = None,
    explain: str | None = None,
    patient: str | None = None,
) -> dict[str, Any]:
    """The document of ``suwen predict --json``.

    Parameters
    ----------
    task_name, items
        As for :func:`predict`.
    names
        What to call each input in the document.
    explain
        Method of explanation; ``None`` explains nothing.
    patient
        Id of the patient that the FHIR resources refer to.
    """
    task = find(task_name)
    loaded = models.load(task)
    named = read_named(task, items, names)
    predictions = predict_samples(loaded, [sample for _, sample in named])
    results = []
    for (name, sample), prediction in zip(named, predictions, strict=True):
        why = explain_sample(loaded, sample, prediction, explain) if explain else None
        results.append(result(prediction, task, name=name, patient=patient, explanation=why))
    return {
        "task": task.name,
        "model": loaded.name,
        "disclaimer": DISCLAIMER,
        "results": results,
        "stored": None,  # what went into a patient's record; see suwen.lifecycle.write_back
    }
