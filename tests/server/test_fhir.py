"""The interactions of FHIR R4 over HTTP, one resource at a time."""

from __future__ import annotations

import base64

import pytest

from suwen.records.fhir.definitions import definitions
from suwen.records.fhir.validate import Validator

PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "active": True,
    "name": [{"family": "Lin", "given": ["Mei"]}],
}
JSON_PATCH, MERGE_PATCH = "application/json-patch+json", "application/merge-patch+json"


def test_without_a_record_every_address_says_how_to_have_one(client, problem):
    for method, path in [
        ("GET", "/fhir"),
        ("GET", "/fhir/Patient/1"),
        ("POST", "/fhir/"),
        ("PUT", "/fhir/x/y/z"),
    ]:
        response = client.request(method, path)
        assert response.status_code == 404
        assert problem(response)["our"] == "no-record"
        assert "--store" in problem(response)["diagnostics"]
    assert client.get("/fhirx").json()["issue"][0]["details"]["coding"][0]["code"] == "unknown-route"


def test_create_read_update_delete(fhir, problem):
    created = fhir.post(PATIENT)
    assert created.status_code == 201
    assert created.headers["content-type"] == "application/fhir+json"
    assert created.headers["etag"] == 'W/"1"'
    assert created.headers["last-modified"].endswith("GMT")
    ident = created.json()["id"]
    assert ident != "p1"
    assert created.headers["location"] == f"http://127.0.0.1:8000/fhir/Patient/{ident}/_history/1"

    read = fhir.get(f"Patient/{ident}")
    assert read.status_code == 200
    assert read.json()["name"] == PATIENT["name"]
    assert read.json()["meta"]["versionId"] == "1"

    updated = fhir.put(read.json() | {"active": False})
    assert (updated.status_code, updated.headers["etag"]) == (200, 'W/"2"')
    assert fhir.get(f"Patient/{ident}").json()["active"] is False

    deleted = fhir.ask("DELETE", f"Patient/{ident}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    gone = fhir.get(f"Patient/{ident}")
    assert gone.status_code == 410
    assert problem(gone)["code"] == "deleted"
    assert fhir.ask("DELETE", f"Patient/{ident}").status_code == 204
    assert fhir.put(read.json()).status_code == 201


def test_an_update_creates_under_the_clients_id(fhir):
    assert fhir.put(PATIENT).status_code == 201
    assert fhir.put(PATIENT).status_code == 200
    assert fhir.get("Patient/p1").json()["id"] == "p1"


def test_head_has_the_headers_and_no_body(fhir):
    fhir.put(PATIENT)
    read, head = fhir.get("Patient/p1"), fhir.ask("HEAD", "Patient/p1")
    assert head.content == b""
    for name in ("etag", "last-modified", "content-length", "content-type"):
        assert head.headers[name] == read.headers[name]
    assert fhir.ask("HEAD", "Patient/none").status_code == 404


def test_nobody_overwrites_what_they_have_not_seen(fhir, problem):
    fhir.put(PATIENT)
    fhir.put(PATIENT)
    stale = fhir.put(PATIENT, if_match='W/"1"')
    assert stale.status_code == 412
    assert problem(stale)["our"] == "stale-version"
    assert fhir.ask("DELETE", "Patient/p1", if_match='W/"1"').status_code == 412
    assert fhir.put(PATIENT, if_match="rubbish").status_code == 400
    assert fhir.put(PATIENT, if_match='W/"2"').status_code == 200
    assert fhir.put(PATIENT, if_none_match="*").status_code == 412
    assert fhir.put(PATIENT | {"id": "p2"}, if_none_match="*").status_code == 201


def test_what_has_not_changed_is_not_sent_again(fhir):
    seen = fhir.put(PATIENT)
    for headers in (
        {"if_none_match": seen.headers["etag"]},
        {"if_modified_since": seen.headers["last-modified"]},
    ):
        same = fhir.get("Patient/p1", **headers)
        assert (same.status_code, same.content) == (304, b"")
        assert same.headers["etag"] == seen.headers["etag"]
    assert fhir.get("Patient/p1", if_none_match='W/"7"').status_code == 200


def test_conditional_create(fhir, problem):
    known = PATIENT | {"identifier": [{"system": "urn:x", "value": "7"}]}
    first = fhir.post(known, if_none_exist="identifier=urn:x|7")
    again = fhir.post(known, if_none_exist="identifier=urn:x|7")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    fhir.post(known)
    several = fhir.post(known, if_none_exist="identifier=urn:x|7")
    assert several.status_code == 412
    assert problem(several)["our"] == "several-matches"
    assert fhir.post(known, if_none_exist="shoe-size=44").status_code == 400


def test_conditional_update_patch_and_delete(fhir, problem):
    known = {key: value for key, value in PATIENT.items() if key != "id"}
    known["identifier"] = [{"system": "urn:x", "value": "7"}]
    where = "Patient?identifier=urn:x%7C7"
    made = fhir.ask("PUT", where, known)
    assert made.status_code == 201
    ident = made.json()["id"]
    changed = fhir.ask("PUT", where, known | {"active": False})
    assert (changed.status_code, changed.json()["id"]) == (200, ident)
    assert fhir.ask("PUT", where, known | {"id": "other"}).status_code == 400
    patched = fhir.ask("PATCH", where, {"active": True}, content_type=MERGE_PATCH)
    assert (patched.status_code, patched.json()["active"]) == (200, True)
    assert fhir.ask("DELETE", where).status_code == 204
    assert fhir.get(f"Patient/{ident}").status_code == 410
    assert fhir.ask("PATCH", where, {"active": True}, content_type=MERGE_PATCH).status_code == 404
    for method in ("PUT", "PATCH", "DELETE"):
        whole = fhir.ask(method, "Patient", known)
        assert whole.status_code == 405
        assert problem(whole)["code"] == "not-supported"


def test_history_of_an_instance_a_type_and_the_system(fhir):
    fhir.put(PATIENT)
    fhir.put(PATIENT | {"active": False})
    fhir.put({"resourceType": "Group", "id": "g", "type": "person", "actual": True})
    fhir.ask("DELETE", "Patient/p1")
    one = fhir.get("Patient/p1/_history").json()
    assert (one["type"], one["total"]) == ("history", 3)
    assert [entry["request"]["method"] for entry in one["entry"]] == ["DELETE", "PUT", "PUT"]
    assert [entry["response"]["status"][:3] for entry in one["entry"]] == ["204", "200", "201"]
    assert fhir.get("Patient/_history").json()["total"] == 3
    assert fhir.get("_history").json()["total"] == 4
    assert fhir.get("Patient/p1/_history/1").json()["active"] is True
    assert fhir.get("Patient/p1/_history/2").json()["active"] is False
    assert fhir.get("Patient/p1/_history/3").status_code == 410
    assert fhir.get("Patient/p1/_history/4").status_code == 404
    assert fhir.get("Patient/nobody/_history").status_code == 404
    since = one["entry"][0]["response"]["lastModified"]
    assert fhir.get(f"_history?_since={since}").json()["total"] == 1
    first = fhir.get("_history?_count=3").json()
    (following,) = [link["url"] for link in first["link"] if link["relation"] == "next"]
    assert len(first["entry"]) == 3
    assert len(fhir.get(following).json()["entry"]) == 1


@pytest.mark.parametrize(
    ("kind", "patch"),
    [
        (JSON_PATCH, [{"op": "replace", "path": "/active", "value": False}]),
        (MERGE_PATCH, {"active": False}),
        (
            "application/fhir+json",
            {
                "resourceType": "Parameters",
                "parameter": [
                    {
                        "name": "operation",
                        "part": [
                            {"name": "type", "valueCode": "replace"},
                            {"name": "path", "valueString": "Patient.active"},
                            {"name": "value", "valueBoolean": False},
                        ],
                    }
                ],
            },
        ),
    ],
    ids=["json", "merge", "fhirpath"],
)
def test_the_three_patches(fhir, kind, patch):
    fhir.put(PATIENT)
    patched = fhir.ask("PATCH", "Patient/p1", patch, content_type=kind)
    assert patched.status_code == 200, patched.text
    assert patched.json()["active"] is False
    assert patched.headers["etag"] == 'W/"2"'
    assert fhir.ask("PATCH", "Patient/p1", patch, content_type=kind, if_match='W/"1"').status_code == 412
    assert fhir.ask("PATCH", "Patient/p2", patch, content_type=kind).status_code == 404
    assert fhir.ask("PATCH", "Patient/p1", patch, content_type="text/plain").status_code == 415


def test_a_patch_that_makes_it_invalid_changes_nothing(fhir):
    fhir.put(PATIENT)
    for patch in ({"active": "perhaps"}, {"id": "p2"}, {"resourceType": "Group"}):
        assert 400 <= fhir.ask("PATCH", "Patient/p1", patch, content_type=MERGE_PATCH).status_code < 500
    assert fhir.get("Patient/p1").headers["etag"] == 'W/"1"'


def test_what_a_client_prefers_to_get_back(fhir):
    assert fhir.put(PATIENT, prefer="return=minimal").content == b""
    assert fhir.put(PATIENT, prefer="return=representation").json()["id"] == "p1"


def test_validate_stores_nothing(fhir):
    good = fhir.ask("POST", "Patient/$validate", PATIENT)
    bad = fhir.ask("POST", "Patient/$validate", PATIENT | {"shoeSize": 44})
    assert good.status_code == bad.status_code == 200
    assert {issue["severity"] for issue in good.json()["issue"]} <= {"information", "warning"}
    assert "error" in {issue["severity"] for issue in bad.json()["issue"]}
    wrapped = {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": PATIENT}]}
    assert fhir.ask("POST", "Patient/p1/$validate", wrapped).json()["issue"][0]["severity"] == "information"
    assert fhir.get("_history").json()["total"] == 0


def test_everything_about_a_patient(fhir):
    fhir.put(PATIENT)
    fhir.put(PATIENT | {"id": "p2"})
    for ident, patient in (("o1", "p1"), ("o2", "p1"), ("o3", "p2")):
        fhir.put(_observation(ident, patient))
    found = fhir.get("Patient/p1/$everything").json()
    assert {entry["resource"]["id"] for entry in found["entry"]} == {"p1", "o1", "o2"}
    assert fhir.get("Patient/nobody/$everything").status_code == 404
    assert fhir.get("Group/p1/$everything").status_code == 404


def test_the_capability_statement_is_valid_and_true(fhir):
    response = fhir.get("metadata")
    found = response.json()
    assert [issue for issue in Validator(definitions()).check(found) if issue.severity == "error"] == []
    model = pytest.importorskip("fhir.resources.R4B.capabilitystatement").CapabilityStatement
    model.model_validate(found | {"fhirVersion": "4.3.0"})
    assert found["fhirVersion"] == "4.0.1"
    assert found["implementation"]["url"] == "http://127.0.0.1:8000/fhir"
    (rest,) = found["rest"]
    assert {one["type"] for one in rest["resource"]} == definitions().resource_types
    (patient,) = [one for one in rest["resource"] if one["type"] == "Patient"]
    for parameter in patient["searchParam"]:
        value = {"date": "2000", "token": "x", "string": "x", "reference": "Practitioner/x", "uri": "urn:x"}
        asked = fhir.get(
            f"Patient?{parameter['name']}={value.get(parameter['type'], '1')}", prefer="handling=strict"
        )
        assert asked.status_code == 200, (parameter, asked.text)


def test_the_address_of_links_is_the_host_that_was_asked(fhir):
    asked = fhir.get(
        "http://localhost:8000/fhir/Patient/", x_forwarded_host="evil.example", x_forwarded_proto="https"
    )
    assert asked.json()["link"][0]["url"] == "http://localhost:8000/fhir/Patient"


def test_a_slash_too_many_and_an_encoded_part(fhir):
    fhir.put(PATIENT)
    for path in ("Patient/p1/", "Patient//p1", "Patient/%70%31", "Patient/p1?_format=application/fhir+json"):
        assert fhir.get(path).status_code == 200, path
    assert fhir.get("Patient/%2570%2531").status_code == 404  # decoded once, not twice
    assert fhir.get("Patient%2Fp1").status_code == 400


def test_the_format_of_the_answer(fhir):
    fhir.put(PATIENT)
    for accept in (
        "*/*",
        "application/json",
        "application/fhir+json; fhirVersion=4.0",
        "text/html, */*;q=0.1",
    ):
        assert fhir.get("Patient/p1", accept=accept).status_code == 200
    for wanted in ("json", "application/json"):
        assert (
            fhir.get(f"Patient/p1?_format={wanted}&_pretty=true", accept="application/fhir+xml").status_code
            == 200
        )
    assert fhir.get("Patient/p1?_format=xml").status_code == 406
    assert fhir.get("Patient/p1", accept="application/fhir+xml").status_code == 406


def test_a_binary_as_the_bytes_it_holds(fhir, problem):
    film = bytes(range(256))
    made = fhir.ask("POST", "Binary", film, content_type="image/png", x_security_context="Patient/p1")
    assert made.status_code == 201, made.text
    ident = made.json()["id"]
    stored = fhir.get(f"Binary/{ident}").json()
    assert (stored["contentType"], stored["securityContext"]) == ("image/png", {"reference": "Patient/p1"})
    assert base64.b64decode(stored["data"]) == film
    for path in (f"Binary/{ident}", f"Binary/{ident}/_history/1"):
        raw = fhir.get(path, accept="image/png")
        assert raw.content == film
        assert raw.headers["content-type"] == "image/png"
        assert raw.headers["content-disposition"] == "attachment"
        assert "sandbox" in raw.headers["content-security-policy"]
        assert raw.headers["x-content-type-options"] == "nosniff"
    assert fhir.get(f"Binary/{ident}?_format=json", accept="image/png").json() == stored
    page = fhir.ask("PUT", "Binary/page", b"<script>", content_type="text/html")
    assert page.status_code == 201
    assert fhir.get("Binary/page", accept="text/html").headers["content-disposition"] == "attachment"
    odd = fhir.ask("POST", "Binary", b"x", content_type="rubbish")
    assert odd.status_code == 415
    problem(odd)


def _observation(ident, patient):
    return {
        "resourceType": "Observation",
        "id": ident,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "subject": {"reference": f"Patient/{patient}"},
        "valueQuantity": {"value": 70, "unit": "/min"},
    }
