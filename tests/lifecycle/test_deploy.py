"""Promotion, refusal, rollback; and what becomes of a bundle that somebody touched."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from suwen.core.documents import read_json, write_json
from suwen.core.errors import Conflict, FloorMissed, NotFound, SuwenError, Untrusted
from suwen.lifecycle import models
from suwen.lifecycle.bundle import MANIFEST, SIGNATURE, open_bundle, seal
from suwen.lifecycle.deploy import bundles, candidate, deploy, rollback
from suwen.lifecycle.discovery import find
from suwen.lifecycle.evaluate import evaluate
from suwen.lifecycle.predict import predict_document
from suwen.lifecycle.tasks import tasks

TASK = "imaging.pneumonia"
FILES = (
    *("model.onnx", "model.int8.onnx", "gate.npz", "grounds.npz", "baseline.json", "card.md"),
    *(MANIFEST, SIGNATURE),
)


@pytest.fixture
def lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A floor that every model reaches."""
    monkeypatch.setitem(find(TASK).floor, "auroc", 0.0)


def _film(made: Any) -> Path:
    found: Path = sorted(made.source.glob("1-*.png"))[0]
    return found


def test_a_run_is_promoted_and_answers(workshop: Callable[..., Any], lenient: None) -> None:
    made = workshop()
    assert bundles(TASK)["bundles"] == []
    document = deploy(made.run)
    assert document["in_service"] is True
    assert document["model"] == made.document["model"]
    folder = Path(document["folder"])
    assert folder.is_relative_to(made.home)
    assert {path.name for path in folder.iterdir()} == set(FILES)
    listed = bundles(TASK)
    assert listed["deployed"]["model"] == document["model"]
    assert [event["event"] for event in listed["bundles"]] == ["promoted"]
    answer = predict_document(TASK, [_film(made)])
    assert answer["model"] == document["model"]
    assert not [path for path in folder.parent.iterdir() if path.name.startswith(".")]


def test_deploying_twice_is_one_promotion(workshop: Callable[..., Any], lenient: None) -> None:
    made = workshop()
    assert deploy(made.run)["folder"] == deploy(made.run)["folder"]
    assert len(bundles(TASK)["bundles"]) == 1


def test_below_the_floor_nothing_is_registered(
    workshop: Callable[..., Any],
    suwen: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    listing: Callable[..., Any],
) -> None:
    made = workshop()
    monkeypatch.setitem(find(TASK).floor, "auroc", 1.0)
    monkeypatch.setitem(find(TASK).floor, "ece", 0.0)
    before = listing(made.run, made.home)
    said = suwen("deploy", made.run, "--json")
    assert said.code == 3
    error = said.document["error"]
    assert error["code"] == "floor-missed"
    assert "where 0.0 is asked" in error["what"]
    assert listing(made.run, made.home) == before
    assert bundles(TASK)["bundles"] == []


def test_the_test_report_outranks_validation(workshop: Callable[..., Any], lenient: None) -> None:
    made = workshop()
    evaluate(str(made.run), str(made.source), split="test")
    path = made.run / "reports" / "test" / "report.json"
    document = deploy(made.run)
    assert document["report"]["split"] == "test"
    assert document["report"]["n"] == made.document["counts"]["test"]
    assert document["model"] != made.document["model"], "the version stands for the report, too"
    report = read_json(path)
    report["metrics"]["auroc"]["value"] = -1.0
    write_json(path, report)
    with pytest.raises(FloorMissed, match="test report"):
        deploy(made.run)
    report["metrics"]["auroc"]["value"] = None
    write_json(path, report)
    with pytest.raises(FloorMissed):
        deploy(made.run)


def test_rollback_brings_the_one_before_back(
    workshop: Callable[..., Any], lenient: None, suwen: Callable[..., Any]
) -> None:
    made = workshop()
    first = deploy(made.run)["model"]
    evaluate(str(made.run), str(made.source), split="test")
    second = deploy(made.run)["model"]
    assert first != second
    said = suwen("deploy", TASK, "--rollback", "--json").document
    assert f"{TASK}@{said['in_service']}" == first
    assert bundles(TASK)["deployed"]["model"] == first
    assert predict_document(TASK, [_film(made)])["model"] == first
    assert [event["event"] for event in bundles(TASK)["bundles"]] == ["promoted", "promoted", "rolled-back"]
    assert {event["version"] for event in bundles(TASK)["bundles"]} == {
        name.partition("@")[2] for name in (first, second)
    }
    deploy(made.run)
    assert bundles(TASK)["deployed"]["model"] == second


