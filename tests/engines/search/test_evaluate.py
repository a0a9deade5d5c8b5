"""Published queries are answered with the published cost under the rule it was published for, and that rule alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from suwen.core.errors import BadInput
from suwen.engines.search import evaluate_queries
from suwen.formats.movingai.scenarios import GridMap, GridQuestion, read_scenario


@pytest.mark.parametrize(
    ("file", "every"),
    [
        ("movingai2d/dao/ost003d.map.scen", 15), ("movingai2d/dao/hrt201n.map.scen", 30),
        ("movingai3d/Complex.3dmap.3dscen", 25),
    ],
)  # fmt: skip
def test_costs_are_the_published_ones(file: str, every: int, data_dir: Path) -> None:
    queries = read_scenario(data_dir / "surgery" / file)[::every]
    answers = evaluate_queries(queries[0].grid, queries)
    assert len(answers) == len(queries) >= 10
    assert max(answer.off for answer in answers if answer.off is not None) <= 1e-3
    assert all(answer.optimal == query.optimal for answer, query in zip(answers, queries, strict=True))
    assert sum(answer.expanded for answer in answers) > 0


def test_with_corners_cut_they_are_not(data_dir: Path) -> None:
    queries = read_scenario(data_dir / "surgery" / "movingai3d/Complex.3dmap.3dscen")[::25]
    answers = evaluate_queries(queries[0].grid, queries, corners="allow")
    assert sum(answer.off is not None and answer.off > 1e-3 for answer in answers) > len(answers) // 2


def test_ends_that_are_one_no_path_and_no_published_cost() -> None:
    walls = np.zeros((3, 3, 1), bool)
    walls[1] = True
    grid = GridMap(name="none", walls=walls)

    def query(goal: tuple[int, int, int], optimal: float | None) -> GridQuestion:
        return GridQuestion(grid=grid, start=(0, 0, 0), goal=goal, optimal=optimal)

    one, cut, unknown = evaluate_queries(
        grid, [query((0, 0, 0), 0.0), query((2, 0, 0), 2.0), query((0, 2, 0), None)]
    )
    assert (one.cost, one.off) == (0.0, 0.0)
    assert (cut.cost, cut.off) == (np.inf, np.inf)
    assert (unknown.cost, unknown.off) == (2.0, None)
    with pytest.raises(BadInput) as refused:
        evaluate_queries(grid, [GridQuestion(grid=grid, start=(1, 0, 0), goal=(1, 0, 0), optimal=0.0)])
    assert refused.value.code == "start-in-wall"
