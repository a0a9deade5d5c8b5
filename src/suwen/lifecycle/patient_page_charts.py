"""The charts of a patient's page: the answer's gauge, risk over time, one small chart per variable, a curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from suwen.lifecycle.patient_page_svg import (
    Frame,
    area,
    figure,
    hour_ticks,
    line,
    mark,
    path,
    picture,
    rect,
    stepped,
    text,
    ticks,
)

MOST_POINTS = 240
"""Points of one variable that are drawn; of more, the extremes of each stretch are kept."""
SHARE = "probability"


def shown_risk(value: float | None, unit: str) -> str:
    """A risk in words: a percentage, or points."""
    if value is None:
        return "no answer"
    return f"{100 * value:.1f}%" if unit == SHARE else f"{value:g}"


def gauge(answer: Mapping[str, Any], risk: Mapping[str, Any]) -> str:
    """The answer on its scale, with interval and threshold; a small probability's scale is cut short."""
    low, high = risk["scale"]
    if risk["unit"] == SHARE:
        ends = answer["interval"] or (answer["value"], answer["value"])
        high = _ceiling([(0.0, answer["value"], *ends)], answer["threshold"])
    frame = Frame(width=420, height=58, left=4, right=4, top=8, bottom=24, hours=(low, high), values=(0, 1))
    top, size = 14.0, 12.0
    parts = [rect(frame.left, top, frame.width - frame.left - frame.right, size, "track", round_=6)]
    parts += _levels_across(frame, risk["levels"], high, top, size)
    if answer["interval"]:
        a, b = (frame.x(end) for end in answer["interval"])
        parts.append(rect(a, top, max(b - a, 2), size, "interval", round_=4))
        parts.append(rect(a, top + 4, max(b - a, 2), size - 8, "interval"))
    cut = frame.x(answer["threshold"])
    parts.append(line(cut, top - 5, cut, top + size + 5, "threshold"))
    near = cut > frame.width / 2
    parts.append(
        text(cut + (-6 if near else 6), 44, f"threshold {shown_risk(answer['threshold'], risk['unit'])}",
             anchor="end" if near else "start")
    )  # fmt: skip
    parts.append(mark(frame.x(answer["value"]), top + size / 2, "ring", size=7))
    ends = (shown_risk(low, risk["unit"]), shown_risk(high, risk["unit"]))
    parts += [text(frame.left, 57, ends[0]), text(frame.width - frame.right, 57, ends[1], anchor="end")]
    return picture(frame, parts, f"{answer['headline']} {answer['unit']}, {answer['said'] or ''}")


def _levels_across(
    frame: Frame, levels: Sequence[Mapping[str, Any]], high: float, top: float, size: float
) -> list[str]:
    ends = [level["at"] for level in levels[1:]] + [high] * bool(levels)
    return [
        rect(frame.x(level["at"]), top, frame.x(end) - frame.x(level["at"]), size, f"level-{min(at, 2)}")
        for at, (level, end) in enumerate(zip(levels, ends, strict=True))
    ]


