"""AdamW with a warm-up and a cosine: one recipe for every network of the house."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

WARM_UP = 0.1
"""Part of the steps in which the learning rate rises."""


def optimiser(model: nn.Module, *, learning_rate: float, weight_decay: float, steps: int) -> dict[str, Any]:
    """What Lightning's ``configure_optimizers`` returns: no decay on biases and norms, a schedule per step.

    Parameters
    ----------
    model
        Whose parameters are trained.
    learning_rate
        Peak of the schedule.
    weight_decay
        Of weights.
    steps
        Optimiser steps in all.
    """
    weights = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    made = torch.optim.AdamW(
        [{"params": weights, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}],
        lr=learning_rate,
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(made, lambda step: cosine(step, steps))
    return {"optimizer": made, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def cosine(step: int, steps: int) -> float:
    """Factor of the learning rate: linear warm-up over a tenth of the steps, then half a cosine."""
    warm = max(1, int(WARM_UP * steps))
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))
