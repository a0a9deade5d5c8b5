"""Charts as inline SVG: scales, ticks, paths. Colours come from the style sheet, so that they follow the theme."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

HOUR_STEPS = (0.25, 0.5, 1, 2, 3, 6, 12, 24, 48, 72, 168, 336, 720, 2160, 8760, 26280, 87600)
"""Hours between ticks of a time axis: up to days, weeks, months and years."""


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A chart's drawing area, and how hours and values fall into it.

    Attributes
    ----------
    width, height
        Of the whole, in its own units.
    left, right, top, bottom
        Margins.
    hours, values
        Ends of both scales; an empty scale is widened.
    """

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    hours: tuple[float, float]
    values: tuple[float, float]

    def x(self, hour: float) -> float:
        """Where an hour lies."""
        first, last = self.hours
        return self.left + (hour - first) / max(last - first, 1e-9) * (self.width - self.left - self.right)

    def y(self, value: float) -> float:
        """Where a value lies."""
        low, high = self.values
        share = (value - low) / max(high - low, 1e-9)
        return self.height - self.bottom - share * (self.height - self.top - self.bottom)


def n(value: float) -> str:
    """A coordinate, short."""
    return f"{value:.1f}".rstrip("0").rstrip(".")


def line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    """A straight line."""
    return f'<line class="{style}" x1="{n(x1)}" y1="{n(y1)}" x2="{n(x2)}" y2="{n(y2)}"/>'


def rect(x: float, y: float, width: float, height: float, style: str, *, round_: float = 0) -> str:
    """A rectangle; nothing where it would be empty."""
    if width <= 0 or height <= 0:
        return ""
    corner = f' rx="{n(round_)}"' if round_ else ""
    return f'<rect class="{style}" x="{n(x)}" y="{n(y)}" width="{n(width)}" height="{n(height)}"{corner}/>'


def text(x: float, y: float, words: str, *, anchor: str = "start", style: str = "") -> str:
    """Words at a place."""
    kind = f' class="{style}"' if style else ""
    return f'<text x="{n(x)}" y="{n(y)}" text-anchor="{anchor}"{kind}>{escape(words)}</text>'


def path(points: Iterable[tuple[float, float] | None], style: str, *, stepped: bool = False) -> str:
    """A line through points, broken where one is missing; stepped, it holds each value until the next."""
    parts: list[str] = []
    before: tuple[float, float] | None = None
    for point in points:
        if point is not None:
            x, y = point
            if before is None:
                parts.append(f"M{n(x)} {n(y)}")
            else:
                parts.append(f"H{n(x)}V{n(y)}" if stepped else f"L{n(x)} {n(y)}")
        before = point
    return f'<path class="{style}" d="{"".join(parts)}"/>' if parts else ""


def area(upper: Sequence[tuple[float, float]], lower: Sequence[tuple[float, float]], style: str) -> str:
    """The surface between two lines."""
    if len(upper) < 2:
        return ""
    around = [*upper, *reversed(lower)]
    return f'<path class="{style}" d="M{"L".join(f"{n(x)} {n(y)}" for x, y in around)}Z"/>'


def stepped(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The corners of a line that holds each value until the next."""
    found = list(points[:1])
    for (_, before), (x, y) in pairwise(points):
        found += [(x, before), (x, y)]
    return found


def mark(x: float, y: float, style: str, shape: str = "dot", *, size: float = 2.6, told: str = "") -> str:
    """A point: ``dot``, ``up`` or ``down`` triangle; ``told`` is read out and shown on hovering."""
    title = f"<title>{escape(told)}</title>" if told else ""
    if shape == "dot":
        return f'<circle class="{style}" cx="{n(x)}" cy="{n(y)}" r="{n(size)}">{title}</circle>'
    sign = 1 if shape == "up" else -1
    tip, base, half = y - sign * size * 1.25, y + sign * size * 0.85, size * 1.15
    corners = f"{n(x)},{n(tip)} {n(x + half)},{n(base)} {n(x - half)},{n(base)}"
    return f'<polygon class="{style}" points="{corners}">{title}</polygon>'


def picture(frame: Frame, parts: Iterable[str], told: str) -> str:
    """The whole chart; ``told`` describes it to those who cannot see it."""
    return (
        f'<svg viewBox="0 0 {n(frame.width)} {n(frame.height)}" role="img" aria-label="{escape(told)}">'
        + "".join(part for part in parts if part)
        + "</svg>"
    )


def ticks(low: float, high: float, most: int) -> list[float]:
    """At most ``most`` round values between two ends."""
    span = high - low
    if span <= 0 or not math.isfinite(span):
        return [low]
    raw = span / max(most - 1, 1)
    power = 10 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9) * step
    count = int((high - first) / step + 1e-9)
    return [first + k * step for k in range(count + 1)]


def hour_ticks(first: float, last: float, most: int) -> list[tuple[float, str]]:
    """Ticks of a time axis with their labels: hours, days, or years where the time is long."""
    span = max(last - first, 1e-9)
    step = next((one for one in HOUR_STEPS if span / one <= most), HOUR_STEPS[-1])
    found, at = [], math.ceil(first / step - 1e-9) * step
    while at <= last + 1e-9:
        found.append((at, _hours(at, step)))
        at += step
    return found


def _hours(at: float, step: float) -> str:
    if step >= 2160:
        return f"{at / 8766:.3g} y"
    if step >= 48:
        return f"{at / 24:g} d"
    return f"{at:g} h"


def figure(value: float) -> str:
    """A value as an axis or a label shows it."""
    if value != 0 and (abs(value) >= 100_000 or abs(value) < 0.001):
        return f"{value:.2g}"
    return f"{value:.4g}"
