"""Health, metrics, schemas, and an OpenAPI description in which nothing is missing."""

from __future__ import annotations

import re

import jsonschema
import pytest
from prometheus_client.parser import text_string_to_metric_families

from suwen import __version__
from suwen.core.errors import NotFound
from suwen.lifecycle import models
from suwen.lifecycle.discovery import all_tasks
from suwen.server.app import create_app

VERBS = ("collect", "prepare", "train", "evaluate", "deploy", "rollback")


def test_health_opens_every_model(client, model):
    response = client.get("/health")
    assert response.status_code == 200
    found = response.json()
    assert (found["status"], found["version"]) == ("ok", __version__)
    shipped = {name for name in all_tasks() if models.shipped(name)}
    assert shipped >= {"imaging.pneumonia", "signals.deterioration"}
    assert found["models"] == {name: "ok" if name in shipped else "none" for name in all_tasks()}


def test_an_altered_model_fails_health_and_is_never_used(client, model, home, film, problem):
    copy = home / "models" / model / "altered"
    copy.mkdir(parents=True)
    for path in models.shipped(model).iterdir():
        content = path.read_bytes()
        (copy / path.name).write_bytes(content[:-1] + b"\0" if path.suffix == ".onnx" else content)
    models.record(model, "promoted", copy.name)
    response = client.get("/health")
    assert response.status_code == 503
    assert response.json()["models"][model] == "altered-file"
    refused = client.post(f"/api/tasks/{model}/predict", files={"files": film})
    assert refused.status_code == 403
    assert problem(refused)["code"] == "security"


def test_metrics_count_requests_and_outcomes(client, model, film, noise):
    client.post(f"/api/tasks/{model}/predict", files=[("files", film), ("files", noise)])
    client.get("/api/tasks/nobody")
    families = {f.name: f for f in text_string_to_metric_families(client.get("/metrics").text)}
    counted = {
        (s.labels["route"], s.labels["status"]): s.value
        for s in families["suwen_http_requests"].samples
        if s.name.endswith("_total")
    }
    assert counted["/api/tasks/{task}/predict", "200"] == 1
    assert counted["/api/tasks/{task}", "404"] == 1
    outcomes = {
        s.labels["outcome"]: s.value
        for s in families["suwen_predictions"].samples
        if s.name.endswith("_total")
    }
    assert outcomes["poor-quality"] == 1
    assert sum(outcomes.values()) == 2
    info = {one.labels["model"].partition("@")[0] for one in families["suwen_model_info"].samples}
    assert info == {name for name in all_tasks() if models.shipped(name)}
    assert model in info
    assert families["suwen_http_request_duration_seconds"].samples


def test_every_application_counts_for_itself(client, make_client):
    client.get("/health")
    text = make_client().get("/metrics").text
    assert 'route="/health"' not in text


def test_doctor(client):
    body = client.get("/api/doctor").json()
    assert {"ok", "checks"} <= set(body)


def test_the_documents_keep_to_their_published_schemas(client, model, film, noise, problem):
    files = [("files", film), ("files", noise)]
    documents = {
        "tasks": client.get("/api/tasks"),
        "predict": client.post(f"/api/tasks/{model}/predict", files=files),
        "explain": client.post(f"/api/tasks/{model}/explain", files=files),
        "doctor": client.get("/api/doctor"),
    }
    for verb, response in documents.items():
        assert response.status_code == 200, response.text
        schema = client.get(f"/api/schemas/{verb}").json()
        jsonschema.validate(response.json(), schema)
    unknown = client.get("/api/schemas/predikt")
    assert unknown.status_code == 404
    assert "predict" in problem(unknown)["diagnostics"]


def test_only_chosen_systems_and_tasks_are_served(make_client):
    client = make_client(only=["imaging.breast"])
    assert [task["name"] for task in client.get("/api/tasks").json()["tasks"]] == ["imaging.breast"]
    assert client.get("/api/tasks/imaging.pneumonia").status_code == 404
    assert len(make_client(only=["imaging"]).get("/api/tasks").json()["tasks"]) == 2
    with pytest.raises(NotFound, match="imagin"):
        create_app(only=["imagin"])


def test_a_data_folder_that_is_not_there(tmp_path, home):
    with pytest.raises(NotFound):
        create_app(data=tmp_path / "nothing")


def test_every_route_is_documented(client):
    described = client.get("/api/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    tags = {tag["name"] for tag in described["tags"]}
    names = []
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            where = f"{method} {path}"
            names.append(operation["operationId"])
            assert operation["summary"], where
            assert operation["description"], where
            assert set(operation["tags"]) <= tags, where
            for parameter in operation.get("parameters", []):
                assert parameter.get("description") or parameter["schema"].get("description"), where
            good = [status for status in operation["responses"] if status.startswith("2")]
            assert good, where
            for status, answer in operation["responses"].items():
                assert answer["description"] != "Successful Response", f"{where} {status}"
                for content in answer.get("content", {}).values():
                    assert (
                        "example" in content
                        or not status.startswith("2")
                        or "image" in str(answer)
                        or ("text/plain" in str(answer))
                    ), f"{where} {status}"
                if status.startswith(("4", "5")) and status != "503":
                    schema = answer["content"]["application/fhir+json"]["schema"]
                    assert schema["$ref"].endswith("/OperationOutcome"), f"{where} {status}"
            assert "500" in operation["responses"], where
            if "{task}" in path:
                assert "404" in operation["responses"], where
    assert len(names) == len(set(names))
    served = {"/api/tasks", "/api/tasks/{task}", "/health", "/metrics", "/api/doctor", "/api/jobs/{job}"}
    verbs = [
        "predict",
        "explain",
        "collect",
        "prepare",
        "train",
        "evaluate",
        "deploy",
        "rollback",
        "card",
        "samples",
    ]
    served |= {f"/api/tasks/{{task}}/{verb}" for verb in verbs}
    assert served <= set(described["paths"])
    assert not re.search(r"HTTPValidationError", str(described))


def test_health_survives_a_model_that_breaks_while_it_opens(client, model, monkeypatch):
    def breaks(_task):
        raise FileNotFoundError("a file of the bundle")

    monkeypatch.setattr(models, "load", breaks)
    response = client.get("/health")
    assert response.status_code == 503
    assert response.json()["models"][model] == "internal"
