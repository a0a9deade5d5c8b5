"""Pictures to try a task on: real ones where the data is at hand, else marked phantoms."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from suwen.core.home import home
from suwen.core.task import Task
from suwen.lifecycle.discovery import find

PICTURES = 3
"""Of each class."""


def data_folders(given: Path | None = None) -> list[Path]:
    """Where data sets may be: as given, ``SUWEN_DATA``, ``../shared/data``, and what was fetched."""
    named = os.environ.get("SUWEN_DATA")
    places = [given, Path(named) if named else None, Path("../shared/data"), home() / "data"]
    return [place for place in places if place is not None and place.is_dir()]


def samples(task_name: str, *, data: Path | None = None) -> list[dict[str, Any]]:
    """Pictures offered on the page, a few of each class.

    Parameters
    ----------
    task_name
        Whose input they are.
    data
        Folder of data sets, before all others.

    Returns
    -------
    list of dict
        ``name``, ``png`` (bytes), ``simulated``, ``label``. Real ones come from the validation part of the
        task's demonstration data, never from what the model learned; without any, phantoms.
    """
    task = find(task_name)
    relative = task.extra.get("demo")
    for folder in data_folders(data):
        for path in (folder / str(relative), folder / Path(str(relative)).name) if relative else ():
            if path.is_file():
                return _real(task, path)
    return _phantoms() if task.extra.get("phantom") == "chest" else []


def _real(task: Task, path: Path) -> list[dict[str, Any]]:
    """The first few validation pictures of each class."""
    from suwen.formats.write import grey_png

    dataset = task.collect(str(path))
    found = []
    for name in task.endpoint.classes:
        chosen = dataset.where(lambda s, name=name: s.target == name and s.split == "validation")  # type: ignore[misc]
        for number, sample in enumerate(chosen[:PICTURES]):
            (image,) = sample.inputs.values()
            found.append(
                {
                    "name": f"{name} {number + 1}",
                    "png": grey_png(image.load().pixels),
                    "simulated": False,
                    "label": name,
                }
            )
    return found


def _phantoms() -> list[dict[str, Any]]:
    """Simulated chest films, with and without an opacity."""
    from suwen.formats.phantom import chest_phantom, png_bytes

    return [
        {
            "name": f"phantom {'with opacity' if opacity else 'clear'} {seed + 1}",
            "png": png_bytes(chest_phantom(seed, opacity=opacity)),
            "simulated": True,
            "label": None,
        }
        for opacity in (False, True)
        for seed in range(PICTURES)
    ]
