"""A plan's page: complete, self-contained, escaped, small, and with the patient's left on the left."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
import zlib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.errors import BadInput
from suwen.formats.volume.phantom import head_phantom
from suwen.formats.volume.volume import Volume
from suwen.lifecycle.plan_page import SCRIPT, policy, render
from suwen.lifecycle.plan_page_data import MOST_FRAMES, embedded, film_frames, risk_points
from suwen.lifecycle.plan_page_grid import keep_out, plate_of
from suwen.lifecycle.plan_page_palette import BODY, REST, structures
from suwen.lifecycle.plan_page_style import CSS
from suwen.lifecycle.plan_page_words import place, verdict

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>&\"'\u2028"
ENTRY, TARGET = [40.0, -20.0, 66.0], [12.0, 8.0, -8.0]


def plan(**changes: Any) -> dict[str, Any]:
    """A small document with everything in it; made up, so that every figure is known."""
    length = float(np.linalg.norm(np.subtract(TARGET, ENTRY)))
    arc = np.linspace(0, length, 60)
    clearance = 3 + 0.2 * (length - arc)
    entry, target = np.array(ENTRY), np.array(TARGET)
    frames = [
        {
            "t_s": round(0.1 * n, 3),
            "joints_lps_mm": [
                [300, 0, 300],
                [200, 0, 300],
                [*(target + (entry - target) * (1 - n / 20) * 1.3)],
            ],
            "tip_lps_mm": [*(target + (entry - target) * (1 - n / 20) * 1.3)],
            "error_mm": 0.01 + 0.001 * n,
            "inside": n > 4,
        }
        for n in range(21)
    ]
    document = {
        "task": "surgery.path",
        "title": "Certified path",
        "disclaimer": "Research and decision support.",
        "simulated": True,
        "found": True,
        "sentence": "certified: 86.2 mm, never less than 3.00 mm from left_lateral_ventricle",
        "image": {"sha256": "a" * 64, "shape": [48, 56, 52], "spacing_mm": [4.0, 4.0, 4.0], "frame": "LPS"},
        "instrument": {"radius_mm": 0.65, "kind": "free"},
        "margin": {"margin_mm": 1.5, "coverage": 0.95, "contributions": [{"name": "tracking", "mm": 0.25}]},
        "entry_lps_mm": ENTRY,
        "target_lps_mm": TARGET,
        "path_lps_mm": [ENTRY, TARGET],
        "length_mm": length,
        "cost": length,
        "blocked_by": [],
        "certificate": {
            "holds": True,
            "clearance_mm": 3.0,
            "clearance_lower_bound_mm": 2.99,
            "nearest": "left_lateral_ventricle",
            "at_lps_mm": TARGET,
            "curve": {
                "arc_mm": arc.tolist(),
                "clearance_mm": clearance.tolist(),
                "nearest": ["superior sagittal sinus" if at < 30 else "left_lateral_ventricle" for at in arc],
            },
            "structures": [
                {
                    "label": 4,
                    "name": "left_lateral_ventricle",
                    "clearance_mm": 3.0,
                    "margin_mm": 1.5,
                    "holds": True,
                },
                {
                    "label": 8,
                    "name": "superior sagittal sinus",
                    "clearance_mm": 9.0,
                    "margin_mm": 1.5,
                    "holds": True,
                },
                {
                    "label": 10,
                    "name": "left cortical vein",
                    "clearance_mm": 1.2,
                    "margin_mm": 1.5,
                    "holds": False,
                },
            ],
        },
        "alternatives": [],
        "motion": {
            "duration_s": 2.0,
            "tip_error_mm": {"max": 0.03, "p95": 0.028, "rms": 0.02},
            "rcm_drift_mm": {"max": 0.02, "p95": 0.018, "rms": 0.01},
            "limits_exceeded": [],
            "stop_ms": 5.0,
            "film": {"frames": frames},
        },
        "chain": {
            "steps": [
                {"kind": "image", "sha256": "1" * 64, "previous": ""},
                {"kind": "plan", "sha256": "2" * 64, "previous": "3" * 64},
            ],
            "signature": "c2lnbmVk",
            "key": "a2V5",
        },
        "provenance": {
            "model": "surgery.path@1",
            "code_version": "0.1.0",
            "created_at": "2026-01-02T03:04:05+00:00",
        },
    }
    return document | changes


def phantom(**options: Any) -> Volume:
    """The head, coarse."""
    return head_phantom(**{"shape": (48, 56, 52), "spacing_mm": (4.0, 4.0, 4.0)} | options)


class Read(HTMLParser):
    """Tags, attributes and the text of a page; its data as the browser would see it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self._in = ""
        self._open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in = tag if tag in {"script", "style"} else ""
        if tag == "script":
            self.scripts.append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in == "script":
            attributes, before = self.scripts[-1]
            self.scripts[-1] = (attributes, before + data)
        elif not self._in:
            self.text.append(data)

    @property
    def words(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.text))

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            next(text for one, text in self.scripts if one.get("id") == "scene-data")
        )
        return found

    def array(self, ref: dict[str, Any]) -> Any:
        blob = next(text for one, text in self.scripts if one.get("id") == "scene-blobs")
        kinds = {"u1": "<u1", "i1": "<i1", "u2": "<u2", "i2": "<i2", "u4": "<u4"}
        return np.frombuffer(
            zlib.decompress(base64.b64decode(blob)), kinds[ref["type"]], ref["count"], ref["at"]
        )

    def labels(self) -> Any:
        """(z, y, x) and the names of its values."""
        plate = self.data["plate"]
        return self.array(plate["labels"]).reshape(plate["shape"][::-1]), plate["names"]


