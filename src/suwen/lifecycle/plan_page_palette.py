"""Which structures a plan's page shows, in which colours, and what they are called."""

from __future__ import annotations

import colorsys
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from suwen.formats.volume.volume import Volume

BODY = "body"
REST = "rest"
MOST_CRITICAL = 14
"""Critical structures drawn in 3-D: those with the least slack; all of them are in the table."""
MOST_SHOWN = 18
LARGEST_TARGET_ML = 40.0
"""A structure larger than this around the target is where it lies, not what is aimed at: it would hide the rest."""
_SMALL = 6_000
_SHELL = 18_000

_KINDS: Sequence[tuple[str, str]] = (
    (r"tumou?r|lesion|metasta|glioma|mening(ioma)?\b|cyst", "#ff6fa8"),
    (r"arter|aorta|carotid|\bica\b|\bmca\b|\baca\b|\bpca\b|basilar|communicating|acom|pcom", "#ee4a3e"),
    (r"vein|venous|sinus\b|cava|portal|jugular", "#5b86e5"),
    (r"vessel", "#ee4a3e"),
    (r"ventricle|horn|csf|aqueduct|cistern", "#4fb3ea"),
    (r"optic|nerve|chiasm|plexus|trunk", "#f4d03f"),
    (r"subthalam|red nucleus|nigra", "#7fe07a"),
    (r"nucleus|thalam|pallid|putamen|caudate|amygdal|hippocamp|accumbens", "#b58cf0"),
    (r"pons|medulla|midbrain|brain ?stem|spinal cord", "#e29a5b"),
    (
        r"skull|bone|vertebra|rib\b|mandible|maxilla|sacrum|femur|hip|clavic|scapula|humerus|cranium",
        "#e9e0c9",
    ),
    (r"cerebell", "#c98f7a"),
    (r"gyrus|cortex|lobe|white matter|brain|cerebr|insula|corpus callosum", "#d8a9a0"),
    (r"lung", "#e7b0b8"),
    (r"liver", "#b5654a"),
    (r"kidney|adrenal", "#c0705c"),
    (r"spleen", "#a8618c"),
    (r"heart|myocard|atrium", "#d9534f"),
    (r"stomach|colon|bowel|duoden|oesoph|esoph|gallbladder|pancreas|urinary", "#d7b26a"),
    (r"muscle|temporalis|masseter|pteryg|capitis|gluteus|psoas|autochthon", "#b9635a"),
)
_OTHERS = ("#66c2a5", "#fc8d62", "#8da0cb", "#e78ac3", "#a6d854", "#ffd92f", "#e5c494")
_BRAIN = (
    r"gyrus|cortex|white matter|\bbrain\b|cerebr|cerebell|insula|corpus callosum|\bpons\b|medulla ob|"
    r"midbrain|lobule"
)
"""Of what the envelope of a brain is made, where structures of it are named."""
_GREYS: Sequence[tuple[str, int]] = (
    (r"white matter|corpus callosum|capsule|commissure", 150),
    (r"ventricle|horn|csf|aqueduct|cistern", 30),
    (r"skull|bone|vertebra|rib\b|cranium|mandible", 205),
    (r"air|trachea|lung|nasal", 18),
)


@dataclass(frozen=True, kw_only=True)
class Structure:
    """What is drawn and can be hidden.

    Attributes
    ----------
    key
        Unique on the page: the label, or ``body`` or ``rest``.
    labels
        Values it is made of; empty for the body.
    name
        As people read it.
    colour
        ``#rrggbb``.
    role
        ``critical``, ``target``, ``blocks``, ``weighted``, ``bone``, ``body`` or ``rest``.
    most_triangles
        Of its surface.
    opacity
        1, or less for a shell that is seen through.
    """

    key: str
    labels: tuple[int, ...]
    name: str
    colour: str
    role: str
    most_triangles: int = _SMALL
    opacity: float = 1.0


def readable(name: Any) -> str:
    """A structure's name without underscores."""
    return re.sub(r"\s+", " ", str(name).replace("_", " ")).strip()


