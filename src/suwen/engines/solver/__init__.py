"""Answers that are computed and checked instead of learned; a bundle of theirs is a signed protocol."""

from suwen.engines.solver.engine import engine

__all__ = ["engine"]