def course(risk: Mapping[str, Any], alarms: Sequence[Mapping[str, Any]], end_h: float) -> str:
    """Risk over time with its interval, threshold and alarms."""
    known = [
        (hour, value, low, high)
        for hour, value, low, high in zip(
            risk["hours"],
            risk["values"],
            risk["low"] or risk["values"],
            risk["high"] or risk["values"],
            strict=True,
        )
        if value is not None
    ]
    if not known:
        return ""
    points = risk["unit"] != SHARE
    first = min([hour for hour, *_ in known] + [0.0])
    most = risk["scale"][1] if points else _ceiling(known, risk["threshold"])
    frame = Frame(
        width=1060, height=270, left=52, right=64, top=16, bottom=28, hours=(first, max(end_h, first + 1)),
        values=(0, most),
    )  # fmt: skip
    parts = _levels_behind(frame, risk["levels"]) + _grid(frame, risk["unit"])
    upper = [(frame.x(hour), frame.y(min(high, most))) for hour, _, _, high in known]
    lower = [(frame.x(hour), frame.y(low)) for hour, _, low, _ in known]
    if risk["low"] is not None:
        parts.append(
            area(stepped(upper), stepped(lower), "interval") if points else area(upper, lower, "interval")
        )
    cut = frame.y(risk["threshold"])
    parts.append(line(frame.left, cut, frame.width - frame.right, cut, "threshold"))
    parts.append(
        text(
            frame.width - frame.right + 6,
            cut + 4,
            shown_risk(risk["threshold"], risk["unit"]),
            style="bad-text",
        )
    )
    drawn = [
        None if value is None else (frame.x(hour), frame.y(value))
        for hour, value in zip(risk["hours"], risk["values"], strict=True)
    ]
    parts.append(path(drawn, "line thick", stepped=points))
    parts += [
        mark(
            frame.x(hour),
            frame.y(value),
            "dot",
            size=2.2,
            told=f"hour {hour:.4g}: {_told(value, low, high, risk)}",
        )
        for hour, value, low, high in known
    ]
    for alarm in alarms:
        x, y = frame.x(alarm["hour"]), frame.y(min(alarm["risk"], most))
        told = f"alarm at hour {alarm['hour']:.4g}: {shown_risk(alarm['risk'], risk['unit'])}"
        parts.append(line(x, y, x, frame.height - frame.bottom, "hair"))
        parts.append(mark(x, y - 9, "bell", "down", size=5, told=told))
    hour, value, *_ = known[-1]
    parts.append(mark(frame.x(hour), frame.y(value), "ring", size=4.5))
    away = abs(frame.y(value) - cut) < 14
    parts.append(
        text(frame.x(hour) + 9, frame.y(value) + ((-8 if value >= risk["threshold"] else 16) if away else 4),
             shown_risk(value, risk["unit"]), style="strong")
    )  # fmt: skip
    said = (
        f"{risk['title']} over {end_h:g} hours, now {shown_risk(value, risk['unit'])}, {len(alarms)} alarms"
    )
    return picture(frame, parts, said)


def _told(value: float, low: float, high: float, risk: Mapping[str, Any]) -> str:
    said = shown_risk(value, risk["unit"])
    if risk["low"] is None or low == high:
        return said
    return f"{said} ({shown_risk(low, risk['unit'])} to {shown_risk(high, risk['unit'])})"


def _ceiling(known: Sequence[tuple[float, float, float, float]], threshold: float) -> float:
    """Top of a probability's scale: round, above the highest interval and the threshold."""
    need = min(1.0, 1.08 * max(threshold, *(high for *_, high in known)))
    return next(top for top in (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0) if top >= need)


def _grid(frame: Frame, unit: str, *, most: int = 6, times: int = 14) -> list[str]:
    right, floor = frame.width - frame.right, frame.height - frame.bottom
    parts = []
    for value in ticks(*frame.values, most):
        y = frame.y(value)
        label = f"{100 * value:g}%" if unit == SHARE else figure(value)
        parts += [line(frame.left, y, right, y, "grid"), text(frame.left - 7, y + 4, label, anchor="end")]
    for hour, label in hour_ticks(*frame.hours, times):
        parts.append(text(frame.x(hour), frame.height - 8, label, anchor="middle"))
        parts.append(line(frame.x(hour), floor, frame.x(hour), floor + 4, "axis"))
    return [*parts, line(frame.left, floor, right, floor, "axis")]


def _levels_behind(frame: Frame, levels: Sequence[Mapping[str, Any]]) -> list[str]:
    parts = []
    ends = [level["at"] for level in levels[1:]] + [frame.values[1]] * bool(levels)
    for at, (level, end) in enumerate(zip(levels, ends, strict=True)):
        y = frame.y(end)
        parts.append(
            rect(
                frame.left,
                y,
                frame.width - frame.left - frame.right,
                frame.y(level["at"]) - y,
                f"level-{min(at, 2)}",
            )
        )
        parts.append(text(frame.width - frame.right + 6, y + 13, level["name"]))
    return parts