def structures(document: Mapping[str, Any], volume: Volume, *, body: bool) -> list[Structure]:
    """What the page shows, the most important first.

    Parameters
    ----------
    document
        The plan.
    volume
        Its label volume.
    body
        Whether it is known where tissue is.
    """
    present = volume.present()
    found: dict[int, Structure] = {}
    for label, role in _wanted(document, volume):
        if label in present and label not in found and len(found) < MOST_SHOWN:
            found[label] = Structure(
                key=str(label), labels=(label,), name=readable(volume.name_of(label)), colour="", role=role
            )
    shown = coloured(list(found.values()))
    skin = next((value for value in present if _is_skin(volume.name_of(value)) and value not in found), None)
    others = tuple(value for value in present if value not in found and value != skin)
    brain = tuple(value for value in others if re.search(_BRAIN, readable(volume.name_of(value)).lower()))
    rest = brain or others
    if rest:
        shown.append(
            Structure(
                key=REST, labels=rest, name=f"{'Brain' if brain else 'Everything else'} (envelope)",
                colour="#d3a294", role=REST, most_triangles=_SHELL, opacity=0.26,
            )
        )  # fmt: skip
    if body or skin is not None:
        shown.append(
            Structure(
                key=BODY, labels=() if body else (int(skin or 0), *others, *found), name="Body surface",
                colour="#d8b9a6", role=BODY, most_triangles=_SHELL, opacity=0.42,
            )
        )  # fmt: skip
    return shown


def coloured(found: Sequence[Structure]) -> list[Structure]:
    """Colours as anatomy books use them; structures of one kind differ a little."""
    often: dict[str, int] = {}
    done = []
    for place, one in enumerate(found):
        kind = next((colour for told, colour in _KINDS if re.search(told, one.name.lower())), None)
        kind = kind or _OTHERS[place % len(_OTHERS)]
        done.append(replace(one, colour=_varied(kind, often.get(kind, 0))))
        often[kind] = often.get(kind, 0) + 1
    return done


def grey(name: str, label: int) -> int:
    """How light a structure without colour of its own is drawn where no picture lies behind it, 0 to 255."""
    plain = readable(name).lower()
    said = next((light for told, light in _GREYS if re.search(told, plain)), None)
    return said if said is not None else 84 + (label * 37) % 28


def _wanted(document: Mapping[str, Any], volume: Volume) -> Iterator[tuple[int, str]]:
    for one in document.get("blocked_by") or ():
        yield from _label(one, "blocks")
    target = document.get("target_lps_mm")
    if target is not None:
        value = value_at(volume, target)
        critical = {one.get("label") for one in critical_structures(document)}
        size_ml = volume.present().get(value, 0) * float(volume.spacing_mm.prod()) / 1000
        if value and value not in critical and size_ml <= LARGEST_TARGET_ML:
            yield value, "target"
    for one in critical_structures(document)[:MOST_CRITICAL]:
        yield from _label(one, "critical")
    question = document.get("question") or {}
    for value in question.get("weights") or {}:
        yield int(value), "weighted"
    for value in (question.get("bone") or ())[:3]:
        yield int(value), "bone"


def critical_structures(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Every critical structure: as the certificate measured it, those of least slack first, else as asked."""
    measured = [
        one
        for one in (document.get("certificate") or {}).get("structures") or ()
        if one.get("label") is not None
    ]
    if measured:
        return sorted(measured, key=_slack)
    asked = (document.get("question") or {}).get("critical") or {}
    margin = (document.get("margin") or {}).get("margin_mm")
    return [{"label": int(label), "name": name, "margin_mm": margin} for label, name in asked.items()]


def _slack(one: Mapping[str, Any]) -> float:
    clearance, margin = one.get("clearance_mm"), one.get("margin_mm")
    return float("inf") if clearance is None else float(clearance) - float(margin or 0)


def value_at(volume: Volume, lps_mm: Any) -> int:
    """The label at a point, 0 outside the volume."""
    index = np.floor(volume.to_index([lps_mm])[0] + 0.5).astype(int)
    if (index < 0).any() or (index >= np.array(volume.shape)).any():
        return 0
    return int(volume.array[tuple(index)])


def _label(one: Mapping[str, Any], role: str) -> Iterator[tuple[int, str]]:
    if one.get("label") is not None:
        yield int(one["label"]), role


def _is_skin(name: str) -> bool:
    return readable(name).lower() in {"skin", "body", "head", "scalp", "body surface", "outside", "external"}


def _varied(colour: str, place: int) -> str:
    """The same kind of colour, a step away."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    hue, light, strength = colorsys.rgb_to_hls(red, green, blue)
    way = (place + 1) // 2 * (1 if place % 2 else -1)
    light = min(max(light * (1 - 0.07 * (place % 4)), 0.2), 0.9)
    made = colorsys.hls_to_rgb((hue + 0.022 * way) % 1, light, strength)
    return "#" + "".join(f"{round(255 * part):02x}" for part in made)
