"""Bad requests: our code, a sentence, what to do, and nothing left behind."""

from __future__ import annotations

import io

import numpy as np
import pydicom
import pytest
from PIL import Image

from suwen.server import uploads
from suwen.server.guard import MAX_JSON_BYTES, MAX_REQUEST_BYTES


def _upload(client, task, content, **kwargs):
    return client.post(f"/api/tasks/{task}/predict", files={"files": ("film.dcm", content)}, **kwargs)


def _dicom_0x0() -> bytes:
    dataset = pydicom.Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    dataset.SOPInstanceUID = "1.2.3"
    dataset.Modality = "DX"
    dataset.Rows, dataset.Columns = 0, 0
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 422),
        (b"<!doctype html><html><body>not found</body></html>", 422),
        (b"\x89PNG\r\n\x1a\n", 422),
        (b"\0" * 5000, 422),
        (_dicom_0x0(), 422),
    ],
    ids=["empty", "html-named-dcm", "png-head-alone", "zeros", "dicom-0x0"],
)
def test_an_unreadable_upload(client, model, problem, content, status):
    response = _upload(client, model, content)
    assert response.status_code in {400, status}, response.text
    issue = problem(response)
    assert issue["diagnostics"]
    assert "film.dcm" not in response.text


def test_a_truncated_upload(client, model, problem, film):
    response = _upload(client, model, film[: len(film) // 2])
    assert response.status_code == 422
    assert problem(response)["code"] == "structure"


def test_an_array_with_nan(client, model, problem):
    out = io.BytesIO()
    np.savez(out, image=np.full((64, 64), np.nan, np.float32))
    assert _upload(client, model, out.getvalue()).status_code in {400, 422}


def test_four_channels_and_sixteen_bits_are_refused(client, model):
    for mode in ("RGBA", "I;16"):
        out = io.BytesIO()
        Image.new(mode, (80, 80)).save(out, "PNG")
        response = _upload(client, model, out.getvalue())
        assert response.status_code in {400, 422}


def test_an_upload_above_the_limit(client, model, problem, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_UPLOAD_BYTES", 2**20)
    response = _upload(client, model, b"\0" * (2**20 + 1))
    assert response.status_code == 413
    issue = problem(response)
    assert issue["code"] == "too-long"
    assert "1 MB" in issue["details"]["text"]


def test_a_request_that_announces_too_much_is_refused_unread(client, model, problem):
    response = client.post(
        f"/api/tasks/{model}/predict",
        content=b"",
        headers={
            "content-type": "multipart/form-data; boundary=x",
            "content-length": str(MAX_REQUEST_BYTES + 1),
        },
    )
    assert response.status_code == 413
    assert problem(response)["our"] == "too-large"


def test_a_body_that_does_not_announce_its_size_is_cut_off(client, problem):
    async def endless():
        for _ in range(2 * MAX_JSON_BYTES // 65536):
            yield b" " * 65536

    response = client.post("/api/tasks/imaging.pneumonia/train", content=endless())
    assert response.status_code == 413
    assert problem(response)["our"] == "too-large"


def test_too_many_files(client, model, problem):
    response = client.post(
        f"/api/tasks/{model}/predict", files=[("files", (str(n), b"x")) for n in range(33)]
    )
    assert response.status_code == 400
    assert problem(response)["our"] == "too-many-files"


def test_no_file(client, model, problem):
    response = client.post(f"/api/tasks/{model}/predict", data={"patient": "x"}, files={"other": b"x"})
    assert response.status_code == 400
    assert problem(response)["our"] == "no-file"


@pytest.mark.parametrize("kwargs", [{"json": {"files": []}}, {"content": b"\x89PNG"}, {"data": {"a": "b"}}])
def test_a_body_that_is_no_form_with_files(client, model, problem, kwargs):
    response = client.post(f"/api/tasks/{model}/predict", **kwargs)
    assert response.status_code == 415
    assert "multipart" in problem(response)["details"]["text"]


def test_a_broken_form(client, model, problem):
    response = client.post(
        f"/api/tasks/{model}/predict",
        content=b"rubbish",
        headers={"content-type": "multipart/form-data; boundary=x"},
    )
    assert response.status_code == 400
    problem(response)


def test_an_unknown_task_names_the_nearest(client, problem, film):
    for response in (
        client.get("/api/tasks/imaging.pneumonai"),
        client.get("/api/tasks/imaging.pneumonai/card"),
        client.post("/api/tasks/imaging.pneumonai/predict", files={"files": film}),
    ):
        assert response.status_code == 404
        issue = problem(response)
        assert issue["our"] == "unknown-task"
        assert "'imaging.pneumonia'" in issue["diagnostics"]


def test_an_unknown_method_names_the_nearest(client, model, problem, film):
    response = client.post(f"/api/tasks/{model}/explain", files={"files": film}, data={"method": "oclusion"})
    assert response.status_code == 400
    assert "occlusion" in problem(response)["diagnostics"]


def test_a_patient_id_that_is_none(client, model, problem, film):
    response = client.post(
        f"/api/tasks/{model}/predict", files={"files": film}, data={"patient": "Zhang San / 7"}
    )
    assert response.status_code == 400
    assert problem(response)["our"] == "bad-patient-id"
    assert "Zhang" not in response.text


def test_a_task_without_a_model(client, problem, film):
    response = client.post("/api/tasks/imaging.breast/predict", files={"files": film})
    assert response.status_code == 404
    assert problem(response)["our"] == "no-model"


def test_an_unknown_route_and_a_wrong_method(client, problem):
    for path in ("/nope", "/api", "/static/../app.py", "/static/nope.js"):
        assert client.get(path).status_code == 404
        problem(client.get(path))
    wrong = client.request("PUT", "/api/tasks")
    assert wrong.status_code == 405
    assert problem(wrong)["our"] == "wrong-method"
    assert wrong.headers["allow"] == "GET"


def test_an_unexpected_error_gives_an_incident_and_no_message(client, problem, monkeypatch, film, model):
    def fails(*_, **__):
        raise ZeroDivisionError("ZHANG^SAN is in this message")

    monkeypatch.setattr("suwen.lifecycle.predict.predict_document", fails)
    response = client.post(f"/api/tasks/{model}/predict", files={"files": film})
    assert response.status_code == 500
    issue = problem(response)
    assert issue["our"] == "internal"
    assert issue["code"] == "exception"
    assert "ZHANG" not in response.text
    assert "ZeroDivision" not in response.text
