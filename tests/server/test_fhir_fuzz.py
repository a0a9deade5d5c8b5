"""Schemathesis against the description of ``/fhir``: no 5xx, and every refusal is an OperationOutcome."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

schemathesis = pytest.importorskip("schemathesis")
requests = pytest.importorskip("requests")

HERE = "http://127.0.0.1:8000"
FUZZ = settings(
    max_examples=6,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
"""For each operation, and each of good and bad input."""


def _send(fhir, sent: dict[str, Any]):
    """What schemathesis would send through requests, sent to the application."""
    ready = requests.Request(**{name: value for name, value in sent.items() if name != "timeout"}).prepare()
    body = ready.body.encode() if isinstance(ready.body, str) else ready.body
    headers = {
        name.lower(): value for name, value in ready.headers.items() if name.lower() != "content-length"
    }
    return fhir.ask(ready.method, ready.url, body, **headers)


def _fuzz(fhir, operation, mode, described: dict[str, Any], statuses: set[int]) -> None:
    @FUZZ
    @given(st.data())
    def holds(data):
        sent = data.draw(operation.as_strategy(generation_mode=mode)).as_transport_kwargs(base_url=HERE)
        response = _send(fhir, sent)
        statuses.add(response.status_code)
        assert response.status_code < 500, (sent, response.text)
        assert str(response.status_code) in described, (sent, response.text)
        if response.status_code >= 400:
            assert response.headers["content-type"] == "application/fhir+json"
            outcome = response.json()
            assert outcome["resourceType"] == "OperationOutcome"
            assert outcome["issue"][0]["severity"] == "error"
            assert outcome["issue"][0]["details"]["text"]

    holds()


@pytest.mark.parametrize("mode", ["POSITIVE", "NEGATIVE"])
def test_the_description_of_the_record_holds_under_fuzzing(fhir, mode):
    document = fhir.get(f"{HERE}/api/openapi.json").json()
    document["paths"] = {path: item for path, item in document["paths"].items() if path.startswith("/fhir")}
    operations = [found.ok() for found in schemathesis.openapi.from_dict(document).get_all_operations()]
    assert len(operations) == sum(len(item) for item in document["paths"].values())
    statuses: set[int] = set()
    for operation in operations:
        said = document["paths"][operation.path][operation.method.lower()]
        if mode == "NEGATIVE" and not said["parameters"]:
            continue  # there is nothing to get wrong
        _fuzz(fhir, operation, getattr(schemathesis.GenerationMode, mode), said["responses"], statuses)
    assert statuses >= {200, 400, 404}
