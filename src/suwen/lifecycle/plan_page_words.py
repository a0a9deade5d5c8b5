"""What a plan's page says first: the verdict in words, and the numbers that carry it, with their units."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from suwen.lifecycle.plan_page_charts import gauge
from suwen.lifecycle.plan_page_palette import readable

NOT_AVAILABLE = "not available"


def inner(document: Mapping[str, Any], *keys: str) -> Any:
    """A value some levels down; ``None`` where any level is missing."""
    found: Any = document
    for key in keys:
        if not isinstance(found, Mapping):
            return None
        found = found.get(key)
    return found


def number(value: Any, digits: int, unit: str = "") -> str:
    """A figure with its unit, or that it is not available."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return NOT_AVAILABLE
    return f"{value:.{digits}f}{' ' + unit if unit else ''}".replace("-", "−")


def measured(motion: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An error of the motion: largest, 95th percentile, root mean square; under either of its names."""
    found = motion.get(name)
    if found is None and name == "rcm_drift_mm":
        found = motion.get("remote_centre_drift_mm")
    if isinstance(found, Mapping):
        return found
    return {"max": found} if isinstance(found, (int, float)) else {}


def verdict(document: Mapping[str, Any]) -> tuple[str, str, str]:
    """The class of the answer (``calm``, ``alarm`` or ``open``), its chip, and its sentence."""
    certificate, sentence = document.get("certificate") or {}, document.get("sentence")
    holds, found = certificate.get("holds"), document.get("found")
    if found is False:
        blockers = " and ".join(dict.fromkeys(_name(one) for one in document.get("blocked_by") or ()))
        told = f"No path: {blockers} leaves no way." if blockers else "No path."
        return "alarm", "✕ No path", _sentence(sentence, told)
    if holds is True:
        return (
            "calm",
            "✓ Certified",
            _sentence(sentence, "Certified: every critical structure keeps its margin."),
        )
    if holds is False:
        reasons = "; ".join(map(str, certificate.get("reasons") or ()))
        return "alarm", "✕ Refused", _sentence(sentence, f"Refused: {reasons or 'the check does not hold'}.")
    return "open", "Not certified", _sentence(sentence, "The certificate is not available.")


def _sentence(given: Any, otherwise: str) -> str:
    said = readable(given) if given else otherwise
    return said[:1].upper() + said[1:]


def _name(one: Any) -> str:
    if not isinstance(one, Mapping):
        return readable(one)
    return readable(one.get("name") or f"label {one.get('label')}")


def header(document: Mapping[str, Any]) -> str:
    """Title, chip, and whom and what it is about."""
    level, chip, _ = verdict(document)
    image, instrument = document.get("image") or {}, document.get("instrument") or {}
    shape, spacing = image.get("shape"), image.get("spacing_mm")
    voxels = " × ".join(f"{side}" for side in shape) if shape else None
    if voxels and spacing:
        voxels += " voxels of " + " × ".join(f"{side:g}" for side in spacing) + " mm"
    made = inner(document, "provenance", "created_at")
    facts = [
        ("Image", voxels),
        ("Frame", f"{image['frame']}, mm" if image.get("frame") else None),
        ("Instrument", _instrument(instrument)),
        (
            "Plan",
            document.get("plan_id")
            and f"{str(document['plan_id'])[:8]}, revision {document.get('revision', 1)}",
        ),
        ("Made", f"{str(made)[:16].replace('T', ' ')} UTC" if made else None),
    ]
    who = "".join(
        f"<div><span>{escape(name)}</span> <b>{escape(str(value or NOT_AVAILABLE))}</b></div>"
        for name, value in facts
    )
    badge = '<span class="sim">SIMULATED DATA</span> ' if document.get("simulated") else ""
    model = inner(document, "provenance", "model") or document.get("task") or NOT_AVAILABLE
    return (
        f"<header><div><h1>{badge}{escape(str(document.get('title') or 'Plan of an instrument'))}</h1>"
        f'<p class="soft small">{escape(str(model))}</p></div>'
        f'<span class="chip {level}">{escape(chip)}</span></header><div class="who num">{who}</div>'
        f'<p class="statement small"><b>Decision support and simulation only.</b> '
        f"{escape(str(document.get('disclaimer') or ''))}</p>"
    )


def _instrument(instrument: Mapping[str, Any]) -> str | None:
    radius = instrument.get("radius_mm")
    if radius is None:
        return None
    turning = instrument.get("turning_radius_mm")
    bend = f", turning radius {turning:g} mm" if turning is not None else ""
    return f"{instrument.get('kind') or 'shaft'}, radius {radius:g} mm{bend}"


def answer(document: Mapping[str, Any]) -> str:
    """The verdict's card and the numbers beside it."""
    level, _, sentence = verdict(document)
    certificate, margin = document.get("certificate") or {}, inner(document, "margin", "margin_mm")
    least = certificate.get("clearance_mm")
    if least is not None:
        nearest = readable(certificate.get("nearest") or "")
        to = f"<br>to {escape(nearest)}" if nearest else ""
        figure = (
            f'<div class="figure {level}"><b>{number(least, 2)}</b>'
            f"<span>mm, least clearance{to}</span></div>"
            + (gauge(least, margin) if margin is not None else "")
        )
    else:
        figure = ""
    return (
        f'<section class="top" aria-label="Answer"><div class="card"><p class="verdict {level}">{escape(sentence)}</p>'
        f"{figure}{_reasons(document)}</div>"
        f'<div class="card">{_tiles(document)}</div></section>'
    )


def _reasons(document: Mapping[str, Any]) -> str:
    said = [*(inner(document, "certificate", "reasons") or ()), *(inner(document, "question", "notes") or ())]
    if document.get("found") is False:
        told = verdict(document)[2].lower()
        blockers = [_name(one) for one in document.get("blocked_by") or ()]
        said = [*(f"{name} is in the way" for name in blockers if name.lower() not in told), *said]
    items = "".join(f"<li>{escape(readable(one))}</li>" for one in dict.fromkeys(map(str, said)))
    return f'<ul class="small soft notes">{items}</ul>' if items else ""


def _tiles(document: Mapping[str, Any]) -> str:
    motion = document.get("motion") or {}
    margin, coverage = inner(document, "margin", "margin_mm"), inner(document, "margin", "coverage")
    bound = inner(document, "certificate", "clearance_lower_bound_mm")
    tip, drift = measured(motion, "tip_error_mm"), measured(motion, "rcm_drift_mm")
    exceeded = motion.get("limits_exceeded")
    covered = f"{100 * coverage:g}% of errors" if coverage else "stated error budget"
    tiles = [
        ("Length", number(document.get("length_mm"), 1, "mm"), "entry to target"),
        ("Margin required", number(margin, 2, "mm"), covered),
        ("Clearance, proven", number(bound, 2, "mm"), "lower bound of the check"),
        ("Tip error, simulated", number(tip.get("max"), 3, "mm"), "largest while moving"),
        ("Remote-centre drift", number(drift.get("max"), 3, "mm"), "at the entry, simulated"),
        ("Stop", number(motion.get("stop_ms"), 0, "ms"), _limits(exceeded)),
    ]  # fmt: skip
    cells = "".join(
        f"<div><span>{escape(name)}</span><b{_absent(value)}>{escape(value)}</b><i>{escape(note)}</i></div>"
        for name, value, note in tiles
    )
    points = "".join(
        f"<div><span>{name}</span> <b>{escape(place(document.get(key)))}</b></div>"
        for name, key in (("Entry", "entry_lps_mm"), ("Target", "target_lps_mm"))
    )
    return f'<div class="tiles bare">{cells}</div><div class="who num ends">{points}</div>'


def _absent(value: str) -> str:
    return ' class="absent"' if value == NOT_AVAILABLE else ""


def _limits(exceeded: Any) -> str:
    if exceeded is None or (
        isinstance(exceeded, (int, float)) and not isinstance(exceeded, bool) and exceeded < 0
    ):
        return "to standstill"
    many = exceeded if isinstance(exceeded, (int, float)) else len(exceeded)
    return "no limit exceeded" if not many else f"limits exceeded: {many:g}"


def place(lps_mm: Any) -> str:
    """A point in the letters of the patient: L or R, P or A, S or I, in mm."""
    if not lps_mm:
        return NOT_AVAILABLE
    letters = (("R", "L"), ("A", "P"), ("I", "S"))
    return (
        " · ".join(f"{letters[axis][int(value >= 0)]} {abs(value):.1f}" for axis, value in enumerate(lps_mm))
        + " mm"
    )
