"""The margin of a case: from the hospital's protocol, the patient's own registration and the image's voxels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from suwen.engines.clearance.budget import ErrorBudget, navigation_budget

if TYPE_CHECKING:
    from suwen.formats.surgical.case import Case


def budget_of(case: Case, protocol: Mapping[str, float]) -> ErrorBudget:
    """The error budget of one case.

    Parameters
    ----------
    case
        Its own registration error, where it states one, comes before the protocol's.
    protocol
        Of the bundle; see :mod:`suwen.systems.surgery._protocol`.
    """
    own = case.registration_tre_mm
    return navigation_budget(
        registration_tre_rms_mm=protocol["registration_tre_mm"] if own is None else own,
        tracking_rms_mm=protocol["tracking_mm"],
        spacing_mm=case.labels.spacing_mm,
        instrument_bending_mm=protocol["bending_mm"],
        coverage=protocol["coverage"],
    )


def margin_document(case: Case, budget: ErrorBudget) -> dict[str, Any]:
    """The margin with what it is made of, for a plan."""
    measured = case.registration_tre_mm is not None
    return {
        **budget.as_dict(),
        "registration": "measured for this patient" if measured else "the protocol's default, not measured",
    }