def strip(variable: Mapping[str, Any]) -> str:
    """A single value on its usual range: for what has no course."""
    value, (low, high) = variable["values"][-1], variable["reference"]
    bounds = [one for one in (low, high) if one is not None]
    if not bounds:
        return ""
    reach = [value, *bounds, *([0.0] if len(bounds) == 1 else [])]
    pad = 0.15 * (max(reach) - min(reach)) or 1.0
    frame = Frame(
        width=280, height=34, left=6, right=6, top=4, bottom=14, hours=(min(reach) - pad, max(reach) + pad),
        values=(0, 1),
    )  # fmt: skip
    first = frame.left if low is None else frame.x(low)
    last = frame.width - frame.right if high is None else frame.x(high)
    parts = [
        rect(frame.left, 6, frame.width - 12, 8, "track", round_=4),
        rect(first, 6, last - first, 8, "ref"),
    ]
    parts += [text(frame.x(bound), 29, figure(bound), anchor="middle") for bound in bounds]
    beyond = variable["latest"]["beyond"]
    shape, style = {"high": ("up", "out"), "low": ("down", "under")}.get(beyond, ("dot", "dot"))
    parts.append(mark(frame.x(value), 10, style, shape, size=4.5))
    return picture(frame, parts, f"{variable['title']} {variable['latest']['shown']}")


def recent(variable: Mapping[str, Any], hours: float) -> dict[str, Any]:
    """The last hours of a variable, for a forecast to be seen beside them."""
    start = variable["hours"][-1] - hours
    kept = [at for at, hour in enumerate(variable["hours"]) if hour >= start]
    return {
        **variable,
        "hours": [variable["hours"][at] for at in kept],
        "values": [variable["values"][at] for at in kept],
    }


def small(variable: Mapping[str, Any], end_h: float, outlook: Mapping[str, Any] | None = None) -> str:
    """One variable over time, its reference range shaded; a forecast of it, where there is one."""
    hours, values = thin(variable["hours"], variable["values"])
    low, high = variable["reference"]
    bounds = [one for one in (low, high) if one is not None]
    reach = [*values, *bounds, *((outlook["low"] + outlook["high"]) if outlook else [])]
    least, most = min(reach), max(reach)
    pad = 0.08 * (most - least) or max(abs(most) * 0.1, 0.5)
    last = max(end_h, hours[-1], *(outlook["hours"] if outlook else [0.0]))
    wide = outlook is not None
    frame = Frame(
        width=1060 if wide else 280, height=220 if wide else 104, left=40 if wide else 34, right=8, top=8, bottom=18,
        hours=(hours[0] if wide else min(0.0, hours[0]), max(last, hours[0] + 1.0)), values=(least - pad, most + pad),
    )  # fmt: skip
    parts = _reference(frame, low, high)
    parts += _scale(frame, [*bounds, min(values), max(values)], 12 if wide else 5)
    if outlook:
        fan = list(zip(outlook["hours"], outlook["low"], outlook["high"], strict=True))
        start = (frame.x(hours[-1]), frame.y(values[-1]))
        parts.append(
            area(
                [start, *((frame.x(h), frame.y(b)) for h, _, b in fan)],
                [start, *((frame.x(h), frame.y(a)) for h, a, _ in fan)],
                "interval",
            )
        )
        ahead = zip(outlook["hours"], outlook["values"], strict=True)
        parts.append(path([start, *((frame.x(h), frame.y(v)) for h, v in ahead)], "threshold line"))
        parts += [
            mark(frame.x(h), frame.y(v), "ring", size=4, told=f"forecast {figure(v)}")
            for h, v in zip(outlook["hours"], outlook["values"], strict=True)
        ]
    if len(values) > 1:
        parts.append(path([(frame.x(h), frame.y(v)) for h, v in zip(hours, values, strict=True)], "line"))
    parts += [_dot(frame, hour, value, variable) for hour, value in zip(hours, values, strict=True)]
    said = (
        f"{variable['title']}: {len(variable['values'])} values from {figure(min(variable['values']))} to "
        f"{figure(max(variable['values']))} {variable['unit']}, {variable['outside']} outside the reference range"
    )
    return picture(frame, parts, said)


