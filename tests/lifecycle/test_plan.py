"""``suwen plan``: one signed document, and every plan that may not be followed is refused for its own reason."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from specimens.surgery import case, fiducials, head
from suwen.core.documents import read_json, write_json
from suwen.core.errors import Refused, SuwenError, Untrusted
from suwen.core.schemas import schema_of
from suwen.formats.volume.write import nifti_bytes, write_nrrd
from suwen.lifecycle import chain
from suwen.lifecycle.plan import checked, parts, plan
from suwen.records.record import Record

TASK, MOTION = "surgery.path", "surgery.motion"


@pytest.fixture
def record(home: Path, tmp_path: Path) -> Iterator[Record]:
    with Record.open(tmp_path / "store") as found:
        yield found


@pytest.fixture
def made(record: Record) -> dict[str, Any]:
    document, _ = plan(TASK, case(), record=record, actor="tester")
    return document


def test_it_is_certified_moved_chained_signed_and_in_the_ledger(record: Record) -> None:
    document, _ = plan(TASK, case(), motion=MOTION, record=record)
    assert document["found"]
    assert document["certificate"]["holds"]
    assert document["simulated"], "the head is a phantom"
    assert document["margin"]["margin_mm"] > 0
    assert document["motion"]["tip_error_mm"]["max"] <= 0.5
    assert document["motion"]["statement"].startswith("Simulation only")
    assert [step["kind"] for step in document["chain"]["steps"]] == [
        "image", "plan", "certificate", "motion", "measured",
    ]  # fmt: skip
    assert document["ledger"] == {"log": record.origin, "plan_id": document["plan_id"], "revision": 1}
    jsonschema.validate(json.loads(json.dumps(document)), schema_of("plan"), jsonschema.Draft202012Validator)
    checked(json.loads(json.dumps(document)), image=head(), record=record)


def test_a_film_and_its_errors_are_different_links(record: Record) -> None:
    document, _ = plan(TASK, case(), motion=MOTION, record=record)
    kinds = dict(parts(document))
    assert "base" in kinds["motion"]
    assert "tip_error_mm" in kinds["measured"]
    for key in ("tip_error_mm", "film", "limits"):
        assert key not in kinds["motion"]


@pytest.mark.parametrize(
    ("where", "what", "part"),
    [
        (("path_lps_mm", 0, 0), 99.0, "plan"),
        (("target_lps_mm", 2), 1.0, "plan"),
        (("margin", "margin_mm"), 0.01, "plan"),
        (("certificate", "clearance_mm"), 50.0, "certificate"),
        (("certificate", "holds"), False, "certificate"),
        (("image", "sha256"), "0" * 64, "image"),
        (("revision",), 7, "plan"),
    ],
)
def test_whatever_is_changed_is_named(
    made: dict[str, Any], where: tuple[Any, ...], what: Any, part: str
) -> None:
    document = copy.deepcopy(made)
    inner = document
    for key in where[:-1]:
        inner = inner[key]
    inner[where[-1]] = what
    with pytest.raises(Untrusted, match=f"part '{part}'") as refused:
        checked(document)
    assert refused.value.code == "altered-plan"


def test_another_image_and_another_frame_are_refused(made: dict[str, Any]) -> None:
    changed = head().array.copy()
    changed[20, 20, 20] = 9
    with pytest.raises(Refused) as refused:
        checked(made, image=replace(head(), array=changed))
    assert refused.value.code == "wrong-image"
    moved = head().affine_lps.copy()
    moved[0, 3] += 1.0
    with pytest.raises(Refused) as refused:
        checked(made, image=replace(head(), affine_lps=moved))
    assert refused.value.code == "wrong-frame"
    mirrored = head().affine_lps.copy()
    mirrored[0] *= -1
    with pytest.raises(Refused) as refused:
        checked(made, image=replace(head(), affine_lps=mirrored))
    assert refused.value.code == "wrong-frame"


def test_an_older_revision_is_refused(record: Record, made: dict[str, Any]) -> None:
    newer, _ = plan(TASK, case(), record=record, plan_id=made["plan_id"])
    assert newer["revision"] == 2
    checked(newer, record=record)
    with pytest.raises(Refused) as refused:
        checked(made, record=record)
    assert refused.value.code == "superseded-plan"


def test_a_plan_the_ledger_does_not_know_is_refused(record: Record) -> None:
    made, _ = plan(TASK, case())
    assert made["ledger"] is None
    checked(made)
    with pytest.raises(Untrusted) as refused:
        checked(made, record=record)
    assert refused.value.code == "unknown-plan"


def test_another_protocol_in_service_makes_a_plan_stale(
    made: dict[str, Any], tmp_path: Path, suwen: Callable[..., Any]
) -> None:
    cases = tmp_path / "cases"
    cases.mkdir()
    for number in range(8):
        (cases / f"{number}.case.zip").write_bytes(case(0.84 + 0.02 * number, subject=f"s{number}"))
    run = tmp_path / "run"
    words = ("--set", "registration_tre_mm=0.9", "--set", "mlflow=false")
    assert suwen("train", TASK, "--from", cases, "--run", run, *words).code == 0
    assert suwen("deploy", run).code == 0
    with pytest.raises(Refused, match="in service is") as refused:
        checked(made)
    assert refused.value.code == "stale-plan"
    later, _ = plan(TASK, case())
    assert later["margin"]["margin_mm"] > made["margin"]["margin_mm"], "the protocol asks for more"


def test_no_path_is_an_answer_with_the_structure_that_blocks(record: Record) -> None:
    document, _ = plan(TASK, case(registration_tre_mm=12), motion=MOTION, record=record)
    assert not document["found"]
    assert document["path_lps_mm"] is None
    assert document["motion"] is None
    assert document["sentence"].startswith("No path")
    assert document["blocked_by"]
    assert all(one["name"] in document["question"]["critical"].values() for one in document["blocked_by"])
    with pytest.raises(Refused) as refused:
        checked(document, record=record)
    assert refused.value.code == "not-certified"


def test_the_margin_is_the_registration_of_the_patient_where_it_was_measured(record: Record) -> None:
    rough, _ = plan(TASK, case(registration_tre_mm=1.5))
    fine, _ = plan(TASK, case(registration_tre_mm=0.1))
    assert rough["margin"]["margin_mm"] > fine["margin"]["margin_mm"]
    assert rough["margin"]["registration"] == "measured for this patient"
    assert plan(TASK, case())[0]["margin"]["registration"].startswith("the protocol's default")


def test_the_same_anatomy_stored_otherwise_gives_the_same_path(record: Record, tmp_path: Path) -> None:
    volume = head()
    flipped = volume.affine_lps.copy()
    flipped[:, 0] *= -1
    flipped[:3, 3] += volume.affine_lps[:3, 0] * (volume.shape[0] - 1)
    mirrored = replace(volume, array=volume.array[::-1].copy(), affine_lps=flipped)
    write_nrrd(mirrored, tmp_path / "head.nrrd")
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        with zipfile.ZipFile(io.BytesIO(case())) as original:
            archive.writestr("case.json", original.read("case.json"))
        archive.write(tmp_path / "head.nrrd", "head.nrrd")
    one, _ = plan(TASK, case())
    other, _ = plan(TASK, tmp_path / "c.zip")
    assert other["image"]["stored"] == "left-handed"
    assert other["cost"] == pytest.approx(one["cost"], abs=1e-3)
    assert other["target_lps_mm"] == pytest.approx(one["target_lps_mm"], abs=1e-3)
    assert other["certificate"]["holds"]


def test_the_command_line_plans_checks_and_draws(
    home: Path, tmp_path: Path, suwen: Callable[..., Any]
) -> None:
    volume = tmp_path / "head.nrrd"
    write_nrrd(head(), volume)
    out, page = tmp_path / "plan.json", tmp_path / "plan.html"
    said = suwen(
        "plan", "path", "--labels", volume, "--target", "left subthalamic nucleus", "--entry", "60,0,60",
        "--frame", "LPS", "--critical", "*ventricle*", "--critical", "*artery", "--out", out, "--html", page, "--json",
    )  # fmt: skip
    assert said.code == 0, said.err
    assert said.document == read_json(out)
    text = page.read_text("utf-8")
    assert text.startswith("<!doctype html>")
    assert "http://" not in text.replace("http://www.w3.org/", "").replace("http://suwen.dev/", "")
    assert suwen("plan", "check", out, "--labels", volume).code == 0
    other = tmp_path / "other.nii.gz"
    other.write_bytes(nifti_bytes(head(0.9)))
    refused = suwen("plan", "check", out, "--labels", other, "--json")
    assert (refused.code, refused.document["error"]["code"]) == (3, "wrong-image")
    document = read_json(out)
    document["path_lps_mm"][0][0] += 1
    write_json(out, document)
    assert (
        suwen("plan", "check", out, "--labels", volume, "--json").document["error"]["code"] == "altered-plan"
    )
    twice = suwen("plan", "path", out, "--labels", volume, "--json")
    assert twice.document["error"]["code"] == "two-cases"


def test_a_plan_goes_into_the_patients_record(record: Record) -> None:
    import orjson

    from suwen.records.interactions.messages import Request

    body = orjson.dumps({"resourceType": "Patient", "id": "p1"})
    record.perform(Request(method="PUT", path="Patient/p1", body=body, actor="t"))
    document, _ = plan(TASK, case(), patient="p1", record=record, actor="dr")
    assert any(one.startswith("Observation/") for one in document["stored"])
    assert any(one.startswith("Provenance/") for one in document["stored"])
    observation = next(
        one["resource"]
        for one in document["fhir"]["entry"]
        if one["resource"]["resourceType"] == "Observation"
    )
    assert observation["subject"]["reference"] == "Patient/p1"
    assert {part["valueQuantity"]["code"] for part in observation["component"]} >= {"mm", "1"}
    with pytest.raises(SuwenError) as refused:
        plan(TASK, case(), patient="nobody", record=record)
    assert refused.value.code == "unknown-patient"


def test_a_plan_can_be_followed_again(
    made: dict[str, Any], tmp_path: Path, suwen: Callable[..., Any]
) -> None:
    write_json(tmp_path / "a.plan.json", made)
    said = suwen("predict", MOTION, tmp_path / "a.plan.json", "--json")
    (result,) = said.document["results"]
    assert result["decision"] == "certified"
    assert result["solution"]["figures"]["tip_error_mm"] <= 0.5
    assert chain.digest(made["path_lps_mm"]) == chain.digest(json.loads(json.dumps(made))["path_lps_mm"])


def test_the_error_of_a_registration_enters_a_plan(
    home: Path, tmp_path: Path, suwen: Callable[..., Any]
) -> None:
    (tmp_path / "x.fiducials.json").write_bytes(fiducials(3))
    (result,) = suwen("predict", "surgery.registration", tmp_path / "x.fiducials.json", "--json").document[
        "results"
    ]
    tre = result["solution"]["document"]["margin_needs"]["registration_tre_mm"]
    document, _ = plan(TASK, case(registration_tre_mm=tre))
    (row,) = [one for one in document["margin"]["contributions"] if one["name"].startswith("registration")]
    assert np.allclose(row["value_mm"], [tre])