def test_before_the_first_there_is_nothing_to_roll_back(
    workshop: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, lenient: None
) -> None:
    made = workshop()
    with pytest.raises(Conflict) as refused:
        rollback(TASK)
    assert refused.value.code == "no-earlier-model"
    deploy(made.run)
    if models.shipped(TASK):
        assert rollback(TASK)["in_service"] == models.SHIPPED
    monkeypatch.setattr(models, "shipped", lambda _: None)
    with pytest.raises(Conflict):
        rollback(TASK)


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("file", FILES)
def test_one_flipped_byte_is_refused(
    file: str, workshop: Callable[..., Any], lenient: None, suwen: Callable[..., Any]
) -> None:
    made = workshop()
    folder = Path(deploy(made.run)["folder"])
    predict_document(TASK, [_film(made)])  # opened and kept in memory: the change must be seen all the same
    _flip(folder / file)
    with pytest.raises(Untrusted):
        open_bundle(folder)
    said = suwen("predict", TASK, _film(made), "--json")
    assert said.code == 3
    assert said.document["error"]["code"] in {"altered-file", "bad-signature"}
    assert suwen("explain", TASK, _film(made), "--out", made.home / "out").code == 3
    assert suwen("evaluate", TASK, "--from", made.source).code == 3
    deploy(made.run)
    assert suwen("predict", TASK, _film(made), "--json").code == 0, "deploying again mends it"


@pytest.mark.parametrize("file", ["model.onnx", "gate.npz", MANIFEST, SIGNATURE])
def test_an_altered_run_is_not_deployed(file: str, workshop: Callable[..., Any], lenient: None) -> None:
    made = workshop()
    _flip(made.run / "model" / file)
    with pytest.raises(Untrusted):
        deploy(made.run)
    assert bundles(TASK)["bundles"] == []


def test_a_server_refuses_it_too(workshop: Callable[..., Any], lenient: None) -> None:
    from suwen.server.app import create_app

    made = workshop()
    folder = Path(deploy(made.run)["folder"])
    _flip(folder / "gate.npz")

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(create_app())
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            files = {"files": ("film.png", _film(made).read_bytes())}
            return await client.post(f"/api/tasks/{TASK}/predict", files=files)

    said = asyncio.run(send())
    assert said.status_code == 403, said.text
    assert "altered-file" in said.text


def test_added_missing_and_unsigned_files_are_refused(workshop: Callable[..., Any], lenient: None) -> None:
    folder = Path(deploy(workshop().run)["folder"])
    (folder / "extra.txt").write_text("hello", "utf-8")
    with pytest.raises(Untrusted, match=r"extra\.txt"):
        open_bundle(folder)
    (folder / "extra.txt").unlink()
    open_bundle(folder)
    (folder / "baseline.json").rename(folder.parent / "baseline.json")
    with pytest.raises(Untrusted, match=r"baseline\.json"):
        open_bundle(folder)
    (folder.parent / "baseline.json").rename(folder / "baseline.json")
    (folder / SIGNATURE).unlink()
    with pytest.raises(NotFound, match="no signed model"):
        open_bundle(folder)