def test_the_page_says_the_verdict_and_every_number_with_its_unit() -> None:
    words = Read(render(plan(), phantom())).words
    for said in (
        "✓ Certified", "SIMULATED DATA", "never less than 3.00 mm from left lateral ventricle", "1.50 mm", "86.2 mm",
        "2.99 mm", "0.030 mm", "0.020 mm", "5 ms", "Decision support and simulation only.", "no limit exceeded",
        "L 12.0 · P 8.0 · I 8.0 mm", "superior sagittal sinus", "tracking", "✕ too near", "radius 0.65 mm",
    ):  # fmt: skip
        assert said in words, said


@pytest.mark.parametrize(
    ("changes", "level", "chip", "part"),
    [
        ({}, "calm", "✓ Certified", "never less than"),
        (
            {
                "sentence": None,
                "certificate": {"holds": False, "reasons": ["the vein is nearer than its margin"]},
            },
            "alarm",
            "✕ Refused",
            "the vein is nearer than its margin",
        ),
        (
            {
                "found": False,
                "sentence": None,
                "certificate": None,
                "blocked_by": [{"label": 2, "name": "left_wall"}],
            },
            "alarm",
            "✕ No path",
            "No path: left wall leaves no way.",
        ),
        ({"certificate": None, "sentence": None}, "open", "Not certified", "not available"),
    ],
)
def test_the_verdict(changes: dict[str, Any], level: str, chip: str, part: str) -> None:
    found = verdict(plan(**changes))
    assert found[:2] == (level, chip)
    assert part in found[2]
    assert chip in Read(render(plan(**changes), phantom())).words


def test_what_is_absent_is_said_to_be_not_available() -> None:
    bare = Read(render({}, None))
    assert bare.words.count("not available") >= 8
    assert "Not certified" in bare.words
    assert not [tag for tag, _ in bare.tags if tag == "canvas"]
    some = Read(render(plan(motion=None, chain=None, margin=None), None))
    assert "without the label volume" in some.words
    assert "The chain of hashes is not available" in some.words
    assert [one["id"] for tag, one in some.tags if tag == "canvas"] == ["solid", "over"]


