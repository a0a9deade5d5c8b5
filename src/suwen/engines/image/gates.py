"""What an image must pass before a model may score it: header, quality, likeness to the training images.

The likeness gate learns from the training images alone. Every image is reduced to grey *ranks*, which no
window, gamma or exposure changes, and described three ways: its layout (7x7), its structure (14x14) and how
much fine and middling detail each quarter holds. Each description has a Mahalanobis distance to the training
images (Lee et al., NeurIPS 2018, there on network features), and the weighted mean of the log distances is
the strangeness. An image that would be *less* strange inverted or turned is stranger by twice the difference:
an upside-down chest differs little from a chest, but a great deal from the way round that fits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from suwen.core.errors import BadInput
from suwen.core.prediction import Abstention
from suwen.engines.image.prepare import to_input

if TYPE_CHECKING:
    from suwen.core.task import Field

Array = NDArray[np.floating]
Params = Mapping[str, NDArray[np.floating]]

GATE_SIDE = 28
"""Side to which the likeness gate reduces every image, pixels."""
MIN_SIDE = 24
"""Least short side of a native image that may be scored, pixels."""
MIN_GREY_RANGE = 0.04
"""Least distance between the 1st and 99th percentile of grey: ten of 256 levels."""
MAX_SATURATED = 0.97
"""Largest share of pixels that may be pure black or pure white."""
MIN_NEIGHBOUR_CORRELATION = 0.3
"""Least correlation of a pixel with the next one; radiographs and ultrasound lie above .6, noise near 0."""

_WEIGHTS = {"structure": 0.4, "layout": 0.4, "detail": 0.2}
_RIDGE = 0.03
_ALTERNATIVE_WEIGHT = 2.0
_ACCEPTED = 0.99
_MIN_TRAINING = 10

_ALTERNATIVES: Mapping[str, Callable[[Array], Array]] = {
    "turned upside down": lambda x: x[:, ::-1],
    "turned by 90 degrees": lambda x: np.rot90(x, 1, (1, 2)),
    "turned by 270 degrees": lambda x: np.rot90(x, 3, (1, 2)),
    "turned by 180 degrees": lambda x: x[:, ::-1, ::-1],
    "with black and white exchanged": lambda x: 1 - x,
}


def gate(
    pixels: Array,
    *,
    field: Field,
    modality: str | None = None,
    body_part: str | None = None,
    params: Params | None = None,
) -> tuple[Abstention | None, dict[str, float]]:
    """Decide whether one image may be scored: header, then quality, then likeness to the training images.

    Parameters
    ----------
    pixels
        Native grey values, (H, W), 0 to 1, black lowest.
    field
        The task's image input: what it accepts.
    modality, body_part
        DICOM Modality (0008,0060) and Body Part Examined (0018,0015), where the file has them.
    params
        From :func:`fit_gate`; ``None`` leaves the likeness gate out.

    Returns
    -------
    tuple
        The refusal, or ``None`` when the image may be scored; and the figures measured:
        ``short_side_px``, ``grey_range``, ``saturated``, ``neighbour_correlation``, ``ood_score``,
        ``ood_threshold`` (a score above it is refused).
    """
    poor, figures = quality_gate(pixels)
    refusal = header_gate(modality, body_part, field) or poor
    if params is None:
        return refusal, figures
    # The likeness is measured even where the image is refused already, so that the figure is always there.
    ranks = _ranks(to_input(pixels, GATE_SIDE)[None])
    score, alternative = _strangeness(ranks, params)
    limit = float(params["threshold"])
    # An image without structure has no shape to compare; it counts as twice as strange as is accepted.
    strangeness = max(float(score[0]), 2 * limit) if poor else float(score[0])
    figures = {name: float(value) for name, value in figures.items()}
    figures |= {"ood_score": strangeness, "ood_threshold": limit}
    if refusal or figures["ood_score"] <= figures["ood_threshold"]:
        return refusal, figures
    hint = f" It fits better {tuple(_ALTERNATIVES)[alternative[0]]}." if alternative[0] >= 0 else ""
    reason = (
        f"This image does not look like those the model learned from (strangeness {score[0]:.1f}, accepted "
        f"up to {figures['ood_threshold']:.1f}).{hint} It may show something else, or be cropped, turned or "
        f"inverted: check it is {field.description or 'what this task reads'}, and have a person read it."
    )
    return Abstention(code="not-like-training-data", reason=reason), figures


def header_gate(modality: str | None, body_part: str | None, field: Field) -> Abstention | None:
    """Refuse an image whose own header names another modality or body part.

    A missing or empty header gives no opinion, and so does a field that names no restriction.

    Parameters
    ----------
    modality, body_part
        As the header spells them; case, spaces, ``-`` and ``_`` do not matter.
    field
        Its ``accepts`` and ``body_parts`` list every accepted spelling, synonyms included.
    """
    if _differs(modality, field.accepts):
        return Abstention(
            code="wrong-modality",
            reason=f"The file says its modality is {_shown(modality)}; this task reads "
            f"{', '.join(field.accepts)} only.",
        )
    if _differs(body_part, field.body_parts):
        return Abstention(
            code="wrong-body-part",
            reason=f"The file says it shows {_shown(body_part)}; this task reads "
            f"{', '.join(field.body_parts)} only.",
        )
    return None


def _differs(value: str | None, accepted: tuple[str, ...]) -> bool:
    """Whether a header value is there and is none of the accepted ones."""
    return bool(_plain(value)) and bool(accepted) and _plain(value) not in {_plain(a) for a in accepted}


def _plain(value: str | None) -> str:
    """Upper case, without spaces and joining signs: ``chest `` and ``CHEST`` are one."""
    return "".join(sign for sign in (value or "").upper() if sign.isalnum())


def _shown(value: str | None) -> str:
    """A header value as it may be repeated: at most the 16 signs that DICOM allows such a code."""
    return " ".join((value or "").upper().split())[:16]


def quality_gate(pixels: Array) -> tuple[Abstention | None, dict[str, float]]:
    """Refuse an image that shows nothing: too small, blank, saturated, or noise.

    Parameters
    ----------
    pixels
        Native grey values, (H, W), 0 to 1. Of a side above 1024 pixels the middle 1024 are measured.

    Returns
    -------
    tuple
        The refusal (``too-small`` or ``poor-quality``) or ``None``; and the figures ``short_side_px``,
        ``grey_range`` (1st to 99th percentile), ``saturated`` (share of pure black and white) and
        ``neighbour_correlation`` (of a pixel with the next, the lower of rows and columns).
    """
    side = min(pixels.shape)
    figures = {"short_side_px": float(side)}
    if side < MIN_SIDE:
        reason = f"The image is {side} pixels on its short side; less than {MIN_SIDE} cannot be assessed."
        return Abstention(code="too-small", reason=reason), figures
    part = pixels[tuple(slice(max(0, (n - 1024) // 2), max(0, (n - 1024) // 2) + 1024) for n in pixels.shape)]
    low, high = np.quantile(part, [0.01, 0.99])
    figures["grey_range"] = float(high - low)
    figures["saturated"] = float(((part <= 1 / 255) | (part >= 254 / 255)).mean())
    figures["neighbour_correlation"] = _neighbour_correlation(part)
    if figures["saturated"] > MAX_SATURATED:
        why = f"{figures['saturated']:.0%} of it is pure black or white"
    elif figures["grey_range"] < MIN_GREY_RANGE:
        why = f"it is almost blank (grey varies over {figures['grey_range']:.1%} of its range)"
    elif figures["neighbour_correlation"] < MIN_NEIGHBOUR_CORRELATION:
        why = f"it is noise (neighbouring pixels correlate by {figures['neighbour_correlation']:.2f})"
    else:
        return None, figures
    return Abstention(code="poor-quality", reason=f"The image cannot be assessed: {why}."), figures


def _neighbour_correlation(pixels: Array) -> float:
    """Pearson correlation of a pixel with the next, the lower of both directions; 1 where all are equal."""
    values = np.asarray(pixels, dtype=np.float64) - float(np.mean(pixels))
    found = []
    for first, second in ((values[1:], values[:-1]), (values[:, 1:], values[:, :-1])):
        scale = np.sqrt(float((first**2).sum()) * float((second**2).sum()))
        found.append(float((first * second).sum()) / scale if scale > 0 else 1.0)
    return min(found)


def fit_gate(images: Array, *, seed: int, validation: Array) -> dict[str, NDArray[np.floating]]:
    """Learn what the training images look like, and how strange an accepted image may be.

    The limit accepts 99% of the validation images taken together with copies of them moved, turned by a
    few degrees and zoomed, as another hospital would have framed them, and half of them mirrored, since a
    heart on the right is rare but no reason to refuse. Without those copies the limit is as tight as one
    hospital's habits.

    Parameters
    ----------
    images
        Training images, (n, S, S), 0 to 1, at least 10.
    seed
        Of the copies.
    validation
        Images kept from training, (m, S, S); they alone fix the limit.

    Returns
    -------
    dict
        Arrays for :func:`numpy.savez`, about 85 KB: ``<description>_mean`` and ``<description>_whitening``
        (float16), ``location`` and ``scale`` of the log distances on validation, and ``threshold``.

    Raises
    ------
    BadInput
        With fewer than 10 training images, or no validation image.
    """
    if len(images) < _MIN_TRAINING or not len(validation):
        raise BadInput(
            f"the likeness gate was given {len(images)} training and {len(validation)} validation images",
            fix=f"It needs at least {_MIN_TRAINING} and one",
        )
    ranks = _ranks(_reduced(images))
    params: dict[str, NDArray[np.floating]] = {}
    for name, vectors in _described(ranks).items():
        mean = vectors.mean(axis=0)
        values, axes = np.linalg.eigh(np.cov((vectors - mean).T))
        params[f"{name}_mean"] = mean.astype(np.float32)
        # A ridge of the mean variance: directions the training images hardly use must not decide alone.
        params[f"{name}_whitening"] = (axes / np.sqrt(values + _RIDGE * values.mean())).astype(np.float16)
    kept = _reduced(validation)
    logs = _log_distances(_ranks(kept), params)
    params["location"] = logs.mean(axis=0).astype(np.float32)
    params["scale"] = np.maximum(logs.std(axis=0), 0.05).astype(np.float32)
    copies = max(1, -(-500 // len(kept)))
    rng = np.random.default_rng(seed)
    moved = np.stack([_reframed(image, rng) for _ in range(copies) for image in kept])
    scores = np.concatenate([np.tile(ood_score(kept, params), copies), ood_score(moved, params)])
    params["threshold"] = np.asarray(np.quantile(scores, _ACCEPTED), dtype=np.float32)
    return params


def ood_score(images: Array, params: Params) -> NDArray[np.float64]:
    """Strangeness of images: 0 for a typical validation image, in standard deviations; higher is stranger.

    Parameters
    ----------
    images
        (n, S, S), 0 to 1, as :func:`~suwen.engines.image.prepare.to_input` gives them.
    params
        From :func:`fit_gate`; an image scoring above ``params["threshold"]`` is to be refused.

    Returns
    -------
    numpy.ndarray
        (n,)
    """
    return _strangeness(_ranks(_reduced(images)), params)[0]


def _strangeness(ranks: Array, params: Params) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Strangeness (n,), and the position of the alternative view that fits better, -1 where none does."""

    def plain(view: Array) -> NDArray[np.float64]:
        logs = (_log_distances(view, params) - params["location"]) / params["scale"]
        return np.asarray(logs @ np.asarray(list(_WEIGHTS.values())), dtype=np.float64)

    upright = plain(ranks)
    others = np.stack([plain(view(ranks)) for view in _ALTERNATIVES.values()])
    excess = np.maximum(0.0, upright - others.min(axis=0))
    return upright + _ALTERNATIVE_WEIGHT * excess, np.where(excess > 0, others.argmin(axis=0), -1)