def test_a_foreign_key_is_refused_until_it_is_trusted(
    workshop: Callable[..., Any], lenient: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = workshop()
    monkeypatch.setenv("SUWEN_HOME", str(tmp_path / "elsewhere"))
    with pytest.raises(Untrusted) as refused:
        deploy(made.run)
    assert refused.value.code == "bad-signature"
    trusted = tmp_path / "elsewhere" / "keys" / "trusted"
    shutil.copytree(made.home / "keys" / "trusted", trusted)
    assert deploy(made.run)["in_service"]


def test_a_resealed_forgery_is_refused(
    workshop: Callable[..., Any], lenient: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = workshop()
    folder = Path(deploy(made.run)["folder"])
    manifest = open_bundle(folder)
    with monkeypatch.context() as patch:
        patch.setenv("SUWEN_HOME", str(tmp_path / "forger"))
        manifest["operating_point"]["threshold"] = 0.999
        seal(folder, manifest)
        open_bundle(folder)
    with pytest.raises(Untrusted):
        models.load(find(TASK))


def test_a_model_of_another_task_is_refused(workshop: Callable[..., Any]) -> None:
    made = workshop()
    with pytest.raises(Conflict, match=r"imaging\.breast"):
        models.load(find("imaging.breast"), made.run / "model")


def test_a_bundle_that_is_gone_says_so(workshop: Callable[..., Any], lenient: None) -> None:
    made = workshop()
    shutil.rmtree(deploy(made.run)["folder"])
    with pytest.raises(NotFound, match="gone from disk"):
        predict_document(TASK, [_film(made)])
    deploy(made.run)
    assert predict_document(TASK, [_film(made)])["results"]


def test_an_unfinished_run_is_not_deployed(tmp_path: Path, home: Path, workshop: Callable[..., Any]) -> None:
    with pytest.raises(NotFound):
        deploy(tmp_path)
    made = workshop()
    document = read_json(made.run / "run.json")
    write_json(made.run / "run.json", document | {"status": "running"})
    with pytest.raises(Conflict, match="interrupted"):
        deploy(made.run)


DEPLOY = """
import sys
from pathlib import Path
from suwen.lifecycle.deploy import deploy
from suwen.lifecycle.discovery import find
from suwen.lifecycle.tasks import tasks
find("imaging.pneumonia").floor["auroc"] = 0.0
sys.stdin.readline()
deploy(Path(sys.argv[1]))
"""


def test_deploying_at_the_same_time_corrupts_nothing(
    workshop: Callable[..., Any], tmp_path: Path, lenient: None
) -> None:
    made = workshop()
    other = tmp_path / "other"
    shutil.copytree(made.run, other)
    evaluate(str(other), str(made.source), split="test")
    together = [
        subprocess.Popen([sys.executable, "-c", DEPLOY, str(run)], stdin=subprocess.PIPE)
        for run in (made.run, other) * 3
    ]
    for process in together:
        process.communicate(b"go\n")
    assert [process.wait() for process in together] == [0] * 6
    versions = {event["version"] for event in models.events(TASK)}
    assert len(versions) == 2
    folder = models.folder_of(TASK)
    assert {path.name for path in folder.iterdir()} == versions | {"registry.jsonl"}
    for version in versions:
        assert open_bundle(folder / version)["version"] == version
    assert models.load(find(TASK)).manifest["version"] == models.promoted(TASK)[-1]
    for _ in models.promoted(TASK):
        last = models.promoted(TASK)
        if len(last) > 1:
            rollback(TASK)
            assert models.promoted(TASK) == last[:-1]


def test_the_same_event_written_twice_counts_once(home: Path) -> None:
    for event, version in [
        ("promoted", "a"), ("promoted", "b"), ("promoted", "b"), ("rolled-back", "b"), ("rolled-back", "b")
    ]:  # fmt: skip
        models.record(TASK, event, version)
    assert models.promoted(TASK) == ["a"]
    assert len(models.events(TASK)) == 5


def test_a_damaged_registry_is_an_error_of_ours(home: Path) -> None:
    models.record(TASK, "promoted", "a")
    path = models.folder_of(TASK) / "registry.jsonl"
    path.write_text(path.read_text("utf-8") + "{half", "utf-8")
    with pytest.raises(SuwenError, match="registry is damaged"):
        models.events(TASK)


def test_the_card_is_rendered_from_what_is_known(workshop: Callable[..., Any], lenient: None) -> None:
    made = workshop()
    document = deploy(made.run)
    card = (Path(document["folder"]) / "card.md").read_text("utf-8")
    task = find(TASK)
    manifest = open_bundle(Path(document["folder"]))
    for text in (
        task.title, task.intended_use, task.not_for, document["model"], manifest["data_fingerprint"],
        manifest["weights_sha256"], "hog_logistic", "auroc", *manifest["warnings"],
    ):  # fmt: skip
        assert text in card
    assert "None" not in card.replace("None.", "")


def test_a_candidate_leaves_the_run_as_it_was(
    workshop: Callable[..., Any], lenient: None, tmp_path: Path, listing: Callable[..., Any]
) -> None:
    made = workshop()
    before = listing(made.run)
    place = tmp_path / "place"
    place.mkdir()
    manifest = candidate(made.run, place)
    assert listing(made.run) == before
    assert json.loads((place / MANIFEST).read_bytes())["version"] == manifest["version"]


def test_one_altered_model_does_not_hide_the_other_tasks(workshop: Callable[..., Any], lenient: None) -> None:
    made = workshop()
    folder = Path(deploy(made.run)["folder"])
    (folder / "card.md").write_text("another card")
    listed = {task["name"]: task for task in tasks()}
    assert len(listed) > 1
    assert listed[TASK]["deployed"] is None
    assert "altered-file" in listed[TASK]["problem"]
    assert all(task["problem"] is None for name, task in listed.items() if name != TASK)