@pytest.mark.parametrize("key", sorted(plan()))
def test_any_key_may_be_missing(key: str) -> None:
    document = plan()
    del document[key]
    page = render(document, phantom())
    assert page.count("<figure") == 4
    read = Read(page)
    assert not re.search(r"\b(nan|None|inf)\b", read.words, re.IGNORECASE)
    assert "NaN" not in next(text for one, text in read.scripts if one.get("id") == "scene-data")


def test_nothing_is_fetched_and_only_this_program_may_run() -> None:
    page = render(plan(), phantom())
    read = Read(page)
    assert not re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", page.split('id="scene-blobs"')[0])
    for _, attributes in read.tags:
        assert not {"src", "href", "style", "action", "srcset"} & set(attributes)
        assert not [name for name in attributes if name.startswith("on")]
    said = next(
        one["content"] for tag, one in read.tags if one.get("http-equiv") == "Content-Security-Policy"
    )
    assert said == policy()
    assert "'unsafe" not in str(said)
    for text in (SCRIPT, CSS):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in str(said)
        assert text in page
    assert "</script" not in SCRIPT
    assert "</style" not in CSS
    html = next(attributes for tag, attributes in read.tags if tag == "html")
    assert html["lang"] == "en"


def test_names_that_are_markup_stay_names() -> None:
    volume = phantom()
    evil = Volume(
        array=volume.array,
        affine_lps=volume.affine_lps,
        kind="labels",
        names={**volume.names, 4: EVIL, 8: EVIL},
    )
    document = plan()
    for one in document["certificate"]["structures"]:
        one["name"] = EVIL
    document["certificate"]["nearest"] = EVIL
    document["certificate"]["curve"]["nearest"] = [EVIL] * 60
    document |= {
        "title": EVIL,
        "sentence": EVIL,
        "disclaimer": EVIL,
        "blocked_by": [{"label": 8, "name": EVIL}],
    }
    document["certificate"]["reasons"] = [EVIL]
    document["chain"]["steps"][0]["kind"] = EVIL
    document["provenance"] = {EVIL: EVIL, "model": EVIL}
    document["margin"]["contributions"] = [{"name": EVIL, "stated": EVIL}]
    read = Read(render(document, evil))
    assert len(read.scripts) == 3
    assert not [tag for tag, _ in read.tags if tag == "img"]
    assert read.scripts[-1][1] == SCRIPT
    assert any("</script>" in name for name in read.data["plate"]["names"])
    assert json.loads(embedded({"a": EVIL})) == {"a": EVIL}


@pytest.mark.parametrize(
    "directions",
    [
        np.eye(3),
        np.diag([-1.0, -1.0, 1.0]),
        np.array([[0.0, 0, 1], [1, 0, 0], [0, -1, 0]]),
        np.diag([-1.0, 1.0, 1.0]),
        np.array([[0.96, -0.28, 0.0], [0.28, 0.96, 0.0], [0.0, 0.0, 1.0]]),
    ],
    ids=["lps", "ras", "permuted", "mirrored", "oblique"],
)
def test_left_is_left_however_the_volume_is_stored(directions: Any) -> None:
    shape = (60, 60, 60)
    read = Read(render(plan(), phantom(directions=directions, shape=shape)))
    values, names = read.labels()
    plate = read.data["plate"]

    def middle(name: str) -> Any:
        where = np.argwhere(values == names.index(name)).mean(axis=0)[::-1]
        return np.array(plate["origin"]) + plate["spacing"] * where

    assert middle("left lateral ventricle") == pytest.approx([12, 4, 14], abs=2.0)
    assert middle("right lateral ventricle") == pytest.approx([-12, 4, 14], abs=2.0)
    assert middle("tumour of the right frontal lobe") == pytest.approx([-30, -42, 22], abs=2.0)
    mesh = next(one for one in read.data["structures"] if one["key"] == "4")
    points = read.array(mesh["points"]).reshape(-1, 3) * mesh["step"] + mesh["centre"]
    assert points.mean(axis=0) == pytest.approx([12, 4, 14], abs=2.5)
    faces = read.array(mesh["triangles"]).reshape(-1, 3)
    first, second, third = (points[faces[:, corner]] - points.mean(axis=0) for corner in range(3))
    assert (first * np.cross(second, third)).sum() > 0  # outside out, so that light falls on it


