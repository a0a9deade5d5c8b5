"""Settings of the panel: one place for every key, its default and its range."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from suwen.core.errors import UnknownSetting, nearest


class PanelSettings(BaseModel):
    """What ``--set key=value`` may change; ``None`` (``null``) leaves the choice to each learner."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    folds: int = Field(5, ge=2, le=20, description="folds every learner is trained and compared on")
    learners: str = Field("all", description="who competes: 'all', or names separated by commas")
    ensemble: bool = Field(True, description="try a weighted mean of the learners")
    epochs: int | None = Field(None, ge=1, le=1000, description="epochs of each network")
    rounds: int | None = Field(None, ge=1, le=20000, description="trees per boosted model")
    width: int | None = Field(None, ge=2, le=1024, description="hidden units of each network")
    learning_rate: float | None = Field(None, gt=0, le=1, description="peak learning rate of networks")
    bags: int | None = Field(None, ge=1, le=50, description="seeds averaged in each boosted model")
    threads: int = Field(1, ge=1, le=256, description="CPU threads of each training")


def setting_names() -> tuple[str, ...]:
    """Keys the panel understands."""
    return tuple(PanelSettings.model_fields)


def check(values: Mapping[str, Any]) -> dict[str, Any]:
    """Check values against the ranges and fill in defaults.

    Raises
    ------
    UnknownSetting
        For an unknown key, naming the nearest; or a value out of range, naming the range.
    """
    unknown = [key for key in values if key not in PanelSettings.model_fields]
    if unknown:
        raise UnknownSetting(
            f"the panel has no setting '{unknown[0]}'", fix=nearest(unknown[0], setting_names())
        )
    try:
        return PanelSettings(**values).model_dump()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0])
        raise UnknownSetting(f"the setting '{name}' cannot be {values[name]!r}", fix=first["msg"]) from None
