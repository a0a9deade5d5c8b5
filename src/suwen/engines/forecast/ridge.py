"""Ridge autoregression: the change to come as a linear function of what is known, in closed form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.documents import read_json, write_json
from suwen.core.engine import Progress, Units
from suwen.core.errors import Unreadable
from suwen.core.sample import Sample
from suwen.engines.forecast.design import Origins, changes, described
from suwen.engines.forecast.scaling import Scaling, fit_scaling, read_scaling

if TYPE_CHECKING:
    from suwen.engines.panel.task import PanelTask

Floats = NDArray[np.float64]

FILE = "ridge.json"
PENALTY = 30.0
"""As if, in each standardised column, the value of so many more rows had meant no change."""


@dataclass(frozen=True, kw_only=True)
class Ridge:
    """Linear in the last differences, the trend, the routine and the doses; see the panel's ``Learner``.

    Attributes
    ----------
    events, levels
        Variables beside the quantity; see :func:`suwen.engines.forecast.features.features`.
    penalty
        Of the squared coefficients of standardised columns.
    """

    events: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    penalty: float = PENALTY

    name: str = "autoregression"
    family: str = "linear"
    packages: tuple[str, ...] = ()

    def design(self, task: PanelTask, samples: Sequence[Sample]) -> Origins:
        """Features of every origin."""
        return described(task, samples, self.events, self.levels)

    def latest(self, task: PanelTask, samples: Sequence[Sample]) -> Origins:
        """The same of the last origin of each trace alone: what a stream needs after every reading."""
        return described(task, samples, self.events, self.levels, latest=True)

    def fit(
        self,
        task: PanelTask,
        design: Origins,
        units: Units,
        folder: Path,
        *,
        settings: Mapping[str, Any],
        context: Mapping[str, Any],
        seed: int,
        progress: Progress,
    ) -> None:
        """Solve for each horizon on the origins whose future is known."""
        fit_ridge(design, units, folder / FILE, self.penalty)

    def open(self, task: PanelTask, folder: Path, prefix: str, context: Mapping[str, Any]) -> RidgeMember:
        """Open the coefficients."""
        return open_ridge(folder / f"{prefix}{FILE}")


def fit_ridge(design: Origins, units: Units, path: Path, penalty: float = PENALTY) -> RidgeMember:
    """Solve for each horizon on the origins whose future is known, write the coefficients and open them."""
    scaling = fit_scaling(design.arrays["x"], design.names)
    x = scaling.of(design.arrays["x"])
    solved = [
        solve(x[known], y[known], penalty) for y in changes(design, units).T for known in [~np.isnan(y)]
    ]
    write_json(
        path,
        {
            "scaling": scaling.document(),
            "coefficients": [coefficients.tolist() for coefficients, _ in solved],
            "intercepts": [intercept for _, intercept in solved],
        },
    )
    return open_ridge(path)


def open_ridge(path: Path) -> RidgeMember:
    """Open what :func:`fit_ridge` wrote.

    Raises
    ------
    Unreadable
        When it holds no coefficients.
    """
    found = read_json(path)
    try:
        return RidgeMember(
            scaling=read_scaling(found["scaling"]),
            coefficients=np.asarray(found["coefficients"], np.float64),
            intercepts=np.asarray(found["intercepts"], np.float64),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Unreadable("an autoregression cannot be opened", where=path.name) from error


def solve(x: Floats, y: Floats, penalty: float) -> tuple[Floats, float]:
    """Coefficients (d,) and intercept that minimise squared error plus ``penalty`` times squared coefficients.

    Hoerl and Kennard, Technometrics 12:55, 1970; the intercept is not penalised.
    """
    mean_x, mean_y = x.mean(0), float(y.mean())
    centred = x - mean_x
    gram = centred.T @ centred + penalty * np.eye(x.shape[1])
    coefficients: Floats = np.linalg.solve(gram, centred.T @ (y - mean_y))
    return coefficients, mean_y - float(mean_x @ coefficients)


@dataclass(frozen=True, kw_only=True, eq=False)
class RidgeMember:
    """Coefficients (H, d) and intercepts (H,), ready to answer."""

    scaling: Scaling
    coefficients: Floats
    intercepts: Floats

    def scores(self, design: Origins) -> Floats:
        """Forecasts (u, H) in the quantity's unit."""
        x = self.scaling.of(design.arrays["x"])
        change = x @ self.coefficients.T + self.intercepts
        return np.asarray(design.arrays["last"][:, None] + change)
