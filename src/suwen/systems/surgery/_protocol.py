"""The error budget that every plan's margin comes from, and the risk of being near."""

from __future__ import annotations

from suwen.core.limit import Limit

BUDGET = (
    Limit(
        name="registration_tre_mm",
        default=0.5,
        least=0.0,
        most=10.0,
        meaning="registration error at the target, RMS in three dimensions, where the case does not state it",
    ),
    Limit(
        name="tracking_mm",
        default=0.25,
        least=0.0,
        most=10.0,
        meaning="tracking error of the instrument's tip, RMS in three dimensions",
    ),
    Limit(
        name="bending_mm",
        default=0.1,
        least=0.0,
        most=10.0,
        meaning="the most that the instrument bends off its axis, added in full",
    ),
    Limit(
        name="coverage",
        default=0.95,
        least=0.9,
        most=0.999,
        meaning="probability that the whole error stays below the margin",
    ),
)
RISK = (
    Limit(
        name="risk_weight",
        default=1.0,
        least=0.0,
        most=100.0,
        meaning="extra cost per mm at a critical structure's surface, as a multiple of the length",
    ),
    Limit(
        name="risk_reach_mm",
        default=8.0,
        least=0.5,
        most=50.0,
        meaning="distance from which on a critical structure adds no cost",
    ),
)
"""Defaults are round figures of frameless stereotaxy, stated so that a hospital puts its own in their place."""