def test_the_margin_on_the_slices_is_the_certificates() -> None:
    """The zero of the keep-out field is margin and radius away from the boxes of the structures."""
    volume = phantom()
    spare = keep_out(plan(), volume)
    assert spare is not None
    inside = np.isin(volume.array, [4, 8, 10])
    assert (spare[inside] == round(-(1.5 + 0.65) * 20)).all()
    at = np.argwhere(volume.array == 4)
    top = at[at[:, 2].argmax()]
    above = tuple(np.add(top, [0, 0, 1]))  # its centre is half a voxel, 2 mm, from the box below
    assert spare[above] == pytest.approx((2.0 - 2.15) * 20, abs=1)
    assert keep_out(plan(certificate=None, question=None), volume) is None


def test_structures_shown_are_those_that_matter() -> None:
    volume = phantom()
    shown = structures(plan(), volume, body=False)
    assert [one.role for one in shown] == ["target", "critical", "critical", "critical", REST, BODY]
    assert shown[0].name == "left subthalamic nucleus"
    assert [one.key for one in shown[1:4]] == ["10", "4", "8"]  # the least to spare first
    assert len({one.colour for one in shown}) == len(shown)
    big = structures(plan(target_lps_mm=[0, 0, 40]), volume, body=False)  # in the brain: no target structure
    assert "target" not in [one.role for one in big]
    blocked = structures(plan(blocked_by=[{"label": 2, "name": "skull"}]), volume, body=True)
    assert blocked[0].role == "blocks"
    assert blocked[-1].role == BODY
    assert blocked[-1].labels == ()


def test_a_body_and_an_image_are_drawn() -> None:
    volume = phantom()
    body = volume.array > 0
    greys = np.where(volume.array > 0, 100.0 + volume.array, np.nan).astype(np.float32)
    read = Read(
        render(
            plan(), volume, body=body, image=Volume(array=greys, affine_lps=volume.affine_lps, kind="image")
        )
    )
    plate = read.data["plate"]
    picture = np.cumsum(read.array(plate["image"]), dtype=np.uint8).reshape(plate["shape"][::-1])
    values, names = read.labels()
    assert picture[values == names.index("left lateral ventricle")].std() == 0
    assert picture[0, 0, 0] == 0
    assert picture.max() == 255
    assert read.data["structures"][-1]["key"] == BODY
    with pytest.raises(BadInput) as caught:
        render(plan(), volume, body=body[1:])
    assert caught.value.code == "wrong-shape"
    with pytest.raises(BadInput):
        render(plan(), None, body=body)


def test_films_of_either_form_are_read_and_long_ones_thinned() -> None:
    frames = [{"t_s": n / 30, "at": [[0, 0, n], [1, 0, n]], "error_mm": None} for n in range(1_000)]
    found = film_frames({"motion": {"film": {"frames": frames}}})
    assert len(found) <= MOST_FRAMES
    assert (found[0]["t"], found[-1]["t"]) == (0, 999 / 30)
    assert found[0]["at"] == [[0, 0, 0], [1, 0, 0]]
    assert film_frames(plan())[3]["at"][-1] == plan()["motion"]["film"]["frames"][3]["tip_lps_mm"]
    assert film_frames({"motion": {"film": {"frames": [{"t_s": 1}]}}}) == []


