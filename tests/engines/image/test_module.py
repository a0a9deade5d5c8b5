"""The module: normalisation, schedule, and the prior that class weights are taken out of."""

from __future__ import annotations

import pytest
import torch

from suwen.engines.image.augment import Augmentation
from suwen.engines.image.module import ImageModule, Standardised
from suwen.engines.image.networks import build
from suwen.engines.loop.optimiser import cosine

SETTINGS = {"label_smoothing": 0.0, "weight_decay": 0.05, "learning_rate": 1e-3}


def _module(weights: torch.Tensor | None) -> ImageModule:
    torch.manual_seed(0)
    network = build("compact", classes=2, size=28, width=8)
    model = Standardised(network, mean=0.5, std=0.2, per_image=True)
    module = ImageModule(
        model, settings=SETTINGS, how=Augmentation(), class_weights=weights, steps=10, seed=0
    )
    state = {key: value.clone() for key, value in model.state_dict().items()}
    module.best = {"loss": 1.0, "epoch": 0, "state": state}
    return module


def test_class_weights_are_taken_out_of_the_answer() -> None:
    weights = torch.tensor([3.0, 0.5])
    x = torch.rand(4, 1, 28, 28)
    module = _module(weights)
    with torch.no_grad():
        module.model.eval()
        before = module.model(x)
        after = module.best_model()(x)
    torch.testing.assert_close(after, before - weights.log())
    odds = (after.softmax(1) * weights).div((after.softmax(1) * weights).sum(1, keepdim=True))
    torch.testing.assert_close(odds, before.softmax(1))


def test_without_weights_nothing_is_shifted() -> None:
    module = _module(None)
    bias = module.best["state"]["network.head.bias"].clone()
    assert torch.equal(module.best_model().network.head.bias, bias)


def test_the_best_weights_are_kept_not_the_last() -> None:
    module = _module(None)
    wanted = module.best["state"]["network.head.weight"].clone()
    with torch.no_grad():
        module.model.network.head.weight.add_(1)
    model = module.best_model()
    assert torch.equal(model.network.head.weight, wanted)
    assert not model.training


@pytest.mark.parametrize("per_image", [True, False])
def test_exposure_is_taken_out_image_by_image(per_image: bool) -> None:
    model = Standardised(build("compact", classes=2, size=28), mean=0.4, std=0.2, per_image=per_image)
    x = torch.rand(2, 1, 28, 28)
    x[1] = x[0] * 0.5 + 0.3
    out = model.normalise(x)
    assert torch.isfinite(model.normalise(torch.zeros(1, 1, 28, 28))).all()
    if per_image:
        torch.testing.assert_close(out.mean((1, 2, 3)), torch.zeros(2), atol=1e-5, rtol=0)
        assert (out[0] - out[1]).abs().max() < 0.3
    else:
        torch.testing.assert_close(out, (x - 0.4) / 0.2)


def test_biases_and_norms_do_not_decay() -> None:
    module = _module(None)
    decayed, free = module.configure_optimizers()["optimizer"].param_groups
    assert decayed["weight_decay"] == 0.05
    assert free["weight_decay"] == 0
    assert all(p.ndim > 1 for p in decayed["params"])
    assert all(p.ndim <= 1 for p in free["params"])


def test_the_schedule_warms_up_and_falls_to_nought() -> None:
    rates = [cosine(step, 100) for step in range(101)]
    assert rates[0] == 0.1
    assert max(rates) == 1.0
    assert rates.index(1.0) in (9, 10)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[100] < 1e-6
    assert cosine(0, 1) == 1.0
