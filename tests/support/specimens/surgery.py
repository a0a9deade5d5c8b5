"""Surgical questions: cases on simulated heads, plans to follow, fiducials to register; and all that is bad."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from specimens.base import PAGE, Bad, Source, Specimen
from suwen.formats.volume.phantom import head_phantom
from suwen.formats.volume.volume import Volume
from suwen.formats.volume.write import nifti_bytes, nrrd_bytes

CRITICAL = ["*ventricle*", "*artery", "*vein", "*sinus"]
CASE: dict[str, Any] = {
    "labels": "head.nrrd",
    "body": ["*"],
    "frame": "LPS",
    "target": {"structure": "left subthalamic nucleus"},
    "critical": CRITICAL,
}


@cache
def head(scale: float = 1.0) -> Volume:
    """A coarse head."""
    return head_phantom(shape=(42, 52, 48), spacing_mm=(4.0, 4.0, 4.0), scale=scale)


def zipped(document: Mapping[str, Any], volume: bytes, name: str = "head.nrrd") -> bytes:
    """A case with its volume, the same bytes each time."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in (("case.json", json.dumps(document).encode()), (name, volume)):
            archive.writestr(zipfile.ZipInfo(member), content)
    return out.getvalue()


def case(scale: float = 1.0, **changes: Any) -> bytes:
    """A case; ``None`` takes a field away."""
    document = {key: value for key, value in (CASE | changes).items() if value is not None}
    return zipped(document, nrrd_bytes(head(scale)))


def _header(text: bytes, old: bytes, new: bytes) -> bytes:
    assert old in text
    return text.replace(old, new, 1)


@cache
def bad_cases() -> dict[str, Bad]:
    """What the issue names, and what else happens to cases."""
    volume = head()
    whole = nrrd_bytes(volume)
    plain = nifti_bytes(volume, packed=False)
    five = bytearray(plain)
    five[40:56] = np.array([5, 42, 52, 48, 1, 3, 1, 1], "<i2").tobytes()
    broken = bytearray(plain)
    broken[280:284] = np.array([np.nan], "<f4").tobytes()
    empty = plain[:352] + bytes(len(plain) - 352)
    point = [12.0, 8.0, -8.0]
    bad: dict[str, tuple[bytes, set[str]]] = {
        "empty": (b"", {"empty-file"}),
        "web page": (PAGE, {"bad-json"}),
        "cut archive": (case()[:-40], {"truncated"}),
        "no document": (_without_document(), {"no-case"}),
        "not an object": (json.dumps([1]).encode(), {"bad-json"}),
        "files of this machine": (
            json.dumps(CASE | {"labels": "/etc/passwd"}).encode(),
            {"not-found", "unknown-format"},
        ),
        "unknown field": (case(tarfet="x"), {"unknown-field"}),
        "no target": (case(target=None), {"missing-target"}),
        "no labels": (case(labels=None), {"missing-labels"}),
        "labels not there": (case(labels="other.nrrd"), {"not-found"}),
        "nothing critical": (case(critical=None), {"missing-critical"}),
        "nothing critical in the list": (case(critical=[]), {"missing-critical"}),
        "unknown structure": (case(critical=["spleen"]), {"unknown-structure"}),
        "critical without voxels": (case(critical=[77]), {"unknown-structure", "empty-structure"}),
        "no frame": (case(frame=None, target=point), {"missing-frame"}),
        "wrong frame": (case(frame="LSP", target=point), {"missing-frame"}),
        "wrong unit": (case(unit="inch", target=point), {"wrong-unit"}),
        "target outside": (case(target=[0, 0, 900]), {"outside-image"}),
        "target NaN": (case(target=[0, 0, float("nan")]), {"bad-point"}),
        "target of two numbers": (case(target=[0, 0]), {"bad-point"}),
        "entry in the air": (case(entry=[80, 100, 90]), {"entry-outside-body"}),
        "entry is the target": (case(entry=point, target=point), {"same-place"}),
        "metres taken for mm": (
            case(entry=[0.012, 0.09, -0.008], target=[0.012, 0.008, -0.008]),
            {"same-place"},
        ),
        "no entry and no body": (case(body=None), {"missing-entry"}),
        "rigid": (case(instrument={"kind": "rigid"}), {"not-a-path"}),
        "steerable without a radius": (case(instrument={"kind": "steerable"}), {"bad-instrument"}),
        "instrument of lead": (case(instrument={"radius_mm": -1}), {"bad-instrument"}),
        "negative weight": (case(weights={"brain": -1}), {"bad-weight"}),
        "impossible registration": (case(registration_tre_mm=-1), {"bad-registration"}),
        "empty labels": (zipped(CASE | {"labels": "h.nii"}, empty, "h.nii"), {"empty-labels"}),
        "NaN affine": (zipped(CASE | {"labels": "h.nii"}, bytes(broken), "h.nii"), {"not-finite"}),
        "five dimensions": (
            zipped(CASE | {"labels": "h.nii"}, bytes(five), "h.nii"),
            {"not-three-dimensional"},
        ),
        "no space": (
            zipped(CASE, _header(whole, b"space: left-posterior-superior\n", b"")),
            {"missing-frame"},
        ),
        "no directions": (
            zipped(CASE, _line_away(whole, b"space directions:")),
            {"missing-orientation"},
        ),
        "truncated volume": (zipped(CASE, whole[:-200]), {"truncated"}),
        "not a volume": (zipped(CASE, b"hello"), {"unknown-format"}),
    }
    return {name: ("bad.case.zip", content, codes) for name, (content, codes) in bad.items()}


