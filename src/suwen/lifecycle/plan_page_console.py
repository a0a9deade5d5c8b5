"""The console of a plan's page: four panes, their controls and the legend, as HTML for the program to fill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from suwen.lifecycle.plan_page_palette import Structure, critical_structures
from suwen.lifecycle.plan_page_tables import swatch
from suwen.lifecycle.plan_page_words import number

_KEYS = "Arrow keys move the crosshair, Page Up and Page Down change the slice."
_PANES = (
    ("axial", "Axial", "横断面", "seen from the feet: the patient's left is on the right"),
    ("coronal", "Coronal", "冠状面", "seen from the front: the patient's left is on the right"),
    ("sagittal", "Sagittal", "矢状面", "seen from the patient's left: the front is on the left"),
)
_LOOKS = (
    ("", "Oblique"), ("front", "Front"), ("back", "Back"), ("left", "Patient's left"), ("right", "Patient's right"),
    ("above", "Above"), ("below", "Below"), ("entry", "Along the path"),
)  # fmt: skip


def console(document: Mapping[str, Any], found: Mapping[str, Any], shown: Sequence[Structure]) -> str:
    """Slices, 3-D view, sliders, film and legend.

    Parameters
    ----------
    document
        The plan.
    found
        What the program is given; see :func:`suwen.lifecycle.plan_page_data.scene`.
    shown
        The structures.
    """
    if found["plate"] is None and not (found["path"] or found["target"] or found["film"]):
        return (
            '<p class="soft" id="nothing">Slices and 3-D view are not available: the plan names no place.</p>'
        )
    panes = [_slice(*pane) for pane in _PANES] if found["plate"] is not None else []
    panes.insert(1, _space())
    missing = (
        ""
        if panes[1:]
        else '<p class="trouble">Slices and structures are not available: the page was made without the label '
        "volume.</p>"
    )
    return (
        '<section class="console" aria-label="Slices and 3-D view"><p class="trouble" id="trouble" hidden></p>'
        '<noscript><p class="trouble">The slices, the 3-D view and the film need JavaScript; the numbers and the '
        "curve do not.</p></noscript>"
        f'{missing}<div class="{"four" if panes[1:] else "one"}">{"".join(panes)}</div>'
        f"{_bar(found)}{_read()}{_reel(found)}{_legend(document, found, shown)}</section>"
    )


def _slice(name: str, title: str, chinese: str, seen: str) -> str:
    return (
        f'<figure class="pane" id="{name}"><figcaption>{title} <small lang="zh">{chinese}</small><output></output>'
        f'</figcaption><div class="field"><canvas class="cross" tabindex="0" role="application" '
        f'aria-label="{escape(title)} slice, {escape(seen)}. {_KEYS}"></canvas></div></figure>'
    )


def _space() -> str:
    return (
        '<figure class="pane" id="space"><figcaption>3-D <small lang="zh">三维</small>'
        '<output id="no-webgl" hidden>no WebGL here: turned by hand, drawn plainly</output></figcaption>'
        '<div class="field"><canvas id="solid" aria-hidden="true"></canvas><canvas id="over" tabindex="0" '
        'role="application" aria-label="3-D view of structures, path, entry and target. Arrow keys turn it, plus and '
        'minus zoom, space starts and stops turning, Home resets."></canvas></div></figure>'
    )


def _bar(found: Mapping[str, Any]) -> str:
    looks = "".join(f'<option value="{value}">{escape(name)}</option>' for value, name in _LOOKS)
    zooms = "".join(
        f'<button type="button" data-zoom="{zoom}" aria-pressed="{"true" if zoom == 1 else "false"}" '
        f'aria-label="Slices {zoom} times as large">{zoom}×</button>'
        for zoom in (1, 2, 4)
    )
    shell = any(one["opacity"] < 1 for one in found["structures"])
    skin = (
        '<label>Shells <input type="range" id="skin" min="0" max="100" value="50" '
        'aria-label="Opacity of the shells"></label>'
        if shell
        else '<input type="hidden" id="skin">'
    )
    return (
        '<div class="bar"><label class="grow">Tip along the path <input type="range" id="tip" min="0" max="1000" '
        f'value="1000"></label><span class="zooms">Slices {zooms}</span>'
        f'<label>View <select id="look">{looks}</select></label>{skin}'
        '<span class="zooms"><button type="button" id="farther" aria-label="3-D view: farther">−</button>'
        '<button type="button" id="nearer" aria-label="3-D view: nearer">+</button></span>'
        '<button type="button" id="turn" aria-pressed="false">↻ Turn</button></div>'
    )


def _read() -> str:
    return (
        '<div class="read"><span>Tip at <b id="arc">not available</b></span>'
        '<span>clearance <b id="clear">not available</b> <span id="nearest"></span></span>'
        '<span>crosshair <b id="here">not available</b></span></div>'
    )


def _reel(found: Mapping[str, Any]) -> str:
    if not found["film"]:
        return (
            '<div class="bar reel"><span class="soft">The film of the motion is not available.</span></div>'
        )
    last = len(found["film"]["t"]) - 1
    return (
        '<div class="bar reel"><button type="button" class="first" id="play" aria-pressed="false">▶ Play</button>'
        f'<label class="grow">Motion, simulated <input type="range" id="scrub" min="0" max="{last}" value="0"></label>'
        '<span id="moment"></span><button type="button" id="leave" hidden>Hide the arm</button></div>'
    )


def _legend(document: Mapping[str, Any], found: Mapping[str, Any], shown: Sequence[Structure]) -> str:
    far = {str(one.get("label")): one.get("clearance_mm") for one in critical_structures(document)}
    roles = {"target": "target", "blocks": "blocks the way", "weighted": "costs extra", "bone": "bone"}
    rows = [
        _row(
            one.key,
            swatch(one.colour),
            one.name,
            roles.get(one.role) or (number(far[one.key], 1, "mm") if far.get(one.key) is not None else ""),
        )
        for one in shown
    ]
    if found["path"]:
        ramp = (
            '<svg class="ramp" viewBox="0 0 74 10" aria-hidden="true"><defs><linearGradient id="room"><stop offset="0" '
            'stop-color="#ff4033"/><stop offset="0.22" stop-color="#ff4033"/><stop offset="0.24" stop-color="#ffc740"/>'
            '<stop offset="1" stop-color="#6bd4ff"/></linearGradient></defs><rect width="74" height="10" rx="5" '
            'fill="url(#room)"/></svg>'
        )
        rows.insert(0, _row("path", ramp, "Path: inside the margin, near, clear", ""))
    if found["plate"] and found["plate"]["spare"]:
        line = (
            '<svg class="swatch" viewBox="0 0 10 10" aria-hidden="true"><rect x="1" y="1" width="8" height="8" rx="4" '
            'fill="none" stroke="#ff5b4d" stroke-width="1.6"/></svg>'
        )
        rows.insert(1, _row("margin", line, "Margin the axis keeps out of", "slices"))
    if found["candidates"]:
        rows.append(
            _row("candidates", swatch("#8cccf2"), "Candidate trajectories", str(len(found["candidates"])))
        )
    if found["risk"]:
        rows.append(
            _row(
                "risk",
                swatch("#21918c"),
                "Risk of each entry: dark low, yellow high",
                str(len(found["risk"])),
            )
        )
    return f'<ul class="legend" aria-label="What is shown">{"".join(rows)}</ul>' if rows else ""


def _row(key: str, picture: str, name: str, note: str, *, on: bool = True) -> str:
    checked = " checked" if on else ""
    return (
        f'<li><label><input type="checkbox" data-toggle="{escape(key)}"{checked}>{picture}<span>{escape(name)}</span>'
        f'<span class="far">{escape(note)}</span></label></li>'
    )
