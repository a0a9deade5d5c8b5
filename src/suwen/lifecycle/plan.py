"""``suwen plan``: one question answered, moved through in simulation, chained, signed and in the ledger."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suwen.core.documents import plain
from suwen.core.engine import Progress
from suwen.core.errors import Refused, SuwenError, Unreadable, Untrusted
from suwen.core.solution import Solution
from suwen.core.task import DISCLAIMER
from suwen.lifecycle import chain, models
from suwen.lifecycle.collect import silent
from suwen.lifecycle.discovery import find
from suwen.lifecycle.predict import predict_samples, result

if TYPE_CHECKING:
    from suwen.core.sample import Sample
    from suwen.records.record import Record

FORMAT = "suwen-plan/1"
SIMULATION = f"{DISCLAIMER} Planning and motion are simulated; no device is driven."
PLAN = (
    *("format", "task", "title", "plan_id", "revision", "question", "instrument", "margin"),
    *("entry_lps_mm", "target_lps_mm", "path_lps_mm", "length_mm", "cost", "found", "blocked_by", "sentence"),
    *("alternatives", "risk", "provenance", "simulated", "disclaimer"),
)
"""Keys that the step ``plan`` of the chain is made of."""
MEASURED = (
    *("tip_error_mm", "path_error_mm", "rcm_drift_mm", "target_error_mm", "taking_up_load", "settling"),
    *("limits", "limits_exceeded", "stop", "stop_ms", "completed", "film"),
)
"""Keys of a motion that were measured: the last step."""


def plan(
    task_name: str,
    item: Path | bytes | Mapping[str, Any],
    *,
    motion: str | None = None,
    plan_id: str | None = None,
    patient: str | None = None,
    record: Record | None = None,
    actor: str = "suwen",
    progress: Progress = silent,
) -> tuple[dict[str, Any], Sample]:
    """Answer one question and document it whole.

    Parameters
    ----------
    task_name
        A task whose answers are computed.
    item
        The case: a path, the bytes of an archive, or the document itself, whose files have absolute paths.
    motion
        Task that moves an instrument along the answer in simulation; ``None`` moves nothing.
    plan_id
        Of an earlier plan that this one replaces; a new one is made where it is not given.
    patient
        Id of the patient in the record it is about.
    record
        Whose ledger the plan goes into, and in which results are stored.
    actor
        Who asks, for the ledger.
    progress
        Told of every step.

    Returns
    -------
    dict, Sample
        The plan, chained and signed; and the question, for a page.

    Raises
    ------
    SuwenError
        As reading the case, and planning it, say.
    """
    task = find(task_name)
    loaded = models.load(task)
    progress("reading the case")
    samples = task.read(item)  # type: ignore[arg-type]  # computed tasks take a document too
    if len(samples) != 1:
        raise Refused("one question is planned at a time", fix="Give one case", code="several-cases")
    (sample,) = samples
    progress("planning")
    (prediction,) = predict_samples(loaded, [sample])
    if not isinstance(prediction.output, Solution):
        raise Refused(str(prediction.reason), fix="See docs/errors.md", code=str(prediction.abstained))
    known = _known(record, plan_id)
    answer = plain(prediction.output.document)
    document: dict[str, Any] = {
        "format": FORMAT,
        "task": task.name,
        "title": task.title,
        "disclaimer": SIMULATION,
        "plan_id": plan_id or str(uuid.uuid4()),
        "revision": known + 1,
        "sentence": prediction.output.said,
        "found": prediction.output.found,
        "simulated": prediction.simulated,
        **answer,
        "figures": plain(prediction.output.figures),
        "provenance": plain(prediction.provenance),
        "motion": None,
    }
    if motion is not None and prediction.output.found and prediction.output.holds:
        progress("moving the arm in simulation")
        document["motion"] = _moved(motion, document)
    document["chain"] = chain.signed(parts(document))
    document["ledger"] = _entered(document, record, actor, patient)
    document["fhir"] = result(prediction, task, name="case", patient=patient)["fhir"]
    document["stored"] = _stored(document, record, actor, patient)
    return document, sample


def parts(document: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The parts of a plan in the order of its chain: image, plan, certificate, motion, measured."""
    motion = document.get("motion") or {}
    return [
        ("image", document.get("image")),
        ("plan", {key: document.get(key) for key in PLAN}),
        ("certificate", document.get("certificate")),
        ("motion", {key: value for key, value in motion.items() if key not in MEASURED} or None),
        ("measured", {key: motion[key] for key in MEASURED if key in motion} or None),
    ]


