"""Daily use over HTTP: the same documents as the command line, from real uploads."""

from __future__ import annotations

import base64
import io
import json
import tempfile

import numpy as np
import pytest
from PIL import Image

from suwen.core.task import DISCLAIMER
from suwen.lifecycle.discovery import all_tasks
from suwen.lifecycle.predict import predict_document


def test_tasks_are_listed_with_their_model(client, model):
    found = client.get("/api/tasks").json()["tasks"]
    assert [task["name"] for task in found] == sorted(all_tasks())
    one = client.get(f"/api/tasks/{model}").json()
    assert one in found
    assert one["deployed"]["source"] == "shipped"
    assert one["deployed"]["report"]["metrics"]["auroc"]["value"] > 0.9


def test_a_prediction_is_that_of_the_function(client, model, film, noise):
    response = client.post(
        f"/api/tasks/{model}/predict",
        files=[("files", ("a.png", film)), ("files", ("b.png", noise))],
        data={"patient": "p-001"},
    )
    assert response.status_code == 200, response.text
    body = response.json()
    assert body["disclaimer"] == DISCLAIMER
    first, second = body["results"]
    expected = predict_document(model, [film])["results"][0]
    assert first["probability"] == pytest.approx(expected["probability"], abs=1e-6)
    assert first["simulated"]
    assert first["input"] == "upload 1"
    assert second["abstained"] == "poor-quality"
    assert second["probability"] is None
    assert "Patient/p-001" in json.dumps(first["fhir"])


def test_one_file_may_come_alone_and_with_an_explanation(client, model, data_dir):
    picture = _real(data_dir)
    response = client.post(
        f"/api/tasks/{model}/predict", files={"file": ("x", picture)}, data={"method": "cam"}
    )
    (result,) = response.json()["results"]
    assert 0 <= result["interval"][0] <= result["probability"] <= result["interval"][1] <= 1
    assert result["explanation"]["method"] == "cam"
    assert result["explanation"]["unit"]


def test_an_explanation_carries_its_pictures(client, model, data_dir):
    response = client.post(f"/api/tasks/{model}/explain", files={"files": ("x", _real(data_dir))})
    (result,) = response.json()["results"]
    sizes = {}
    for kind in ("image", "heat", "overlay"):
        picture = Image.open(io.BytesIO(base64.b64decode(result[f"{kind}_png"])))
        sizes[kind] = picture.size
        assert picture.mode == "RGBA" if kind == "heat" else picture.mode in {"L", "RGB"}
    assert sizes["image"] == sizes["heat"]
    assert isinstance(result["explanation"]["faithfulness"], float)


def test_an_archive_of_too_many_samples_is_refused(client, model, problem):
    archive = io.BytesIO()
    np.savez(archive, test_images=np.zeros((40, 28, 28), np.uint8), test_labels=np.zeros((40, 1), np.uint8))
    response = client.post(f"/api/tasks/{model}/explain", files={"files": ("x", archive.getvalue())})
    assert response.status_code == 413
    assert problem(response)["our"] == "too-large"


def test_the_card_is_markdown(client, model):
    response = client.get(f"/api/tasks/{model}/card")
    assert response.headers["content-type"].startswith("text/markdown")
    assert DISCLAIMER in response.text


def test_pictures_to_try(client, model, problem):
    found = client.get(f"/api/tasks/{model}/samples").json()
    assert len(found) >= 2
    picture = client.get(found[0]["url"])
    assert picture.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(picture.content)).size[0] >= 28
    beyond = client.get(f"/api/tasks/{model}/samples/999")
    assert beyond.status_code == 404
    assert problem(beyond)["code"] == "not-found"


def _real(data_dir):
    archive = np.load(data_dir / "imaging" / "pneumoniamnist.npz", allow_pickle=False)
    out = io.BytesIO()
    Image.fromarray(archive["val_images"][0]).save(out, "PNG")
    return out.getvalue()


def test_a_large_upload_touches_no_temporary_file(client, model, monkeypatch):
    def written(*_: object) -> None:
        raise AssertionError("an upload was written to a temporary file")

    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", written)
    film = np.random.default_rng(0).integers(0, 255, (2000, 2000), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(film).save(buffer, "PNG")
    assert buffer.tell() > 2 * 2**20
    response = client.post(f"/api/tasks/{model}/predict", files=[("files", ("a.png", buffer.getvalue()))])
    assert response.status_code == 200, response.text
