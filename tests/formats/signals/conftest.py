"""Tasks as the readers of signals see them, and the shared data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from suwen.core.errors import SuwenError
from suwen.core.task import Alarm, AnyEndpoint, Endpoint, Field, Task
from suwen.core.variables import Variable

CODE = ("http://snomed.info/sct", "0", "A finding")


@dataclass(frozen=True, kw_only=True)
class Asking(Task):
    """A task with variables, whatever its engine."""

    variables: tuple[Variable, ...] = ()


@pytest.fixture(scope="session")
def asking() -> Callable[..., Asking]:
    """Build a task around variables and an endpoint."""

    def build(
        variables: tuple[Variable, ...] = (), endpoint: AnyEndpoint | None = None, name: str = "stay"
    ) -> Asking:
        return Asking(
            name="signals.test",
            title="Test",
            intended_use="tests",
            not_for="anything else",
            inputs=(Field(name=name, kind="series", description="what was observed"),),
            endpoint=endpoint
            or Endpoint(labels={"survived": ("0",), "died": ("1",)}, positive="died", code=CODE),
            engine="panel",
            variables=variables,
        )

    return build


@pytest.fixture(scope="session")
def mortality(asking: Callable[..., Asking]) -> Asking:
    """In-hospital death from the challenge's parameters."""
    from suwen.systems.signals._variables import ICU_2012

    return asking(ICU_2012)


@pytest.fixture(scope="session")
def sepsis(asking: Callable[..., Asking]) -> Asking:
    """Sepsis, hour by hour."""
    from suwen.systems.signals._variables import SEPSIS_2019

    labels = {"no sepsis": ("0",), "sepsis": ("1",)}
    return asking(SEPSIS_2019, Alarm(labels=labels, positive="sepsis", code=CODE))


@pytest.fixture(scope="session")
def signals_dir(data_dir: Path, absent: Callable[[str], None]) -> Path:
    """The shared signals."""
    folder = data_dir / "signals"
    if not folder.is_dir():
        absent(f"the shared signals are not at {folder}; set SUWEN_DATA to the folder that holds them")
    return folder


@pytest.fixture(scope="session")
def refused() -> Callable[..., str]:
    """Call something that must be refused; gives the code, and sees that no value is repeated in the words."""

    def call(action: Callable[..., Any], *given: Any, secret: str | None = None, **named: Any) -> str:
        with pytest.raises(SuwenError) as caught:
            action(*given, **named)
        error = caught.value
        assert error.fix
        if secret is not None:
            assert secret not in f"{error.what} {error.fix}"
        return error.code

    return call
