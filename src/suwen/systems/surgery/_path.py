"""The solver of paths: grid benchmarks, and real anatomy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from suwen.core.engine import Players
from suwen.core.prediction import Abstention
from suwen.core.solution import Solution
from suwen.formats.movingai.scenarios import GridQuestion, is_scenario, read_scenario
from suwen.formats.surgical.reading import read_case
from suwen.formats.surgical.source import Question


def read_questions(item: Any) -> Sequence[Question]:
    """Queries of a scenario, or one case."""
    if isinstance(item, Path) and is_scenario(item):
        return read_scenario(item)
    return [read_case(item)]


class PathSolver:
    """See :class:`suwen.engines.solver.task.Solver`."""

    needs: tuple[str, ...] = ("numba", "scipy", "nibabel", "nrrd")
    extra = "surgery"

    def refusal(self, question: Any, protocol: Mapping[str, float]) -> Abstention | None:
        """Nothing that could be read is refused: where there is no path, that is the answer."""
        return None

    def solve(self, question: Any, protocol: Mapping[str, float]) -> Solution:
        """The safest path, certified."""
        if isinstance(question, GridQuestion):
            from suwen.systems.surgery._path_grid import solve_grid

            return solve_grid(question)
        from suwen.systems.surgery._path_case import solve_case

        return solve_case(question, protocol)

    def beside(self, question: Any, protocol: Mapping[str, float]) -> Mapping[str, Mapping[str, float]]:
        """What a straight line would do."""
        if isinstance(question, GridQuestion):
            from suwen.systems.surgery._path_grid import straight_grid

            return {"straight": straight_grid(question)}
        from suwen.systems.surgery._straight import straight_case

        return {"straight": straight_case(question, protocol)}

    def opened(self, question: Any, protocol: Mapping[str, float], solution: Solution) -> Players:
        """What the path would cost without some of the structures near it."""
        from suwen.systems.surgery._opened import opened_grid, opened_path

        if isinstance(question, GridQuestion):
            return opened_grid(question, solution)
        return opened_path(question, protocol, solution)
