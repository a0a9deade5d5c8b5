"""A protocol's numbers: their defaults, and their limits."""

from __future__ import annotations

from typing import Any

import pytest

from suwen.core.errors import UnknownSetting
from suwen.core.limit import Limit, resolve_limits
from suwen.core.target import Reference, content_of

MARGIN = Limit(name="tracking_mm", default=0.3, least=0.0, most=5.0, meaning="error of the tracker")


def test_a_default_stands_where_nobody_sets_it() -> None:
    assert resolve_limits([MARGIN], {}) == {"tracking_mm": 0.3}
    assert resolve_limits([MARGIN], {"tracking_mm": 5, "another": 1}) == {"tracking_mm": 5.0}


@pytest.mark.parametrize("value", [-0.1, 5.1, "much", None, True, float("nan"), float("inf")])
def test_what_is_outside_is_refused_with_the_range(value: Any) -> None:
    with pytest.raises(UnknownSetting, match="tracking_mm") as refused:
        resolve_limits([MARGIN], {"tracking_mm": value})
    assert refused.value.fix == "0 to 5"


def test_a_reference_is_known_by_its_figures_and_named_by_its_stratum() -> None:
    bare, known = Reference(stratum="path"), Reference(stratum="path", values=(("cost", 34.25),))
    assert str(bare) == str(known) == "path"
    assert content_of(known) == "path;cost=34.25"
    assert content_of(bare) != content_of(known)