def test_trajectories_have_candidates_and_a_risk_map() -> None:
    candidates = [
        {
            "entry_lps_mm": [n, -20, 80], "target_lps_mm": TARGET, "score": 0.1 * n, "clearance_mm": 4 - 0.1 * n,
            "angle_deg": 12.0, "length_mm": 90.0, "feasible": n < 3, "reasons": [] if n < 3 else ["too_oblique"],
        }
        for n in range(50)
    ]  # fmt: skip
    risk = {"points": [{"lps_mm": [n, 0, 80], "value": n / 10} for n in range(10)]}
    read = Read(render(plan(alternatives=candidates, risk=risk), phantom()))
    assert "too oblique" in read.words
    assert "The first 40 of 50." in read.words
    assert len(read.data["candidates"]) == 40
    assert [one["feasible"] for one in read.data["candidates"][:4]] == [True, True, True, False]
    assert read.data["risk"][3] == [3, 0, 80, 0.3]
    assert len(risk_points({"risk_map": risk["points"]})) == 10
    assert risk_points({"risk": {"weights": {"4": 2}}}) == []


def test_the_plate_holds_the_anatomy_and_stays_small() -> None:
    volume = phantom()
    far = [0.0, 0.0, 5_000.0]
    plate = plate_of(volume, volume.array > 0, [TARGET, [0, 0, 110], far])
    top = plate.origin_lps_mm + plate.spacing_mm * (np.array(plate.shape) - 1)
    assert (top >= [77, 97, 110]).all()
    assert top[2] < 200
    assert (plate.origin_lps_mm <= [-77, -97, -87]).all()
    fine = plate_of(volume, volume.array > 0, [], finest_mm=0.01)
    assert fine.spacing_mm == 4.0
    sampled = plate.sampled(volume.array, volume)
    assert sampled.shape == plate.shape[::-1]
    assert (sampled > 0).sum() == (volume.array > 0).sum()  # the same voxels, none twice, none lost


def test_places_are_told_in_the_letters_of_the_patient() -> None:
    assert place([1, -2, -3.25]) == "L 1.0 · A 2.0 · I 3.2 mm"
    assert place([-1, 2, 3]) == "R 1.0 · P 2.0 · S 3.0 mm"
    assert place(None) == "not available"


def test_the_same_plan_makes_the_same_page_and_is_not_changed() -> None:
    document, volume = plan(), phantom()
    before = copy.deepcopy(document)
    assert render(document, volume) == render(document, volume)
    assert document == before


def test_a_real_head_makes_a_small_page(data_dir: Path) -> None:
    from suwen.formats.surgical.reading import on_grid_of
    from suwen.formats.volume.read import read_volume

    folder = data_dir / "surgery" / "anatomy" / "spl_head"
    head = read_volume(folder / "hncma-atlas.nrrd", kind="labels", names=folder / "hncma-atlas-lut.ctbl")
    body = on_grid_of(read_volume(folder / "skin.nrrd", kind="labels"), head) > 0
    critical = [
        {
            "label": label,
            "name": head.name_of(label),
            "clearance_mm": 5.0 + label,
            "margin_mm": 1.3,
            "holds": True,
        }
        for label in (4, 5, 15, 24, 35, 43, 44, 77, 78, 85, 215, 216)
    ]
    document = plan(target_lps_mm=[8.0, 1.0, -10.0])
    document["certificate"]["structures"] = critical
    page = render(document, head, body=body)
    assert len(page.encode()) < 3_000_000
    read = Read(page)
    assert len(read.data["structures"]) == 15
    triangles = sum(one["triangles"]["count"] // 3 for one in read.data["structures"])
    assert triangles <= 60_000
    values, names = read.labels()
    there = np.argwhere(values == names.index("left subthalamic nucleus")).mean(axis=0)[::-1]
    lps = np.array(read.data["plate"]["origin"]) + read.data["plate"]["spacing"] * there
    assert lps[0] > 5  # the patient's left