def _log_distances(ranks: Array, params: Params) -> NDArray[np.float64]:
    """Log mean squared whitened deviation of each description, (n, descriptions)."""
    columns = []
    for name, vectors in _described(ranks).items():
        whitened = (vectors - params[f"{name}_mean"]) @ params[f"{name}_whitening"].astype(np.float32)
        columns.append(np.log((whitened.astype(np.float64) ** 2).mean(axis=1) + 1e-6))
    return np.stack(columns, axis=1)


def _described(ranks: Array) -> dict[str, Array]:
    """The three descriptions of rank images, each (n, features); the order is that of the weights."""
    fine = _blurred(ranks)
    coarse = _blurred(_blurred(_blurred(fine)))
    bands = [_pooled((a - b) ** 2, 2) for a, b in ((ranks, fine), (fine, coarse))]
    detail = np.log(np.sqrt(np.concatenate(bands, axis=1)) + 1e-3)
    return {"structure": _pooled(ranks, 14), "layout": _pooled(ranks, 7), "detail": detail}


def _reduced(images: Array) -> Array:
    """Images at the gate's own size, (n, 28, 28)."""
    return np.stack([to_input(image, GATE_SIDE) for image in images])


def _ranks(images: Array) -> Array:
    """Grey values replaced by their ranks within the image, 0 to 1; equal values share their mean rank."""
    ranks = np.empty_like(images, dtype=np.float32)
    for image, out in zip(images, ranks, strict=True):
        ordered = np.sort(image, axis=None)
        below, upto = (np.searchsorted(ordered, image, side=side) for side in ("left", "right"))
        out[:] = (below + upto - 1) / (2 * (image.size - 1))
    return ranks


