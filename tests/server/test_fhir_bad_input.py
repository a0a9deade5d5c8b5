"""What cannot be used is refused with an OperationOutcome, in bounded memory, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import io
import json
import logging

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suwen.records.record import Record
from suwen.server import fhir_messages
from suwen.server.fhir_routes import ROUTES
from suwen.server.guard import MAX_FHIR_BYTES
from suwen.server.logs import METHODS, configure

CANARY = "ZHANGSAN"
PATIENT = {"resourceType": "Patient", "id": "p1"}


def _deep(levels):
    inner = '{"url":"urn:x","valueString":"x"}'
    for _ in range(levels):
        inner = f'{{"url":"urn:x","extension":[{inner}]}}'
    return f'{{"resourceType":"Patient","id":"p1","extension":[{inner}]}}'.encode()


BAD = {
    "nothing": b"",
    "truncated": b'{"resourceType":"Patient","id":"p1","name":[{"family":"Zh',
    "duplicate key": b'{"resourceType":"Patient","id":"p1","active":true,"active":false}',
    "100 deep": _deep(100),
    "100,000 deep": b"[" * 100_000,
    "invalid UTF-8": b'{"resourceType":"Patient","id":"p1","name":[{"family":"\xff\xfe"}]}',
    "half a surrogate pair": b'{"resourceType":"Patient","id":"p1","name":[{"family":"\\ud800"}]}',
    "NaN": b'{"resourceType":"Patient","id":"p1","multipleBirthInteger":NaN}',
    "infinite": b'{"resourceType":"Patient","id":"p1","multipleBirthInteger":1e999}',
    "no object": b"[1]",
    "no type": b'{"id":"p1"}',
    "another type": b'{"resourceType":"Group","id":"p1"}',
    "another id": b'{"resourceType":"Patient","id":"p2"}',
    "an id that is none": b'{"resourceType":"Patient","id":7}',
    "unknown property": b'{"resourceType":"Patient","id":"p1","shoeSize":44}',
    "no date": b'{"resourceType":"Patient","id":"p1","birthDate":"1999-02-31"}',
    "XML": b"<Patient/>",
}


@pytest.mark.parametrize("name", BAD)
def test_a_body_that_cannot_be_used_stores_nothing(fhir, name):
    response = fhir.ask("PUT", "Patient/p1", BAD[name])
    assert 400 <= response.status_code < 500
    assert response.json()["resourceType"] == "OperationOutcome"
    assert fhir.get("_history").json()["total"] == 0


@pytest.mark.parametrize(
    "kind", ["application/fhir+xml", "text/plain", "multipart/form-data; boundary=x", "", "\xe9"]
)
def test_a_wrong_content_type(fhir, problem, kind):
    for method, path in (("PUT", "Patient/p1"), ("POST", "Patient"), ("POST", ""), ("PATCH", "Patient/p1")):
        fhir.put(PATIENT)
        response = fhir.ask(method, path, json.dumps(PATIENT).encode(), content_type=kind.encode("latin-1"))
        assert response.status_code == 415
        problem(response)


def test_a_compressed_body_is_not_taken(fhir, problem):
    response = fhir.ask("PUT", "Patient/p1", b"\x1f\x8b\x08", content_encoding="gzip")
    assert response.status_code == 415
    assert "Content-Encoding" in problem(response)["diagnostics"]


@pytest.mark.parametrize(
    "path", ["Patient/%ff", "%fe%ff", "Patient?name=%ff", "Patient?%ff=x", "Patient?a=" + "&a=" * 501]
)
def test_an_address_that_cannot_be_read(fhir, problem, path):
    response = fhir.get(path)
    assert response.status_code == 400
    assert problem(response)["our"] in {"bad-address", "bad-query"}


def test_unknown_types_ids_and_addresses(fhir, problem):
    for path, code in [
        ("Nonsense", "unknown-type"),
        ("Nonsense/1", "unknown-type"),
        ("patient/1", "unknown-type"),
        ("Patient/a_b", "bad-id"),
        ("Patient/" + "x" * 65, "bad-id"),
        ("Patient/1/nonsense", "unknown-route"),
        ("Patient/1/_history/1/2", "unknown-route"),
        ("Patient/1/_history/x", "not-found"),
        ("Patient/1/_history/99999999999999999999", "not-found"),
    ]:
        response = fhir.get(path)
        assert response.status_code == 404, path
        assert problem(response)["our"] == code, path


@pytest.mark.parametrize("route", ROUTES)
def test_other_methods_are_refused_with_those_that_are_taken(fhir, problem, route):
    path = route.removeprefix("/fhir").lstrip("/").format(type="Patient", id="p1", version="1")
    for method in sorted(METHODS - set(ROUTES[route])):
        response = fhir.ask(method, path, json.dumps(PATIENT).encode(), x_http_method_override="DELETE")
        assert response.status_code == 405, method
        assert set(response.headers["allow"].split(", ")) == set(ROUTES[route])
        if method != "HEAD":
            assert problem(response)["code"] == "not-supported"


def test_a_body_above_the_limit_announced_or_not(fhir, problem):
    announced = fhir.ask("POST", "", b"", content_length=str(MAX_FHIR_BYTES + 1))
    taken = 0

    async def endless():
        nonlocal taken
        while taken < 2 * MAX_FHIR_BYTES:
            taken += 2**20
            yield b" " * 2**20

    unannounced = fhir.ask("POST", "", endless())
    for response in (announced, unannounced):
        assert response.status_code == 413
        assert problem(response)["code"] == "too-long"
    assert taken <= MAX_FHIR_BYTES + 2 * 2**20
    assert fhir.get("_history").json()["total"] == 0


def test_a_body_of_two_megabytes_is_taken(fhir):
    found = fhir.put(PATIENT | {"text": {"status": "generated", "div": _div("x" * 2 * 2**20)}})
    assert found.status_code == 201
    assert len(fhir.get("Patient/p1").content) > 2 * 2**20


def _div(text):
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{text}</div>'


def test_a_body_that_never_comes(fhir, problem, monkeypatch):
    monkeypatch.setattr(fhir_messages, "BODY_S", 0.05)

    async def stalled():
        yield b"{"
        await asyncio.sleep(5)
        yield b"}"

    response = fhir.ask("POST", "Patient", stalled())
    assert response.status_code == 408
    assert problem(response)["our"] == "request-timeout"


def test_references_that_go_in_circles(fhir):
    for ident, other in (("a", "b"), ("b", "a")):
        fhir.put(
            {
                "resourceType": "Patient",
                "id": ident,
                "link": [{"other": {"reference": f"Patient/{other}"}, "type": "seealso"}],
            }
        )
    assert (
        fhir.get("Patient?_include:iterate=Patient:link&_revinclude:iterate=Patient:link").status_code == 200
    )
    found = fhir.get("Patient/a/$everything").json()
    assert {entry["resource"]["id"] for entry in found["entry"]} >= {"a"}


def test_an_unexpected_error_gives_an_incident_and_no_message(fhir, problem, monkeypatch):
    def fails(*_):
        raise ZeroDivisionError(f"{CANARY} is in this message")

    monkeypatch.setattr(Record, "perform", fails)
    response = fhir.get("Patient/p1")
    assert response.status_code == 500
    assert problem(response)["our"] == "internal"
    assert CANARY not in response.text


@pytest.fixture
def log():
    root, own = logging.getLogger(), logging.getLogger("suwen.server")
    before = root.handlers[:], root.level, own.level
    stream = io.StringIO()
    configure(stream)
    yield stream
    root.handlers[:], level, own.level = before
    root.setLevel(level)
    logging.captureWarnings(False)


def test_the_log_has_templates_and_nothing_of_a_patient(fhir, log):
    named = {"resourceType": "Patient", "id": CANARY, "name": [{"family": CANARY}]}
    about = [
        fhir.put(named),
        fhir.put(named | {CANARY: CANARY}),
        fhir.get(f"Patient/{CANARY}"),
        fhir.get(f"Patient/{CANARY}/_history/1"),
        fhir.get(f"Patient?name={CANARY}&{CANARY}={CANARY}"),
        fhir.get(f"Patient?birthdate={CANARY}"),
        fhir.get(f"{CANARY}/{CANARY}"),
        fhir.get(f"Patient/1/{CANARY}"),
        fhir.get(f"Patient/{CANARY}%ff"),
        fhir.ask("POST", "Patient", f'{{"{CANARY}'.encode()),
        fhir.ask("POST", "Patient", b"x", content_type=CANARY),
        fhir.ask(
            "PATCH",
            f"Patient/{CANARY}",
            [{"op": CANARY, "path": CANARY}],
            content_type="application/json-patch+json",
        ),
        fhir.ask(CANARY, f"Patient/{CANARY}", if_match=CANARY),
        fhir.bundle("transaction", {"resource": named, "request": {"method": "PUT", "url": CANARY}}),
    ]
    assert max(response.status_code for response in about) < 500
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert len(lines) == len(about)
    assert CANARY not in log.getvalue()
    assert {line["route"] for line in lines} <= {*ROUTES, "unrouted"}
    assert (lines[0]["route"], lines[0]["outcome"]) == ("/fhir/{type}/{id}", None)
    assert lines[6]["outcome"] == "unknown-type"
    assert CANARY not in fhir.get("http://127.0.0.1:8000/metrics").text


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "resourceType",
                    "id",
                    "meta",
                    "name",
                    "entry",
                    "request",
                    "url",
                    "method",
                    "resource",
                    "type",
                ]
            )
            | st.text(max_size=4),
            inner
            | st.sampled_from(["Patient", "Bundle", "transaction", "batch", "POST", "GET", "Patient/1"]),
            max_size=4,
        )
    ),
    max_leaves=12,
)
FUZZ = settings(
    max_examples=80,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@FUZZ
@given(
    method=st.sampled_from(["PUT", "POST", "PATCH"]),
    path=st.sampled_from(
        ["", "Patient", "Patient/p1", "Bundle", "Patient/$validate", "Parameters/$validate"]
    ),
    body=st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()),
    kind=st.sampled_from(
        ["application/fhir+json", "application/json-patch+json", "application/merge-patch+json"]
    ),
)
def test_garbage_is_refused_and_never_breaks_anything(fhir, method, path, body, kind):
    response = fhir.ask(method, path, body, content_type=kind)
    assert response.status_code < 500, response.text
    if response.status_code >= 400:
        assert response.json()["resourceType"] == "OperationOutcome"


@FUZZ
@given(
    path=st.sampled_from(["", "Patient", "Observation", "Patient/p1", "_history", "Patient/p1/$everything"]),
    query=st.lists(
        st.tuples(
            st.sampled_from(
                ["name", "_id", "birthdate", "_lastUpdated", "_sort", "_count", "_include", "_has", "_type"]
            )
            | st.sampled_from(
                [
                    "identifier:not",
                    "subject:Patient.name",
                    "_cursor",
                    "_since",
                    "_at",
                    "_summary",
                    "_elements",
                ]
            )
            | st.text(max_size=6),
            st.sampled_from(["ge2000", "a|b", "|", ",", "Patient:link", "Patient:link:observation:code"])
            | st.text(max_size=10),
        ),
        max_size=3,
    ),
)
def test_any_query_is_answered_or_refused(fhir, path, query):
    from urllib.parse import urlencode

    try:
        asked = urlencode(query)
    except UnicodeEncodeError:
        return
    response = fhir.get(f"{path}?{asked}")
    assert response.status_code < 500, (path, query, response.text)
    assert "resourceType" in response.json()
