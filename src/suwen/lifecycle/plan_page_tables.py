"""Tables of a plan's page: structures, candidates, error budget, motion, and the chain of hashes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from suwen.lifecycle.plan_page_palette import Structure, readable
from suwen.lifecycle.plan_page_words import NOT_AVAILABLE, inner, measured, number, place

MOST_ROWS = 40


def heading(words: str, chinese: str) -> str:
    """A section's heading in both languages."""
    return f'<h2>{escape(words)} <small lang="zh">{escape(chinese)}</small></h2>'


def swatch(colour: str) -> str:
    """A square of a structure's colour."""
    return (
        f'<svg class="swatch" viewBox="0 0 10 10" aria-hidden="true"><rect width="10" height="10" rx="2.5" '
        f'fill="{escape(colour)}"/></svg>'
    )


def table(
    head: Sequence[tuple[str, bool]], rows: Sequence[Sequence[str]], caption: str, style: str = ""
) -> str:
    """A table; ``head`` says of each column whether it holds figures. Cells are HTML."""
    top = "".join(f'<th scope="col"{_right(figures)}>{escape(name)}</th>' for name, figures in head)
    body = "".join(
        "<tr>"
        + "".join(
            f'<th scope="row">{cell}</th>' if not column else f"<td{_right(head[column][1])}>{cell}</td>"
            for column, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="sheet card" tabindex="0" role="region" aria-label="{escape(caption)}"><table class="{style}">'
        f'<caption class="hidden">{escape(caption)}</caption>'
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _right(figures: bool) -> str:
    return ' class="r"' if figures else ""


def certificate(document: Mapping[str, Any], shown: Sequence[Structure]) -> str:
    """Every critical structure: clearance, margin, what is to spare, whether it holds."""
    found = [*(inner(document, "certificate", "structures") or ())]
    title = heading("Certificate", "安全证书")
    if not found:
        return f'{title}<p class="soft">The certificate of each structure is {NOT_AVAILABLE}.</p>'
    colours = {one.key: one.colour for one in shown}
    rows = []
    for one in found:
        far, margin = one.get("clearance_mm"), one.get("margin_mm")
        spare = one.get("slack_mm")
        if spare is None and far is not None and margin is not None:
            spare = far - margin
        colour = colours.get(str(one.get("label")))
        name = readable(one.get("name") or f"label {one.get('label')}")
        rows.append(
            [
                f"{swatch(colour) if colour else ''}{escape(name)}",
                number(far, 2),
                number(margin, 2),
                number(spare, 2),
                _at(one.get("arc_mm")),
                _held(one.get("holds")),
            ]
        )
    checked = inner(document, "certificate", "step_mm")
    how = (
        f" Checked in steps of {checked:g} mm by code of its own; clearance is from the surface of the instrument."
        if checked
        else ""
    )
    head = [
        ("Structure", False), ("Clearance, mm", True), ("Margin, mm", True), ("To spare, mm", True),
        ("Nearest at, mm from entry", True), ("Margin", False),
    ]  # fmt: skip
    return (
        f'{title}<p class="soft small">The margin of every critical structure, the least to spare first.{how}</p>'
        + table(head, rows, "Clearance of each critical structure")
    )


def _at(arc: Any) -> str:
    return number(arc, 1)


def _held(holds: Any) -> str:
    if holds is None:
        return NOT_AVAILABLE
    return '<b class="good">✓ keeps it</b>' if holds else '<b class="bad">✕ too near</b>'


def candidates(document: Mapping[str, Any]) -> str:
    """Ranked trajectories, where the plan has any."""
    found = list(document.get("alternatives") or ())
    if not found:
        return ""
    rows = []
    for rank, one in enumerate(found[:MOST_ROWS], start=1):
        feasible = one.get("feasible")
        reasons = one.get("reasons") or ()
        why = readable("; ".join(map(str, [reasons] if isinstance(reasons, str) else reasons)))
        rows.append(
            [
                str(one.get("rank", rank)),
                escape(place(one.get("entry_lps_mm"))),
                number(one.get("score"), 3),
                number(one.get("clearance_mm"), 2),
                number(one.get("angle_deg"), 1),
                number(one.get("length_mm"), 1),
                (
                    ""
                    if feasible is None
                    else '<b class="good">✓</b> '
                    if feasible
                    else '<b class="bad">✕</b> '
                )
                + escape(why),
            ]
        )
    head = [
        ("Rank", False), ("Entry", False), ("Score", True), ("Clearance, mm", True), ("Angle to bone, °", True),
        ("Length, mm", True), ("Feasible", False),
    ]  # fmt: skip
    more = f" The first {MOST_ROWS} of {len(found)}." if len(found) > MOST_ROWS else ""
    return (
        f'{heading("Candidates", "候选轨迹")}<p class="soft small">Straight trajectories, the best first.{more}</p>'
        + table(head, rows, "Ranked trajectories")
    )


def budget(document: Mapping[str, Any]) -> str:
    """Where the margin comes from."""
    margin = document.get("margin") or {}
    title = heading("Where the margin comes from", "误差预算")
    if margin.get("margin_mm") is None:
        return f'{title}<p class="soft">The error budget is {NOT_AVAILABLE}.</p>'
    rows = []
    for one in margin.get("contributions") or ():
        given = one.get("value_mm", one.get("mm"))
        value = (
            " × ".join(f"{part:g}" for part in dict.fromkeys(given))
            if isinstance(given, (list, tuple))
            else f"{given:g}"
            if isinstance(given, (int, float))
            else NOT_AVAILABLE
        )
        rows.append(
            [
                escape(readable(one.get("name") or "")),
                value,
                number(one.get("alone_mm"), 2),
                escape(str(one.get("stated") or "")),
            ]
        )
    coverage = margin.get("coverage")
    said = f"Together {margin['margin_mm']:.2f} mm" + (
        f", which {100 * coverage:g}% of errors do not exceed." if coverage else "."
    )
    note = margin.get("registration")
    if isinstance(note, str):
        said += f" Registration: {note}."
    head = [
        ("Source of error", False),
        ("Stated, mm", True),
        ("Alone it would ask, mm", True),
        ("Stated as", False),
    ]
    body = table(head, rows, "Error budget") if rows else ""
    return f'{title}<p class="soft small">{escape(said)}</p>{body}'


def motion(document: Mapping[str, Any]) -> str:
    """What the simulated motion measured."""
    found = document.get("motion") or {}
    if not found:
        return ""
    rows = []
    for name, key in (
        ("Tip error", "tip_error_mm"),
        ("Distance of the tip from the path", "path_error_mm"),
        ("Drift of the shaft at the entry", "rcm_drift_mm"),
    ):
        one = measured(found, key)
        if one:
            rows.append(
                [name, number(one.get("max"), 3), number(one.get("p95"), 3), number(one.get("rms"), 3)]
            )
    head = [("mm", False), ("Largest", True), ("95%", True), ("Root mean square", True)]
    said = ". ".join(
        readable(text).rstrip(".") for text in (found.get("sentence"), found.get("statement")) if text
    )
    body = table(head, rows, "Errors of the simulated motion") if rows else ""
    return f'<p class="soft small">{escape(said)}.</p>{body}' if said else body


def chain(document: Mapping[str, Any]) -> str:
    """Image, plan, certificate, motion and measured error: each hash holds all before it."""
    found = document.get("chain") or {}
    title = heading("Chain", "签名链")
    if not found.get("steps"):
        return f'{title}<p class="soft">The chain of hashes is {NOT_AVAILABLE}.</p>'
    steps = "".join(
        f"<li><b>{escape(readable(one.get('kind') or ''))}</b><code>{escape(str(one.get('sha256') or ''))}</code>"
        + (
            f'<span class="soft">after</span><code>{escape(str(one["previous"]))}</code>'
            if one.get("previous")
            else ""
        )
        + "</li>"
        for one in found["steps"]
    )
    key = found.get("key") or found.get("public_key")
    lines = [("Head", found.get("head")), ("Signature", found.get("signature")), ("Public key", _key(key))]
    lines += [
        (readable(name).capitalize(), value) for name, value in (document.get("provenance") or {}).items()
    ]
    ledger = document.get("ledger")
    if isinstance(ledger, Mapping):
        lines.append(
            ("Ledger", f"{ledger.get('log')}, {ledger.get('plan_id')}, revision {ledger.get('revision')}")
        )
    image = document.get("image") or {}
    lines.append(("Image", image.get("sha256")))
    told = "".join(
        f"<dt>{escape(name)}</dt><dd><code>{escape(str(value))}</code></dd>" for name, value in lines if value
    )
    signed = "Signed." if found.get("signature") else "Not signed."
    return (
        f'{title}<p class="soft small">Each step holds its own content and, by hash, everything before it. {signed} '
        f"<code>suwen plan check</code> verifies it against the image.</p>"
        f'<div class="card padded"><ol class="chain">{steps}</ol><details><summary>Signature and provenance</summary>'
        f"<dl>{told}</dl></details></div>"
    )


def _key(pem: Any) -> str | None:
    if not pem:
        return None
    return "".join(line for line in str(pem).splitlines() if "-----" not in line)