def _reference(frame: Frame, low: float | None, high: float | None) -> list[str]:
    if low is None and high is None:
        return []
    top = frame.top if high is None else max(frame.y(high), frame.top)
    floor = frame.height - frame.bottom if low is None else min(frame.y(low), frame.height - frame.bottom)
    right = frame.width - frame.right
    parts = [rect(frame.left, top, right - frame.left, max(floor - top, 0.8), "ref")]
    parts += [
        line(frame.left, frame.y(bound), right, frame.y(bound), "ref-line")
        for bound in (low, high)
        if bound is not None
    ]
    return parts


def _scale(frame: Frame, wanted: Sequence[float], times: int) -> list[str]:
    """Labels of the bounds and extremes that do not collide, and a time axis."""
    parts: list[str] = []
    taken: list[float] = []
    for value in dict.fromkeys(wanted):
        y = frame.y(value)
        if all(abs(y - other) >= 11 for other in taken):
            taken.append(y)
            parts.append(text(frame.left - 5, y + 4, figure(value), anchor="end"))
    floor = frame.height - frame.bottom
    parts.append(line(frame.left, floor, frame.width - frame.right, floor, "axis"))
    for hour, label in hour_ticks(*frame.hours, times):
        edge = frame.x(hour) > frame.width - frame.right - 10
        parts.append(text(frame.x(hour), frame.height - 5, label, anchor="end" if edge else "middle"))
    return parts


def _dot(frame: Frame, hour: float, value: float, variable: Mapping[str, Any]) -> str:
    low, high = variable["reference"]
    told = f"hour {hour:.4g}: {figure(value)} {variable['unit']}"
    if high is not None and value > high:
        return mark(frame.x(hour), frame.y(value), "out", "up", told=told)
    if low is not None and value < low:
        return mark(frame.x(hour), frame.y(value), "under", "down", told=told)
    return mark(frame.x(hour), frame.y(value), "dot", size=1.9, told=told)


def thin(hours: Sequence[float], values: Sequence[float]) -> tuple[list[float], list[float]]:
    """All points where they are few; of many, the lowest and highest of each stretch, and the last."""
    if len(values) <= MOST_POINTS:
        return list(hours), list(values)
    size = -(-len(values) // (MOST_POINTS // 2))
    kept: set[int] = {len(values) - 1}
    for start in range(0, len(values), size):
        stretch = range(start, min(start + size, len(values)))
        kept |= {min(stretch, key=values.__getitem__), max(stretch, key=values.__getitem__)}
    places = sorted(kept)
    return [hours[at] for at in places], [values[at] for at in places]


def survival(curve: Mapping[str, Any]) -> str:
    """A survival curve, in the unit of the data the model learned from."""
    times, shares = curve["times"], curve["probabilities"]
    frame = Frame(
        width=1060,
        height=260,
        left=52,
        right=24,
        top=14,
        bottom=28,
        hours=(0, max(times[-1], 1e-9)),
        values=(0, 1),
    )
    parts = []
    for value in ticks(0, 1, 6):
        y = frame.y(value)
        parts.append(line(frame.left, y, frame.width - frame.right, y, "grid"))
        parts.append(text(frame.left - 7, y + 4, f"{100 * value:g}%", anchor="end"))
    parts += [
        text(frame.x(time), frame.height - 8, figure(time), anchor="middle")
        for time in ticks(0, times[-1], 10)
    ]
    points = [(frame.x(0), frame.y(1))] + [
        (frame.x(time), frame.y(share)) for time, share in zip(times, shares, strict=True)
    ]
    parts.append(path(points, "line thick", stepped=True))
    return picture(frame, parts, f"Probability that {curve['event']} has not happened, over time")


def bar(value: float, most: float) -> str:
    """A bar to the right for what raises, to the left for what lowers."""
    frame = Frame(width=100, height=12, left=0, right=0, top=0, bottom=0, hours=(-1, 1), values=(0, 1))
    size = 50 * min(abs(value) / most, 1.0) if most > 0 else 0.0
    parts = [line(50, 0, 50, 12, "axis")]
    parts.append(
        rect(50 if value > 0 else 50 - size, 2, size, 8, "fill-up" if value > 0 else "fill-down", round_=1.5)
    )
    return picture(frame, parts, f"{value:+.2f}")