def checked(document: Any, *, image: Any = None, record: Record | None = None, where: str = "plan") -> None:
    """Refuse a plan that may not be followed.

    Parameters
    ----------
    document
        A plan as it was written.
    image
        The label volume that lies before the reader now; its content and frame must be the plan's.
    record
        Whose ledger knows newer revisions.
    where
        What to call the plan in an error.

    Raises
    ------
    Unreadable
        ``not-a-plan``.
    Untrusted
        ``altered-plan``, ``bad-signature``.
    Refused
        ``wrong-frame``, ``wrong-image``, ``stale-plan`` (made under another protocol, model or program
        version than is in service), ``superseded-plan``, ``not-certified``.
    """
    if not isinstance(document, Mapping) or document.get("format") != FORMAT:
        raise Unreadable("this is no plan", where=where, fix="Give the JSON of suwen plan", code="not-a-plan")
    chain.check(document.get("chain"), parts(document), where=where)
    told = document["image"]
    if image is not None and image.frame_key() != told["frame_sha256"]:
        raise Refused(
            "the plan was made in another frame than this image's",
            where=where,
            fix="Plan again on this image",
            code="wrong-frame",
        )
    if image is not None and image.content_key() != told["sha256"]:
        raise Refused(
            "the plan was made on another image",
            where=where,
            fix="Plan again on this image",
            code="wrong-image",
        )
    in_service = models.load(find(document["task"]))
    made = document["provenance"]
    now = (in_service.name, in_service.manifest["code_version"])
    if (made["model"], made["code_version"]) != now:
        raise Refused(
            f"the plan was made by {made['model']} of suwen {made['code_version']}; in service is {now[0]}",
            where=where,
            fix="Plan again",
            code="stale-plan",
        )
    if record is not None:
        _latest(document, record, where)
    if not document["found"] or not (document.get("certificate") or {}).get("holds"):
        raise Refused("the plan is not certified", where=where, fix="Plan again", code="not-certified")


def moved(document: Mapping[str, Any], motion: str) -> dict[str, Any]:
    """A checked plan with its motion simulated anew, chained and signed again."""
    whole = {**document, "motion": _moved(motion, document)}
    whole["chain"] = chain.signed(parts(whole))
    return whole


def _moved(motion: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """The motion along a plan; why there is none, where the arm cannot follow it."""
    from suwen.core.documents import dumps

    task = find(motion)
    loaded = models.load(task)
    try:
        (sample,) = task.read(dumps(document, indent=None).encode())
        (prediction,) = predict_samples(loaded, [sample])
    except SuwenError as error:
        return {"found": False, "sentence": str(error), "code": error.code}
    if not isinstance(prediction.output, Solution):
        return {"found": False, "sentence": prediction.reason, "code": prediction.abstained}
    found = prediction.output
    return {
        "found": found.found,
        "holds": found.holds,
        "sentence": found.said,
        **plain(found.document),
        "provenance": plain(prediction.provenance),
    }


def _known(record: Record | None, plan_id: str | None) -> int:
    from suwen.records import plans

    if record is None or plan_id is None:
        return 0
    found = plans.latest(record, plan_id)
    return 0 if found is None else found[0]


def _latest(document: Mapping[str, Any], record: Record, where: str) -> None:
    from suwen.records import plans

    found = plans.latest(record, document["plan_id"])
    if found is None:
        raise Untrusted(
            "the ledger does not know this plan", where=where, fix="Plan again", code="unknown-plan"
        )
    if found[0] > document["revision"] or found[1].hex() != document["chain"]["head"]:
        raise Refused(
            f"there is a newer revision of this plan: {found[0]}",
            where=where,
            fix="Use the newer one",
            code="superseded-plan",
        )


def _entered(
    document: Mapping[str, Any], record: Record | None, actor: str, patient: str | None
) -> dict[str, Any] | None:
    from suwen.records import plans

    if record is None:
        return None
    plans.enter(
        record,
        plan=document["plan_id"],
        revision=document["revision"],
        head=bytes.fromhex(document["chain"]["head"]),
        model=document["provenance"]["model"],
        actor=actor,
        patient=patient,
    )
    return {"log": record.origin, "plan_id": document["plan_id"], "revision": document["revision"]}


def _stored(
    document: Mapping[str, Any], record: Record | None, actor: str, patient: str | None
) -> Sequence[str] | None:
    from suwen.lifecycle.write_back import write_back

    if record is None or patient is None:
        return None
    return write_back(record, {"results": [{"fhir": document["fhir"]}]}, patient, actor=actor)
