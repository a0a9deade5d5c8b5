"""The life cycle over HTTP: closed without data, jobs with it, and no way out of the data folder."""

from __future__ import annotations

import os
import signal
import time

import pytest

from suwen.core.documents import read_json, write_json
from suwen.server.jobs import Jobs

TASK = "imaging.pneumonia"
BODIES = {
    "collect": {"source": "films"},
    "prepare": {"source": "films", "run": "r"},
    "train": {"source": "films", "run": "r"},
    "evaluate": {"source": "films"},
    "deploy": {"run": "r"},
    "rollback": None,
}


def _until(client, job, *wanted, seconds=90):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = client.get(f"/api/jobs/{job}").json()
        if found["status"] in wanted:
            return found
        time.sleep(0.1)
    raise AssertionError(f"the job is still {found}")


@pytest.mark.parametrize("verb", BODIES)
def test_without_a_data_folder_the_verbs_are_closed(client, problem, verb):
    response = client.post(f"/api/tasks/{TASK}/{verb}", json=BODIES[verb])
    assert response.status_code == 403
    issue = problem(response)
    assert issue["our"] == "no-data-folder"
    assert "suwen serve --data" in issue["diagnostics"]


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("../outside", 400),
        ("films/../../outside", 400),
        ("/etc/passwd", 400),
        ("leads-out", 403),
        ("leads-out/x", 403),
        ("films\0", 400),
        ("nothing", 404),
        ("", 400),
    ],
)
def test_a_source_stays_in_the_data_folder(learner, problem, source, status):
    response = learner.post(f"/api/tasks/{TASK}/collect", json={"source": source})
    assert response.status_code == status
    issue = problem(response)
    assert "/etc" not in str(issue)
    assert not learner.get("/api/jobs").json()


@pytest.mark.parametrize("run", ["../r", "a/b", ".hidden", "", "x" * 65, "-rf"])
def test_a_run_is_a_plain_name(learner, problem, run):
    response = learner.post(f"/api/tasks/{TASK}/train", json={"source": "films", "run": run})
    assert response.status_code == 400
    assert "run" in problem(response)["details"]["text"]


def test_unknown_fields_and_bad_settings(learner, problem):
    response = learner.post(f"/api/tasks/{TASK}/collect", json={"source": "films", "Zhang": 1})
    assert response.status_code == 400
    assert "Zhang" not in str(problem(response))
    response = learner.post(
        f"/api/tasks/{TASK}/train", json={"source": "films", "run": "r", "set": {"--run": "x"}}
    )
    assert response.status_code == 400
    problem(response)
    response = learner.post(f"/api/tasks/{TASK}/collect", content=b"{")
    assert response.status_code == 400
    problem(response)


def test_deploying_a_run_that_is_not_there_or_of_another_task(learner, problem, home):
    response = learner.post(f"/api/tasks/{TASK}/deploy", json={"run": "r"})
    assert response.status_code == 404
    problem(response)
    write_json(home / "runs" / "r" / "run.json", {"task": "imaging.breast", "status": "finished"})
    response = learner.post(f"/api/tasks/{TASK}/deploy", json={"run": "r"})
    assert response.status_code == 409
    assert "imaging.breast" in problem(response)["details"]["text"]


def test_nothing_to_roll_back_to(learner, problem):
    response = learner.post("/api/tasks/imaging.breast/rollback")
    assert response.status_code == 409
    assert problem(response)["our"] == "no-earlier-model"


def test_collect_runs_as_a_job_and_is_remembered(learner):
    response = learner.post(f"/api/tasks/{TASK}/collect", json={"source": "films", "probe": False})
    assert response.status_code == 202, response.text
    job = response.json()
    assert response.headers["location"] == job["status_url"] == f"/api/jobs/{job['job']}"
    done = _until(learner, job["job"], "done", "failed")
    assert done["status"] == "done", done
    assert done["result"]["task"] == TASK
    assert done["progress"]
    assert done["error"] is None
    assert Jobs().status(job["job"]) == done  # another server
    (listed,) = learner.get("/api/jobs").json()
    assert listed["status"] == "done"


def test_a_verb_that_refuses_fails_with_its_error(learner):
    body = {"source": "films", "run": "r", "set": {"epoch": 3}}
    job = learner.post(f"/api/tasks/{TASK}/train", json=body).json()["job"]
    failed = _until(learner, job, "done", "failed")
    assert failed["status"] == "failed"
    assert failed["error"]["code"] == "unknown-setting"
    assert "epochs" in failed["error"]["fix"]


def test_one_training_at_a_time_and_cancelling(learner, problem):
    bodies = [{"source": "films", "run": name} for name in ("first", "second")]
    first, second = (learner.post(f"/api/tasks/{TASK}/train", json=body).json()["job"] for body in bodies)
    running = _until(learner, first, "running")
    assert running["started_at"]
    assert learner.get(f"/api/jobs/{second}").json()["status"] == "queued"
    for job in (second, first):
        cancelled = learner.delete(f"/api/jobs/{job}").json()
        assert cancelled["status"] == "failed"
        assert cancelled["error"]["code"] == "cancelled"
    again = learner.delete(f"/api/jobs/{first}")
    assert again.status_code == 409
    problem(again)


def test_a_job_whose_process_is_gone_has_failed(learner, home):
    body = {"source": "films", "run": "killed"}
    job = learner.post(f"/api/tasks/{TASK}/train", json=body).json()["job"]
    _until(learner, job, "running")
    os.killpg(read_json(home / "jobs" / job / "job.json")["pid"], signal.SIGKILL)
    failed = _until(learner, job, "failed")
    assert failed["error"]["code"] == "process-gone"


def test_an_unknown_job(client, problem):
    for name in ("0" * 16, "x", "..%2f..%2fetc"):
        for response in (client.get(f"/api/jobs/{name}"), client.delete(f"/api/jobs/{name}")):
            assert response.status_code == 404
            problem(response)
