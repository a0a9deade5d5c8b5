"""Shortest and safest paths on a grid: A* and its relatives, exact in millimetres, without cutting corners."""

from suwen.engines.search.find import Found, find_path
from suwen.engines.search.ground import Ground

__all__ = ["Found", "Ground", "find_path"]