def _without_document() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("head.nrrd", b"x")
    return out.getvalue()


def _line_away(text: bytes, start: bytes) -> bytes:
    head_, _, body = text.partition(b"\n\n")
    return b"\n".join(line for line in head_.split(b"\n") if not line.startswith(start)) + b"\n\n" + body


@dataclass(frozen=True, kw_only=True)
class Computed(Specimen):
    """What tasks that learn nothing have in common."""

    quick: Mapping[str, Any] = field(default_factory=lambda: {"mlflow": False, "shortcut_probe": False})
    little: Mapping[str, Any] = field(default_factory=dict)
    leading: str = "certified_fraction"
    methods: tuple[str, ...] = ("shapley",)
    wrong_method: tuple[str, str] = ("shaply", "shapley")
    misspelt: Mapping[str, str] = field(default_factory=lambda: {"accept_leekage": "accept_leakage"})
    out_of_range: Sequence[tuple[str, str]] = (
        ("validation_fraction", "0.9"), ("operating_point", "sensitivity=0.95"), ("coverage", "2"),
    )  # fmt: skip
    killed_at: int = 4
    learns: bool = False

    def explained_files(self, refused: int) -> set[str]:
        """The document alone: a plan has its own page."""
        return {"explain.json"}

    def sources(self, folder: Path, source: Source) -> dict[str, tuple[Path, set[str]]]:
        """Sources without a question."""
        (folder / "hollow").mkdir()
        (folder / "page").mkdir()
        name = source.items[0].name
        (folder / "page" / name).write_bytes(PAGE)
        return {
            "missing": (folder / "nowhere", {"not-found"}),
            "hollow folder": (folder / "hollow", {"empty-folder"}),
            "nothing readable": (folder / "page", {"bad-input", "too-few-subjects"}),
            "one file that is none": (folder / "page" / name, {"bad-json", "unreadable"}),
        }

    prepared_nonetheless: frozenset[str] = frozenset({"nothing readable"})


