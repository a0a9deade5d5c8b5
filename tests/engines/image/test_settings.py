"""Settings of the engine: names, ranges, and what is chosen from the data."""

from __future__ import annotations

from typing import Any

import pytest

from suwen.core.errors import UnknownSetting
from suwen.engines.image.recipe import augmentation, complete
from suwen.engines.image.settings import check, setting_names


def test_defaults_are_complete_and_pass() -> None:
    values = check({})
    assert set(values) == set(setting_names())
    assert check(values) == values


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"epoch": 3}, "epochs"), ({"epochs": 0}, "epochs"), ({"epochs": 2.5}, "epochs"),
        ({"learning_rate": -1}, "learning_rate"), ({"network": "resnet"}, "resnet18"),
        ({"dropout": 1}, "dropout"), ({"size": 7}, "size"), ({"folds": 1}, "at least 2"),
        ({"augment": "wild"}, "firm"), ({"normalise": None}, "normalise"), ({"precision": 16}, "precision"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(values: dict[str, Any], said: str) -> None:
    with pytest.raises(UnknownSetting, match=said):
        check(values)


@pytest.mark.parametrize("devices", ["auto", 2, "2"])
def test_devices_may_be_a_number(devices: object) -> None:
    assert check({"devices": devices})["devices"] == str(devices)


@pytest.mark.parametrize(("n", "size"), [(500, 28), (5000, 28), (500, 128), (5000, 128)])
def test_everything_left_open_is_chosen(n: int, size: int) -> None:
    chosen = complete(check({}), n=n, size=size)
    assert None not in chosen.values()
    assert chosen["size"] == size
    assert chosen["ensemble"] >= 1
    assert (chosen["folds"] > 0) == (n < 2000)
    assert check(chosen) == chosen, "what was chosen is itself allowed"
    augmentation(chosen)


def test_what_is_given_is_kept() -> None:
    given = {
        "epochs": 2, "batch_size": 8, "learning_rate": 0.1, "weight_decay": 0.0, "augment": "none",
        "flip": False, "ensemble": 2, "folds": 0,
    }  # fmt: skip
    chosen = complete(check(given), n=100, size=28)
    assert {key: chosen[key] for key in given} == given
    how = augmentation(chosen)
    assert not any(vars(how).values())


def test_an_ensemble_asked_for_is_not_made_of_folds() -> None:
    assert complete(check({"ensemble": 3}), n=100, size=28)["folds"] == 0
    chosen = complete(check({"folds": 4, "ensemble": 2}), n=100, size=28)
    assert (chosen["folds"], chosen["ensemble"]) == (4, 4)
