"""Without numba there is a sentence that says what to install."""

from __future__ import annotations

import sys

import pytest

from suwen.core.errors import MissingExtra
from suwen.engines.compiled import compiled


def test_a_missing_numba_is_named(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(MissingExtra) as refused:
        compiled(lambda: 0)
    assert "suwen[surgery]" in str(refused.value)
