"""A plan's page: one self-contained file with slices, a 3-D view, the certificate's curve and the motion as a film."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import BadInput
from suwen.lifecycle import plan_page_charts as charts
from suwen.lifecycle import plan_page_tables as tables
from suwen.lifecycle.plan_page_console import console
from suwen.lifecycle.plan_page_data import embedded, scene
from suwen.lifecycle.plan_page_palette import Structure
from suwen.lifecycle.plan_page_script_core import CORE
from suwen.lifecycle.plan_page_script_film import FILM
from suwen.lifecycle.plan_page_script_scene import SCENE
from suwen.lifecycle.plan_page_script_shapes import SHAPES
from suwen.lifecycle.plan_page_script_slices import SLICES
from suwen.lifecycle.plan_page_script_view import VIEW
from suwen.lifecycle.plan_page_style import CSS
from suwen.lifecycle.plan_page_words import answer, header

if TYPE_CHECKING:
    from suwen.formats.volume.volume import Volume

SCRIPT = '"use strict";\n(() => {\n' + CORE + SLICES + SHAPES + SCENE + VIEW + FILM + "})();\n"


def render(
    document: Mapping[str, Any],
    volume: Volume | None,
    *,
    image: Volume | None = None,
    body: NDArray[np.bool_] | None = None,
) -> str:
    """The whole page.

    Parameters
    ----------
    document
        A plan, as ``suwen plan`` makes it or as read back from JSON. What it lacks is said to be not available.
    volume
        The labels it was planned on; ``None`` leaves slices and structures out.
    image
        The picture behind the labels, in the same patient coordinates; only drawn.
    body
        (I, J, K), on the grid of ``volume``: where tissue is. Its surface is drawn as the skin.

    Returns
    -------
    str
        HTML in UTF-8 that works from a file, without network. Its content security policy allows this page's own
        style and program by their hashes, and nothing else. Text of the document is escaped, names of structures
        too.

    Raises
    ------
    BadInput
        ``wrong-shape`` when ``body`` is on another grid, ``not-labels`` when ``volume`` is an image.
    """
    if body is not None and (volume is None or np.shape(body) != volume.shape):
        raise BadInput(
            "the body is not on the grid of the labels", fix="Resample it onto the labels", code="wrong-shape"
        )
    found, shown, blobs = scene(document, volume, image, body)
    title = escape(str(document.get("title") or "Plan of an instrument"))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy()}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{CSS}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(part for part in _sections(document, found, shown) if part)
        + "\n</main>\n"
        + f'<script type="application/json" id="scene-data">{embedded(found)}</script>\n'
        + f'<script type="text/plain" id="scene-blobs">{blobs}</script>\n'
        + f"<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


def policy() -> str:
    """The content security policy: this style, this program, nothing from anywhere."""
    return (
        f"default-src 'none'; style-src '{_hash(CSS)}'; script-src '{_hash(SCRIPT)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _sections(document: Mapping[str, Any], found: Mapping[str, Any], shown: Sequence[Structure]) -> list[str]:
    curve, error = charts.clearance(document), charts.error(document)
    moved = tables.motion(document)
    return [
        header(document),
        answer(document),
        console(document, found, shown),
        tables.heading("Clearance along the path", "沿路径的安全间隙"),
        curve or '<p class="soft">The clearance curve is not available.</p>',
        tables.certificate(document, shown),
        tables.candidates(document),
        tables.heading("Motion, simulated", "模拟运动"),
        f"{error}{moved}" or '<p class="soft">The motion is not available.</p>',
        tables.budget(document),
        tables.chain(document),
        f"<footer><p><b>{escape(str(document.get('disclaimer') or 'Decision support and simulation only.'))}</b></p>"
        "</footer>",
    ]