@dataclass(frozen=True, kw_only=True)
class PathCases(Computed):
    """Two cases of each of twelve simulated heads."""

    misspelt: Mapping[str, str] = field(
        default_factory=lambda: {"trackin_mm": "tracking_mm", "risk_wait": "risk_weight"}
    )
    out_of_range: Sequence[tuple[str, str]] = (
        ("coverage", "0.2"), ("tracking_mm", "-1"), ("registration_tre_mm", "NaN"), ("risk_weight", "many"),
        ("operating_point", "sensitivity=0.95"),
    )  # fmt: skip
    bad: Mapping[str, Bad] = field(default_factory=lambda: dict(bad_cases()))

    def write(self, task: Any, data: Path, folder: Path) -> Source:
        """See the base class."""
        items = []
        for number in range(12):
            scale = 0.8 + 0.02 * number
            for side in ("left", "right"):
                target = {"structure": f"{side} subthalamic nucleus"}
                path = folder / f"head-{number:02d}-{side}.case.zip"
                path.write_bytes(case(scale, target=target, subject=f"phantom-{number:02d}"))
                items.append(path)
        return Source(
            path=folder,
            records=len(items),
            items=tuple(items),
            classes=frozenset(task.endpoint.classes) - {"grid"},
            ids=frozenset(f"phantom-{number:02d}" for number in range(12)),
        )

    def wrappings(self, item: Path, folder: Path) -> list[Path | bytes]:
        """As bytes, unpacked, and with the same labels in another format and stored mirrored."""
        with zipfile.ZipFile(item) as archive:
            archive.extractall(folder / "unpacked")
        document = json.loads((folder / "unpacked" / "case.json").read_text("utf-8"))
        volume = head(0.8)
        other = zipped(document | {"labels": "head.nii.gz"}, nifti_bytes(volume), "head.nii.gz")
        return [item.read_bytes(), folder / "unpacked" / "case.json", folder / "unpacked", other]


@dataclass(frozen=True, kw_only=True)
class TrajectoryCases(PathCases):
    """The same heads, entered straight; what is bad about a path's instrument does not matter here."""

    quick: Mapping[str, Any] = field(
        default_factory=lambda: {"mlflow": False, "shortcut_probe": False, "candidates": 200}
    )
    misspelt: Mapping[str, str] = field(default_factory=lambda: {"candidate": "candidates"})
    out_of_range: Sequence[tuple[str, str]] = (("angle_limit_deg", "0"), ("candidates", "many"))
    bad: Mapping[str, Bad] = field(
        default_factory=lambda: (
            {
                name: bad
                for name, bad in bad_cases().items()
                if name in {"cut archive", "no frame", "no critical"}
            }
            | {
                "no body": ("bad.case.zip", case(body=None), {"missing-entry"}),
                "nothing near": (
                    "bad.case.zip",
                    case(target="brain", entry=[0, 0, 88]),
                    {"entry-outside-body"},
                ),
            }
        )
    )


@dataclass(frozen=True, kw_only=True)
class MotionPaths(Computed):
    """Straight insertions of ten lengths."""

    leading: str = "tip_error_mm"
    misspelt: Mapping[str, str] = field(default_factory=lambda: {"paylode_kg": "payload_kg"})
    out_of_range: Sequence[tuple[str, str]] = (("delay_ms", "-1"), ("payload_kg", "99"))
    quick: Mapping[str, Any] = field(
        default_factory=lambda: {
            "mlflow": False, "shortcut_probe": False, "insertion_mm_s": 100, "validation_fraction": 0.1,
        }
    )  # fmt: skip
    folder_codes: frozenset[str] = frozenset({"is-a-folder"})
    bad: Mapping[str, Bad] = field(
        default_factory=lambda: {
            name: ("bad.path.json", content if isinstance(content, bytes) else json.dumps(content).encode(), codes)
            for name, (content, codes) in {
                "empty": (b"", {"empty-file"}),
                "web page": (PAGE, {"bad-json"}),
                "no path": ({"frame": "LPS"}, {"bad-path"}),
                "one point": ({"frame": "LPS", "path": [[0, 0, 0]]}, {"bad-path"}),
                "no frame": ({"path": [[0, 0, 0], [0, 0, 50]]}, {"missing-frame"}),
                "NaN": ({"frame": "LPS", "path": [[0, 0, 0], [0, 0, float("nan")]]}, {"bad-point"}),
                "metres": ({"frame": "LPS", "path": [[0, 0, 0], [0, 0, 0.08]]}, {"suspect-units"}),
                "a corner for a rigid shaft": (
                    {"frame": "LPS", "path": [[0, 0, 0], [0, 0, 40], [30, 0, 60]], "instrument": {"kind": "rigid"}},
                    {"not-straight"},
                ),
                "beyond the shaft": (
                    {"frame": "LPS", "path": [[0, 0, 0], [0, 0, 400]], "instrument": {"kind": "rigid"}},
                    {"shaft-too-short", "unreachable"},
                ),
                "a plan that is not certified": (
                    {"format": "suwen-plan/1", "path_lps_mm": [[0, 0, 0], [0, 0, 40]]}, {"not-certified"},
                ),
            }.items()
        }
    )  # fmt: skip

    def write(self, task: Any, data: Path, folder: Path) -> Source:
        """See the base class."""
        items = []
        for number in range(10):
            path = folder / f"{number}.path.json"
            document = {
                "frame": "LPS",
                "path": [[0, 0, 80], [0, 0, 40 + number]],
                "instrument": {"kind": "rigid"},
                "subject": f"arm-{number}",
            }
            path.write_text(json.dumps(document), "utf-8")
            items.append(path)
        return Source(
            path=folder,
            records=len(items),
            items=tuple(items[:2]),
            classes=frozenset(task.endpoint.classes) - {"grid"},
            ids=frozenset(f"arm-{number}" for number in range(10)),
        )


