"""What a plan's page draws from: volumes, surfaces, path and film, small and in one piece."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.documents import plain
from suwen.core.errors import MissingExtra
from suwen.engines.surfaces.build import TOTAL as MOST_TRIANGLES
from suwen.engines.surfaces.build import chosen, surfaces
from suwen.engines.surfaces.envelope import envelope
from suwen.engines.surfaces.mesh import EMPTY, Mesh
from suwen.engines.surfaces.nets import net
from suwen.engines.surfaces.packed import packed
from suwen.engines.surfaces.simplify import simplified
from suwen.lifecycle.plan_page_grid import HUNDREDTHS, Plate, keep_out, plate_of
from suwen.lifecycle.plan_page_palette import BODY, REST, Structure, grey, readable, structures

if TYPE_CHECKING:
    from suwen.formats.volume.volume import Volume

TISSUE = 1
"""Value on the page of tissue that no label covers."""
MOST_IMAGE_BYTES = 2_800_000
"""Deflated size of the picture behind the labels; a larger one is made coarser in its greys."""
_FLOORS = {
    "supine": "patient supine: the floor is towards P",
    "prone": "patient prone: the floor is towards A",
    "sitting": "patient sitting: the floor is towards I",
}
"""Where down is, while the arm is shown."""
MOST_FRAMES, MOST_CURVE, MOST_RISK, MOST_CANDIDATES = 400, 800, 4_000, 40


class Blobs:
    """Arrays one after another in one deflated text."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._end = 0

    def add(self, values: NDArray[Any]) -> dict[str, Any]:
        """Keep an array; where it is found again."""
        content = np.ascontiguousarray(values, values.dtype.newbyteorder("<")).tobytes()
        found = {
            "at": self._end,
            "count": int(values.size),
            "type": values.dtype.kind + str(values.dtype.itemsize),
        }
        content += bytes(-len(content) % 4)
        self._parts.append(content)
        self._end += len(content)
        return found

    def text(self) -> str:
        """All of it, deflated, in base64."""
        return base64.b64encode(zlib.compress(b"".join(self._parts), 9)).decode() if self._parts else ""


def scene(
    document: Mapping[str, Any],
    volume: Volume | None,
    image: Volume | None,
    body: NDArray[np.bool_] | None,
) -> tuple[dict[str, Any], list[Structure], str]:
    """What the page's program is given.

    Returns
    -------
    scene
        Plain JSON.
    shown
        The structures, for the legend.
    blobs
        Arrays the scene points to, deflated, base64.
    """
    blobs = Blobs()
    found: dict[str, Any] = {**_lines(document), "film": _film(document), "plate": None, "structures": []}
    if volume is None:
        return found, [], ""
    shown = structures(document, volume, body=body is not None)
    solid = volume.array > 0
    if body is not None:
        solid |= body
    points = [point for point in (*(found["path"] or ()), found["entry"], found["target"]) if point]
    plate = plate_of(volume, solid, points)
    values, names, lights = _values(volume, shown)
    found["plate"] = {
        "origin": plain(plate.origin_lps_mm),
        "spacing": plate.spacing_mm,
        "shape": list(plate.shape),
        "labels": blobs.add(_labelled(plate, volume, values, body)),
        "names": names,
        "greys": lights,
        "image": None if image is None else blobs.add(_pictured(plate, image)),
        "spare": None,
        "spare_step": HUNDREDTHS / 100,
    }
    spare = keep_out(document, volume)
    if spare is not None:
        # One is added so that what lies outside the volume (0) is as far as far can be.
        away = (127 - plate.sampled((127 - spare.astype(np.int16)).astype(np.uint8), volume)).astype(np.int8)
        found["plate"]["spare"] = blobs.add(away)
    found["structures"] = _meshed(shown, volume, body, values, blobs)
    return found, shown, blobs.text()


def embedded(content: Any) -> str:
    """JSON that no browser mistakes for markup, whatever the names in it."""
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _lines(document: Mapping[str, Any]) -> dict[str, Any]:
    certificate = document.get("certificate") or {}
    curve = certificate.get("curve") or {}
    thin = _thinned(len(curve.get("arc_mm") or ()), MOST_CURVE)
    return {
        "path": document.get("path_lps_mm"),
        "entry": document.get("entry_lps_mm"),
        "target": document.get("target_lps_mm"),
        "radius": (document.get("instrument") or {}).get("radius_mm"),
        "margin": (document.get("margin") or {}).get("margin_mm"),
        "curve": {
            "arc": [curve["arc_mm"][place] for place in thin],
            "clearance": [curve["clearance_mm"][place] for place in thin],
            "nearest": [readable(curve["nearest"][place]) for place in thin] if curve.get("nearest") else [],
        },
        "closest": None
        if certificate.get("at_lps_mm") is None
        else {
            "at": certificate["at_lps_mm"],
            "clearance": certificate.get("clearance_mm"),
            "nearest": readable(certificate.get("nearest") or ""),
        },
        "candidates": [
            {
                "line": [one["entry_lps_mm"], one["target_lps_mm"]],
                "feasible": one.get("feasible", True) is not False,
            }
            for one in list(document.get("alternatives") or ())[:MOST_CANDIDATES]
            if one.get("entry_lps_mm") and one.get("target_lps_mm")
        ],
        "risk": [
            [*(round(value, 1) for value in one["lps_mm"]), round(float(one["value"]), 4)]
            for one in _every(risk_points(document), MOST_RISK)
        ],
    }


