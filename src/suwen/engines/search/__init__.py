"""Shortest and safest paths on a grid: A* and its relatives, exact in millimetres, without cutting corners."""

from suwen.engines.search.evaluate import Answered, evaluate_queries
from suwen.engines.search.field import distance_field, warm
from suwen.engines.search.find import Found, find_path
from suwen.engines.search.ground import Ground
from suwen.engines.search.replan import Replanned, Replanner

__all__ = [
    "Answered",
    "Found",
    "Ground",
    "Replanned",
    "Replanner",
    "distance_field",
    "evaluate_queries",
    "find_path",
    "warm",
]
