"""``suwen explain``: why the model answered so, with the faithfulness of the explanation."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from suwen.core.documents import write_bytes, write_json
from suwen.core.errors import Conflict
from suwen.core.prediction import Explanation, Prediction, Scores
from suwen.core.sample import Sample
from suwen.core.task import DISCLAIMER, Task
from suwen.lifecycle import models
from suwen.lifecycle.discovery import find
from suwen.lifecycle.predict import predict_samples, read_named, result
from suwen.lifecycle.reason import DEFAULT, explain_sample


def pictures(sample: Sample, prediction: Prediction, explanation: Explanation) -> dict[str, bytes]:
    """PNGs of one explanation of an image: ``overlay`` (image and heat map side by side), ``heat``, ``image``.

    Other inputs have none: their explanation is in the document, and on a patient's page.
    """
    from suwen.explain.overlay import heat_png, overlay_png
    from suwen.formats.write import grey_png, shown

    (image,) = sample.inputs.values()
    if not isinstance(prediction.output, Scores) or not hasattr(image, "load"):
        return {}
    pixels = shown(image.load().pixels)
    title = [
        f"{prediction.output.positive}: {prediction.output.probability:.2f} "
        f"({prediction.output.interval[0]:.2f} to {prediction.output.interval[1]:.2f})",
        f"{explanation.method} for '{prediction.output.decision}', "
        f"faithfulness {explanation.faithfulness:.2f}"
        + ("" if explanation.passed else ", NOT RELIABLE: sanity check failed"),
    ]
    return {
        "overlay": overlay_png(
            pixels,
            explanation.values,
            title_lines=title,
            simulated=prediction.simulated,
            unit=explanation.unit,
        ),
        "heat": heat_png(explanation.values, shape=pixels.shape),
        "image": grey_png(pixels),
    }


def _has_page(task: Task) -> bool:
    """Whether an answer is shown on a patient's page: not a picture, which has its overlay, nor a plan."""
    return not any(field.kind == "image" for field in task.inputs) and task.endpoint.kind != "computed"


def _page(
    loaded: models.Loaded,
    sample: Sample,
    prediction: Prediction,
    explanation: Explanation | None,
    patient: str | None,
    out: Path,
) -> Path:
    """A page to look at, with the document it was rendered from."""
    from suwen.lifecycle.patient_look import write_page
    from suwen.lifecycle.patient_page_document import patient_document

    document = patient_document(
        loaded, sample, patient=patient, prediction=prediction, explanation=explanation
    )
    return write_page(document, out)


def explain_document(
    task_name: str,
    items: Sequence[Path | bytes],
    *,
    method: str = DEFAULT,
    names: Sequence[str] | None = None,
    patient: str | None = None,
    out: Path | None = None,
) -> dict[str, Any]:
    """The document of ``suwen explain --json``; over HTTP the pictures travel in it as base64.

    Parameters
    ----------
    task_name, items, names, patient
        As for :func:`suwen.lifecycle.predict.predict_document`.
    method
        ``cam``, ``occlusion`` or ``lime`` of an image; ``shapley``, ``shap`` or ``lime`` of anything else.
    out
        Folder for ``<n>-overlay.png`` of an image, ``<n>/patient.html`` and ``<n>/patient.json`` of anything
        else, and ``explain.json``; without it the PNGs are in the document.

    Raises
    ------
    Conflict
        When ``out`` is a file.
    """
    if out is not None and out.exists() and not out.is_dir():
        raise Conflict("the output is a file, not a folder", where=str(out), fix="Name a folder with --out")
    task = find(task_name)
    loaded = models.load(task)
    named = read_named(task, items, names)
    predictions = predict_samples(loaded, [sample for _, sample in named])
    results = []
    for number, ((name, sample), prediction) in enumerate(zip(named, predictions, strict=True)):
        explanation = explain_sample(loaded, sample, prediction, method)
        document = result(prediction, task, name=name, patient=patient, explanation=explanation)
        if explanation is not None:
            for kind, png in pictures(sample, prediction, explanation).items():
                if out is None:
                    document[f"{kind}_png"] = base64.b64encode(png).decode()
                elif kind == "overlay":
                    write_bytes(out / f"{number}-overlay.png", png)
                    document["overlay"] = str(out / f"{number}-overlay.png")
        if out is not None and _has_page(task):
            document["page"] = str(_page(loaded, sample, prediction, explanation, patient, out / f"{number}"))
        results.append(document)
    whole: dict[str, Any] = {
        "task": task.name,
        "model": loaded.name,
        "disclaimer": DISCLAIMER,
        "results": results,
        "stored": None,  # what went into a patient's record; see suwen.lifecycle.write_back
    }
    if out is not None:
        write_json(out / "explain.json", whole)
    return whole