def risk_points(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Points of the skin with their risk, wherever the plan keeps them."""
    found = document.get("risk") or document.get("risk_map") or ()
    if isinstance(found, Mapping):
        found = found.get("points") or ()
    return [
        one
        for one in found
        if isinstance(one, Mapping) and one.get("lps_mm") is not None and one.get("value") is not None
    ]


def film_frames(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Frames of the motion: time, the arm's joints with the tip last, error, whether inside the patient."""
    film = (document.get("motion") or {}).get("film") or {}
    frames = []
    for one in film.get("frames") or ():
        joints = one.get("joints_lps_mm") or one.get("at")
        if not joints or one.get("t_s") is None:
            continue
        tip = one.get("tip_lps_mm")
        line = [*joints] if tip is None or list(tip) == list(joints[-1]) else [*joints, tip]
        frames.append(
            {"t": one["t_s"], "at": line, "error": one.get("error_mm"), "inside": bool(one.get("inside"))}
        )
    return _every(frames, MOST_FRAMES)


def _film(document: Mapping[str, Any]) -> dict[str, Any] | None:
    frames = film_frames(document)
    if not frames:
        return None
    settings = document["motion"].get("settings") or {}
    tool = settings.get("tool") or {}
    return {
        "t": [one["t"] for one in frames],
        "at": [[[round(value, 1) for value in point] for point in one["at"]] for one in frames],
        "error": [one["error"] for one in frames],
        "inside": [int(one["inside"]) for one in frames],
        "holder": tool.get("holder_length_mm") or 0,
        "position": _FLOORS.get(str(settings.get("patient_position")), ""),
    }


def _values(volume: Volume, shown: Sequence[Structure]) -> tuple[dict[int, int], list[str], list[int]]:
    """Label to value on the page; name and grey of each value. Shown structures come first, in their order."""
    values: dict[int, int] = {}
    names, lights = ["", "tissue without a label"], [0, 46]
    first = [label for one in shown if one.role not in (BODY, REST) for label in one.labels]
    for label in (*first, *sorted(volume.present())):
        if label not in values:
            values[label] = len(names)
            names.append(readable(volume.name_of(label)))
            lights.append(grey(volume.name_of(label), label))
    return values, names, lights


def _labelled(
    plate: Plate, volume: Volume, values: Mapping[int, int], body: NDArray[np.bool_] | None
) -> NDArray[Any]:
    table = np.zeros(int(volume.array.max()) + 1, np.uint16 if len(values) > 253 else np.uint8)
    for label, value in values.items():
        table[label] = value
    mapped = table[volume.array]
    if body is not None:
        mapped[(mapped == 0) & body] = TISSUE
    return plate.sampled(mapped, volume)


def _pictured(plate: Plate, image: Volume) -> NDArray[np.uint8]:
    """Greys of the image, 1 to 255 (0 is outside or missing), each as the difference from the one to its right side."""
    finite = image.array[np.isfinite(image.array)]
    low, high = (
        np.percentile(finite[:: max(finite.size // 200_000, 1)], (0.5, 99.5)) if finite.size else (0.0, 1.0)
    )
    scaled = (np.nan_to_num(image.array, nan=low) - low) / max(high - low, 1e-9)
    for greys in (255, 127, 63, 31):
        steps = np.rint(np.clip(scaled, 0, 1) * (greys - 1)) / (greys - 1)
        shades = np.where(np.isnan(image.array), 0, 1 + np.rint(254 * steps)).astype(np.uint8)
        on_page = plate.sampled(shades, image)
        coded = np.diff(on_page.ravel(), prepend=np.uint8(0))
        if len(zlib.compress(coded.tobytes(), 6)) <= MOST_IMAGE_BYTES:
            break
    return coded


def _meshed(
    shown: Sequence[Structure],
    volume: Volume,
    body: NDArray[np.bool_] | None,
    values: Mapping[int, int],
    blobs: Blobs,
) -> list[dict[str, Any]]:
    spacing = volume.spacing_mm
    most = {one.key: one.most_triangles for one in shown}
    meshes: dict[str, Mesh] = {}
    for one in shown:
        if one.key == REST:
            meshes[REST] = _hull(volume, one)
        elif one.key == BODY and body is not None:
            meshes |= surfaces(body, {BODY: (1,)}, spacing, each=most)
    shells = sum(len(mesh.triangles) for mesh in meshes.values())
    solid = {one.key: one.labels for one in shown if one.key not in meshes}
    meshes |= surfaces(volume.array, solid, spacing, each=most, total=MOST_TRIANGLES - shells)
    turn, origin = volume.affine_lps[:3, :3] / volume.spacing_mm, volume.affine_lps[:3, 3]
    found = []
    for one in shown:
        small = packed(meshes[one.key].moved(turn, origin))
        found.append(
            {
                "key": one.key,
                "name": one.name,
                "role": one.role,
                "colour": one.colour,
                "opacity": one.opacity,
                "values": [] if one.role in (BODY, REST) else [values[label] for label in one.labels],
                "centre": plain(small.centre_mm),
                "step": small.step_mm,
                "points": blobs.add(small.points),
                "normals": blobs.add(small.normals),
                "triangles": blobs.add(small.triangles),
            }
        )
    return found


def _hull(volume: Volume, one: Structure) -> Mesh:
    """The envelope of many structures; nothing where numba is missing."""
    try:
        closed, spacing, first = envelope(chosen(volume.array, one.labels), volume.spacing_mm)
    except MissingExtra:
        return EMPTY
    return simplified(net(closed, spacing, first=first), one.most_triangles)


def _thinned(count: int, most: int) -> list[int]:
    if count <= most:
        return list(range(count))
    places: list[int] = np.unique(np.rint(np.linspace(0, count - 1, most)).astype(int)).tolist()
    return places


def _every(items: Sequence[Any], most: int) -> list[Any]:
    return [items[place] for place in _thinned(len(items), most)]
