"""Paths of limited curvature, which a steerable needle can follow."""

from suwen.engines.steering.steer import Steered, steer

__all__ = ["Steered", "steer"]
