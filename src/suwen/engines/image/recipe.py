"""Settings left at *from the data*: what many thumbnails need, and what a few or larger images need.

Measured with held-out sub-populations of PneumoniaMNIST (k-means on intensity and on HOG features) and with
grouped cross-validation on BreastMNIST and 703 adult films; see docs/recipes.md for the figures and for what
was tried and left.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from suwen.engines.image.arrays import THUMBNAIL_SIDE
from suwen.engines.image.augment import Augmentation

FEW = 2000
"""Below this many images every member sees another fold, and validation is out-of-fold."""
MILD = Augmentation()
"""For thousands of thumbnails: more, and mirroring, lowered the AUROC on films from elsewhere."""
FIRM = Augmentation(rotate_deg=10.0, shift=0.06, zoom=0.1, contrast=0.2, brightness=0.1, gamma=0.2)
"""For a few hundred images, which are otherwise soon learned by heart, and for larger ones."""


def complete(settings: Mapping[str, Any], *, n: int, size: int) -> dict[str, Any]:
    """Replace every *from the data* value.

    Parameters
    ----------
    settings
        Checked settings.
    n
        Labelled images to learn from.
    size
        Side of the input, already resolved.

    Returns
    -------
    dict
        The settings with ``size, epochs, batch_size, learning_rate, weight_decay, augment, flip, ensemble``
        and ``folds`` as they will be used.
    """
    few, thumbnails = n < FEW, size <= THUMBNAIL_SIDE
    chosen: dict[str, Any] = {
        "epochs": (40 if few else 8) if thumbnails else 25,
        "batch_size": 32 if few else 64,
        "learning_rate": 2e-3,
        "weight_decay": 0.05,
        "augment": "firm" if few or not thumbnails else "mild",
        "flip": few or not thumbnails,
        "ensemble": 5 if few else 3,
        "folds": 5 if few and not settings["ensemble"] else 0,
    }
    out = {key: chosen[key] if value is None and key in chosen else value for key, value in settings.items()}
    out["size"] = size
    if out["folds"]:
        out["ensemble"] = out["folds"]
    return out


def augmentation(settings: Mapping[str, Any]) -> Augmentation:
    """The augmentation these completed settings ask for."""
    base = {"none": MILD.scaled(0), "mild": MILD, "firm": FIRM}[settings["augment"]]
    how = base.scaled(float(settings["augment_strength"]))
    return Augmentation(**{**how.__dict__, "flip": bool(settings["flip"])})
