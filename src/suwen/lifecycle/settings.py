"""Resolve settings: engine and protocol defaults, then the task's, then ``suwen.toml``, then ``--set``."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from suwen.core.engine import Engine
from suwen.core.errors import BadInput, UnknownSetting, nearest
from suwen.core.limit import resolve_limits
from suwen.core.task import Task

CONFIG_FILE = "suwen.toml"


class Common(BaseModel):
    """Settings of the life cycle itself, the same for every engine."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    accept_leakage: bool = Field(False, description="train although subjects or images are in two splits")
    validation_fraction: float = Field(0.15, gt=0, lt=0.5, description="share of subjects for validation")
    test_fraction: float = Field(0.15, ge=0, lt=0.5, description="share of subjects kept for the test")
    operating_point: str = Field("sensitivity>=0.95", description="rule that fixes the threshold")
    shortcut_probe: bool = Field(True, description="probe trivial inputs for the label before training")
    mlflow: bool = Field(True, description="log the run to MLflow")


def parse(assignments: Iterable[str]) -> dict[str, Any]:
    """Turn ``key=value`` words into a mapping; values are JSON where they can be, else text.

    Raises
    ------
    BadInput
        For a word without ``=``.
    """
    out: dict[str, Any] = {}
    for word in assignments:
        key, sign, value = word.partition("=")
        if not sign or not key.strip():
            raise BadInput(f"'{word}' is not of the form key=value", fix="For example: --set epochs=10")
        try:
            out[key.strip()] = json.loads(value)
        except ValueError:
            out[key.strip()] = value.strip()
    return out


def from_file(task: Task, folder: Path) -> dict[str, Any]:
    """What ``suwen.toml`` in ``folder`` says of a task: table ``[tasks."imaging.pneumonia"]``."""
    path = folder / CONFIG_FILE
    if not path.exists():
        return {}
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{CONFIG_FILE} is not valid TOML: {error}", where=str(path)) from None
    tables = document.get("tasks", {})
    values = tables.get(task.name, {}) if isinstance(tables, dict) else tables
    if not isinstance(values, dict):
        raise BadInput(
            f"{CONFIG_FILE} says {values!r} where settings are expected",
            where=str(path),
            fix=f'Write a table: [tasks."{task.name}"]',
        )
    return values


def resolve(
    task: Task, engine: Engine, overrides: Mapping[str, Any], *, folder: Path | None = None
) -> dict[str, Any]:
    """The settings a run will use, every one of them.

    Parameters
    ----------
    task, engine
        Whose defaults apply.
    overrides
        ``--set`` values; they win.
    folder
        Where ``suwen.toml`` may lie; the working directory by default.

    Raises
    ------
    UnknownSetting
        For a key nobody defined, naming the nearest, or a value out of range.
    """
    values = {**task.settings, **from_file(task, folder or Path.cwd()), **overrides}
    own = set(engine.setting_names())
    protocol = {one.name for one in task.protocol}
    common = set(Common.model_fields)
    for key in values:
        if key not in own | common | protocol:
            raise UnknownSetting(f"there is no setting '{key}'", fix=nearest(key, own | common | protocol))
    try:
        shared = Common(**{k: v for k, v in values.items() if k in common}).model_dump()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0])
        raise UnknownSetting(f"the setting '{name}' cannot be {values[name]!r}", fix=first["msg"]) from None
    fixed = resolve_limits(task.protocol, values)
    return shared | fixed | engine.settings({k: v for k, v in values.items() if k in own})
