"""One line a request, and a planted name nowhere."""

from __future__ import annotations

import io
import json
import logging
import warnings

import pydicom
import pytest

from suwen.server.logs import METHODS, configure

PLANTED = "ZHANGSAN"
FIELDS = {"request_id", "method", "route", "status", "duration_ms", "task", "outcome"}


@pytest.fixture
def log():
    root = logging.getLogger()
    own = logging.getLogger("suwen.server")
    before = root.handlers[:], root.level, own.level
    stream = io.StringIO()
    configure(stream)
    yield stream
    root.handlers[:], level, own.level = before
    root.setLevel(level)
    logging.captureWarnings(False)


def _lines(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def _named_dicom() -> bytes:
    dataset = pydicom.Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1.1", "1.2.3"
    dataset.Modality, dataset.PatientName, dataset.PatientID = "DX", PLANTED, PLANTED
    dataset.PatientBirthDate = "19990101"
    dataset.Rows = dataset.Columns = 64
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    dataset.PixelData = bytes(64 * 64)
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def test_a_line_says_what_was_asked_and_how_it_went(client, log, model, film):
    client.post(f"/api/tasks/{model}/predict?who={PLANTED}", files={"files": film})
    (line,) = _lines(log)
    assert set(line) >= FIELDS | {"time", "level"}
    assert line["route"] == "/api/tasks/{task}/predict"
    assert (line["method"], line["status"], line["task"]) == ("POST", 200, model)
    assert line["outcome"]
    assert line["duration_ms"] > 0


def test_a_planted_name_is_in_no_log_and_no_diagnostics(client, log, model, film):
    dicom = _named_dicom()
    requests = [
        ("POST", f"/api/tasks/{model}/predict", {"files": (f"{PLANTED}.dcm", dicom)}, {}),
        ("POST", f"/api/tasks/{model}/predict", {"files": (f"{PLANTED}.dcm", dicom[:700])}, {}),
        ("POST", f"/api/tasks/{model}/predict", {"files": (f"{PLANTED}.png", b"")}, {}),
        ("POST", f"/api/tasks/{model}/explain", {"files": (f"{PLANTED}.png", film)}, {"patient": PLANTED}),
        ("POST", f"/api/tasks/{model}/explain", {"files": film}, {"patient": f"{PLANTED} /"}),
        ("POST", f"/api/tasks/{model}/explain", {"files": film}, {"method": PLANTED}),
        ("POST", f"/api/tasks/{PLANTED}/explain", {"files": film}, {}),
        ("GET", f"/{PLANTED}", None, None),
        ("GET", f"/api/jobs/{PLANTED}", None, None),
        (PLANTED, "/api/tasks", None, None),
    ]
    for method, url, files, data in requests:
        headers = {"X-Patient": PLANTED, "User-Agent": PLANTED, "X-Request-Id": PLANTED}
        response = client.request(method, f"{url}?name={PLANTED}", files=files, data=data, headers=headers)
        assert PLANTED not in str(response.headers)
        if response.status_code >= 400:
            assert PLANTED not in response.json()["issue"][0].get("diagnostics", "")
    assert len(_lines(log)) == len(requests)
    assert PLANTED not in log.getvalue()
    assert {line["method"] for line in _lines(log)} <= METHODS | {"OTHER"}
    assert PLANTED not in client.get("/metrics").text


def test_an_unexpected_error_is_logged_by_type_and_place(client, log, monkeypatch, model, film):
    def fails(*_, **__):
        raise ZeroDivisionError(f"{PLANTED} is in this message")

    monkeypatch.setattr("suwen.lifecycle.predict.predict_document", fails)
    response = client.post(f"/api/tasks/{model}/predict", files={"files": film})
    incident, request = _lines(log)
    assert incident["error"] == "ZeroDivisionError"
    assert incident["incident"] in response.json()["issue"][0]["diagnostics"]
    assert incident["called_at"].startswith("suwen/server/tasks.py:")
    assert request["outcome"] == "internal"
    assert PLANTED not in log.getvalue()


def test_messages_of_other_libraries_are_withheld(log):
    logging.getLogger("pydicom").warning("the name is %s", PLANTED)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(f"the name is {PLANTED}", stacklevel=1)
    first, second = _lines(log)
    assert first["logger"] == "pydicom"
    assert second["logger"] == "py.warnings"
    assert PLANTED not in log.getvalue()