FIXED = {
    "a": [80, 10, 20],
    "b": [-75, 12, 25],
    "c": [5, 90, 60],
    "d": [2, -95, 40],
    "e": [10, 20, 110],
    "f": [-30, -40, 90],
}


def fiducials(seed: int, **changes: Any) -> bytes:
    """Six fiducials, rotated, moved and blurred by 0.2 mm; where the target truly lies is known."""
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    shift = rng.normal(size=3) * 100
    moving = {
        name: (turn @ place + shift + rng.normal(size=3) * 0.1).tolist() for name, place in FIXED.items()
    }
    document = {
        "frame": "LPS",
        "fixed": FIXED,
        "moving": moving,
        "fle_mm": 0.25,
        "target": [12, 8, -8],
        "target_in_moving": (turn @ [12, 8, -8] + shift).tolist(),
    }
    return json.dumps(document | changes).encode()


@dataclass(frozen=True, kw_only=True)
class FiducialSets(Computed):
    """Twenty sets of fiducials."""

    leading: str = "predicted_target_registration_error_mm"
    misspelt: Mapping[str, str] = field(default_factory=lambda: {"flee_mm": "fle_mm"})
    out_of_range: Sequence[tuple[str, str]] = (("fle_mm", "0"), ("coverage", "1"))
    folder_codes: frozenset[str] = frozenset({"is-a-folder"})
    bad: Mapping[str, Bad] = field(
        default_factory=lambda: {
            name: ("bad.fiducials.json", content, codes)
            for name, (content, codes) in {
                "empty": (b"", {"empty-file"}),
                "web page": (PAGE, {"bad-json"}),
                "no target": (fiducials(0, target=None), {"missing-target"}),
                "no frame": (fiducials(0, frame=None), {"missing-frame"}),
                "two fiducials": (
                    fiducials(0, fixed={"a": [0, 0, 0], "b": [9, 0, 0]}, moving={"a": [0, 0, 0], "b": [9, 0, 0]}),
                    {"too-few-fiducials"},
                ),
                "in one line": (
                    fiducials(
                        0,
                        fixed={n: [30 * n, 0, 0] for n in range(5)},
                        moving={n: [30 * n, 0, 0] for n in range(5)},
                    ),
                    {"collinear-fiducials"},
                ),
                "metres": (fiducials(0, moving={n: [x / 1000 for x in p] for n, p in FIXED.items()}), {"wrong-units"}),
                "mirrored": (
                    fiducials(0, moving={n: [-p[0], p[1], p[2]] for n, p in FIXED.items()}), {"mirrored-frames"},
                ),
                "other names": (fiducials(0, moving={f"x{n}": p for n, p in FIXED.items()}), {"fiducial-names"}),
                "NaN": (fiducials(0, fixed=FIXED | {"a": [float("nan"), 0, 0]}), {"bad-point"}),
            }.items()
        }
    )  # fmt: skip

    def write(self, task: Any, data: Path, folder: Path) -> Source:
        """See the base class."""
        items = []
        for number in range(20):
            path = folder / f"{number:02d}.fiducials.json"
            path.write_bytes(fiducials(number, subject=f"person-{number:02d}"))
            items.append(path)
        return Source(
            path=folder,
            records=len(items),
            items=tuple(items),
            classes=frozenset(task.endpoint.classes) - {"grid"},
            ids=frozenset(f"person-{number:02d}" for number in range(20)),
        )