def _pooled(images: Array, cells: int) -> Array:
    """Means over a grid of cells, flattened to (n, cells * cells)."""
    step = images.shape[1] // cells
    blocks = images.reshape(len(images), cells, step, cells, step)
    return np.asarray(blocks.mean(axis=(2, 4)).reshape(len(images), -1))


def _blurred(images: Array) -> Array:
    """A 3x3 binomial filter, edges repeated."""
    wide = np.pad(images, ((0, 0), (1, 1), (1, 1)), mode="edge")
    rows = (wide[:, :-2] + 2 * wide[:, 1:-1] + wide[:, 2:]) / 4
    return np.asarray((rows[:, :, :-2] + 2 * rows[:, :, 1:-1] + rows[:, :, 2:]) / 4)


def _reframed(image: Array, rng: np.random.Generator) -> Array:
    """A copy zoomed by 0.85 to 1.2, turned by up to 5 degrees, moved by up to 7%; half of them mirrored."""
    side = len(image)
    border = side // 3
    zoom = np.exp(rng.uniform(np.log(0.85), np.log(1.2)))
    angle = np.deg2rad(rng.uniform(-5, 5))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / zoom
    middle = np.full(2, side / 2)
    start = middle + border + rng.uniform(-0.07, 0.07, 2) * side - turn @ middle
    wide = Image.fromarray(np.pad(np.asarray(image, dtype=np.float32), border, mode="edge"))
    matrix = (turn[0, 0], turn[0, 1], start[0], turn[1, 0], turn[1, 1], start[1])
    moved = wide.transform(
        (side, side), Image.Transform.AFFINE, tuple(float(v) for v in matrix), Image.Resampling.BILINEAR
    )
    copy = np.asarray(moved, dtype=np.float32)
    return copy[:, ::-1] if rng.random() < 0.5 else copy
