"""Settings left at *from the data*: what a small set of small images needs, and what large images need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from suwen.engines.image.arrays import SMALL_SIDE
from suwen.engines.image.augment import Augmentation

MILD = Augmentation()
"""For thumbnails: measured on held-out sub-populations, anything stronger lowered the AUROC."""
FIRM = Augmentation(
    rotate_deg=10.0, shift=0.06, zoom=0.12, contrast=0.2, brightness=0.1, gamma=0.2, blur=0.2, noise=0.02
)
"""For full-size radiographs, where a few hundred images are easily learned by heart."""


def complete(settings: Mapping[str, Any], *, n: int, size: int) -> dict[str, Any]:
    """Replace every *from the data* value.

    Parameters
    ----------
    settings
        Checked settings.
    n
        Training images.
    size
        Side of the input, already resolved.

    Returns
    -------
    dict
        The settings with ``size, epochs, batch_size, learning_rate, weight_decay, augment, ensemble, folds``
        as they will be used.
    """
    small = size <= SMALL_SIDE
    few = n < FEW
    chosen = {
        "size": size,
        "epochs": (40 if few else 8) if small else 30,
        "batch_size": 32 if few else 64,
        "learning_rate": 2e-3,
        "augment": 1.0,
        "ensemble": 3 if not few else 5,
        "folds": 5 if few else 0,
    }
    out = dict(settings)
    out["size"] = size
    for key, value in chosen.items():
        if out[key] in (0, 0.0, -1, -1.0) and not (key in {"folds", "augment"} and out[key] == 0):
            out[key] = value
    if out["weight_decay"] < 0:
        out["weight_decay"] = 0.05
    if out["folds"]:
        out["ensemble"] = out["folds"]
    return out


FEW = 2000
"""Below this many training images every member sees another fold, and validation is out-of-fold."""


def augmentation(settings: Mapping[str, Any]) -> Augmentation:
    """The augmentation these settings ask for."""
    base = MILD if settings["size"] <= SMALL_SIDE else FIRM
    how = base.scaled(float(settings["augment"]))
    return Augmentation(**{**how.__dict__, "flip": bool(settings["flip"])})
