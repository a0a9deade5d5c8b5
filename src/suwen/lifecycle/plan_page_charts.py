"""Charts of a plan's page: clearance along the path, the tip's error over time. Drawn here, followed by the page."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Any

from suwen.lifecycle.patient_page_svg import Frame, line, mark, n, path, picture, rect, text, ticks
from suwen.lifecycle.plan_page_data import film_frames
from suwen.lifecycle.plan_page_palette import readable

MOST_DRAWN = 1_200
"""Points of a line."""


def clearance(document: Mapping[str, Any]) -> str:
    """The certificate's curve, with the margin and the structure that is nearest from where to where."""
    certificate = document.get("certificate") or {}
    curve = certificate.get("curve") or {}
    arc, far = curve.get("arc_mm") or [], curve.get("clearance_mm") or []
    known = [(at, value) for at, value in zip(arc, far, strict=False) if value is not None]
    if len(known) < 2:
        return ""
    margin = (document.get("margin") or {}).get("margin_mm")
    high = _round_up(max(value for _, value in known))
    low = min(0.0, *(value for _, value in known))
    frame = Frame(
        width=1080,
        height=286,
        left=52,
        right=20,
        top=18,
        bottom=62,
        hours=(arc[0], arc[-1]),
        values=(low, high),
    )
    parts = _axes(frame, "mm along the path, from the entry", "clearance, mm")
    if margin is not None:
        parts += [
            rect(frame.left, frame.y(margin), frame.width - frame.left - frame.right,
                 frame.height - frame.bottom - frame.y(margin), "forbidden"),
            line(frame.left, frame.y(margin), frame.width - frame.right, frame.y(margin), "threshold"),
            text(frame.left + 6, frame.y(margin) - 5, f"margin {margin:.2f} mm", style="bad-text"),
        ]  # fmt: skip
    step = max(len(known) // MOST_DRAWN, 1)
    parts.append(path([(frame.x(at), frame.y(value)) for at, value in known[::step]], "line thick"))
    parts += _nearest(frame, arc, curve.get("nearest") or [])
    at, least = min(known, key=lambda one: one[1])
    parts.append(
        mark(
            frame.x(at),
            frame.y(least),
            "ring",
            size=4.5,
            told=f"least clearance {least:.2f} mm at {at:.1f} mm",
        )
    )
    parts += _now()
    told = (
        f"Clearance along the path: least {least:.2f} mm at {at:.1f} mm from the entry"
        + (f", margin {margin:.2f} mm" if margin is not None else "")
        + ". The slider 'Tip along the path' moves along it."
    )
    return _followed("curve", frame, picture(frame, parts, told), "Clearance along the path")


def error(document: Mapping[str, Any]) -> str:
    """The tip's error over the time of the simulated motion."""
    frames = [one for one in film_frames(document) if one["error"] is not None]
    if len(frames) < 2:
        return ""
    most = max(one["error"] for one in frames)
    frame = Frame(
        width=1080, height=200, left=62, right=20, top=16, bottom=42,
        hours=(frames[0]["t"], frames[-1]["t"]), values=(0.0, _round_up(most)),
    )  # fmt: skip
    parts = []
    for inside, run in groupby(frames, key=lambda one: one["inside"]):
        stretch = list(run)
        if inside:
            left, right = frame.x(stretch[0]["t"]), frame.x(stretch[-1]["t"])
            parts += [
                rect(left, frame.top, right - left, frame.height - frame.top - frame.bottom, "interval"),
                text(left + 6, frame.top + 12, "in the patient"),
            ]
    parts += _axes(frame, "s since the motion began", "tip error, mm")
    parts.append(path([(frame.x(one["t"]), frame.y(one["error"])) for one in frames], "line"))
    parts += _now()
    told = f"Error of the simulated tip over time: at most {most:.3f} mm in the frames shown"
    return _followed("error-chart", frame, picture(frame, parts, told), "Tip error over time")


def gauge(clearance_mm: float, margin_mm: float) -> str:
    """Least clearance against the margin, on one scale."""
    high = _round_up(max(clearance_mm, margin_mm) * 1.15)
    frame = Frame(width=440, height=54, left=4, right=14, top=8, bottom=26, hours=(0, high), values=(0, 1))
    good = clearance_mm >= margin_mm
    x = frame.x(max(clearance_mm, 0))
    parts = [
        rect(frame.left, 12, frame.width - frame.left - frame.right, 12, "track", round_=6),
        rect(frame.left, 12, max(x - frame.left, 3), 12, "fill-good" if good else "fill-up", round_=6),
        line(frame.x(margin_mm), 6, frame.x(margin_mm), 30, "threshold solid-line"),
        text(
            frame.x(margin_mm),
            45,
            f"margin {margin_mm:.2f}",
            anchor="middle" if margin_mm > high / 8 else "start",
        ),
        text(frame.width - frame.right, 45, f"{high:g} mm", anchor="end"),
    ]
    return picture(frame, parts, f"Least clearance {clearance_mm:.2f} mm; margin {margin_mm:.2f} mm")


def _axes(frame: Frame, below: str, beside: str) -> list[str]:
    parts = []
    for value in ticks(*frame.values, 5):
        y = frame.y(value)
        parts += [
            line(frame.left, y, frame.width - frame.right, y, "grid"),
            text(frame.left - 7, y + 4, f"{value:.4g}", anchor="end"),
        ]
    floor = frame.height - frame.bottom
    for at in ticks(*frame.hours, 9):
        parts += [
            line(frame.x(at), floor, frame.x(at), floor + 4, "axis"),
            text(frame.x(at), floor + 16, f"{at:.4g}", anchor="middle"),
        ]
    parts += [
        line(frame.left, floor, frame.width - frame.right, floor, "axis"),
        text(frame.width - frame.right, frame.height - 4, below, anchor="end"),
        text(frame.left - 46, 11, beside, style="strong"),
    ]
    return parts


def _nearest(frame: Frame, arc: Sequence[float], names: Sequence[str]) -> list[str]:
    """Below the axis, which structure is nearest from where to where."""
    if len(names) != len(arc):
        return []
    parts, place, top = [], 0, frame.height - frame.bottom + 24
    for turn, (name, run) in enumerate(groupby(names)):
        count = len(list(run))
        left, right = frame.x(arc[place]), frame.x(arc[min(place + count, len(arc) - 1)])
        place += count
        parts.append(rect(left + 0.6, top, right - left - 1.2, 17, f"span span-{turn % 2}", round_=3))
        room = (right - left - 10) / 6.1
        shown = readable(name)
        if room >= 5:
            shown = shown if len(shown) <= room else shown[: int(room) - 1] + "…"
            parts.append(text((left + right) / 2, top + 12.5, shown, anchor="middle"))
    return parts


def _now() -> list[str]:
    """What the page's program moves."""
    return [
        '<line class="now" visibility="hidden" x1="0" x2="0" y1="14" y2="100%"/>',
        '<circle class="now-dot" visibility="hidden" r="5.5" cx="0" cy="0"/>',
        '<text class="now-text" visibility="hidden" x="0" y="0"></text>',
    ]


def _followed(name: str, frame: Frame, svg: str, title: str) -> str:
    svg = svg.replace('y2="100%"', f'y2="{n(frame.height - frame.bottom)}"')
    scale = {
        "left": frame.left, "right": frame.right, "top": frame.top, "bottom": frame.bottom, "width": frame.width,
        "height": frame.height, "xlow": frame.hours[0], "xhigh": frame.hours[1], "ylow": frame.values[0],
        "yhigh": frame.values[1],
    }  # fmt: skip
    return (
        f'<div class="card wide chart" id="{name}" tabindex="0" role="group" aria-label="{title}: left and right '
        f'arrow keys move along it" data-scale="{escape(json.dumps(scale))}">{svg}</div>'
    )


def _round_up(value: float) -> float:
    """The next round number at or above."""
    if value <= 0 or not math.isfinite(value):
        return 1.0
    power = 10 ** math.floor(math.log10(value))
    return float(
        next(step * power for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if step * power >= value * 0.999)
    )
