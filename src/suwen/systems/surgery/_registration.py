"""The solver of registrations: paired fiducials, the error at the target, and fiducials that do not belong."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.engine import Players
from suwen.core.limit import Limit
from suwen.core.prediction import Abstention
from suwen.core.solution import Solution
from suwen.formats.surgical.fiducial_case import FiducialCase, read_fiducials
from suwen.formats.surgical.source import Question

PROTOCOL = (
    Limit(
        name="fle_mm",
        default=0.3,
        least=0.01,
        most=10,
        meaning="localisation error, RMS, where a case states none",
    ),
    Limit(
        name="coverage",
        default=0.95,
        least=0.5,
        most=0.999,
        meaning="probability of the radius at the target",
    ),
    Limit(name="false_alarm", default=0.05, least=0.001, most=0.2, meaning="level of the test for outliers"),
    Limit(
        name="tre_limit_mm", default=2.0, least=0.05, most=20, meaning="largest radius at the target accepted"
    ),
)
UNITS = {
    "fre_mm": "mm",
    "tre_rms_mm": "mm",
    "tre_radius_mm": "mm",
    "tre_mm": "mm",
    "cpu_seconds": "s",
}
UNREGISTERED_MM = 100.0
"""Error that stands for no registration at all, where fewer than three fiducials are left."""


def read_questions(item: Any) -> Sequence[Question]:
    """One set of paired fiducials."""
    return [read_fiducials(item)]


class RegistrationSolver:
    """See :class:`suwen.engines.solver.task.Solver`."""

    needs: tuple[str, ...] = ("scipy",)
    extra = "surgery"

    def refusal(self, question: Any, protocol: Mapping[str, float]) -> Abstention | None:
        """What cannot be registered is an error with its reason."""
        return None

    def solve(self, question: FiducialCase, protocol: Mapping[str, float]) -> Solution:
        """The registration, its error at the target, and which fiducials do not belong."""
        from suwen.engines.registration.contribution import registration_contribution
        from suwen.engines.registration.outliers import find_outliers
        from suwen.engines.registration.points import register_points

        began = time.process_time()
        fle = question.fle_mm or protocol["fle_mm"]
        fixed, moving = dict(question.fixed), dict(question.moving)
        found = register_points(fixed, moving, fle_mm=fle, exclude=question.exclude)
        share = registration_contribution(found, question.target_lps_mm, protocol["coverage"])
        kept = {name: fixed[name] for name in found.names}
        others = find_outliers(
            kept, {name: moving[name] for name in kept}, fle_mm=fle, false_alarm=protocol["false_alarm"]
        )
        figures = {
            "found": 1.0,
            "fre_mm": found.fre_mm,
            "tre_rms_mm": share.tre_rms_mm,
            "tre_radius_mm": share.radius_mm,
            "outliers": float(len(others.suspects)),
        }
        if question.target_moving_mm is not None:
            figures["tre_mm"] = _missed(found, question)
        wrong = []
        if others.alarm:
            named = ", ".join(others.suspects) or "which cannot be told"
            wrong.append(f"fiducials disagree: {named}; localise again, or exclude it and say so")
        if share.radius_mm > protocol["tre_limit_mm"]:
            wrong.append(f"the error at the target exceeds {protocol['tre_limit_mm']:g} mm")
        said = (
            f"{len(found.names)} fiducials: FRE {found.fre_mm:.2f} mm; error at the target {share.tre_rms_mm:.2f} mm "
            f"RMS, {100 * share.coverage:g}% within {share.radius_mm:.2f} mm"
        )
        figures |= {"certified": float(not wrong), "cpu_seconds": time.process_time() - began}
        return Solution(
            kind="registration",
            found=True,
            holds=not wrong,
            said="; ".join([said, *wrong]),
            figures=figures,
            units=UNITS,
            document={
                "registration": found.as_dict(),
                "target": share.as_dict(),
                "outliers": others.as_dict(),
                "margin_needs": {"registration_tre_mm": share.budget_rms_mm},
                "wrong": wrong,
            },
        )

    def beside(
        self, question: FiducialCase, protocol: Mapping[str, float]
    ) -> Mapping[str, Mapping[str, float]]:
        """What the first three fiducials alone would give, tested by nothing."""
        from suwen.core.errors import SuwenError
        from suwen.engines.registration.points import register_points

        began = time.process_time()
        names = [name for name, _ in question.fixed if name not in question.exclude][:3]
        fixed, moving = dict(question.fixed), dict(question.moving)
        try:
            found = register_points(
                {name: fixed[name] for name in names},
                {name: moving[name] for name in names if name in moving},
            )
        except SuwenError:
            return {"three_fiducials": {"found": 0.0}}
        figures = {
            "found": 1.0,
            "fre_mm": found.fre_mm,
            "tre_rms_mm": _expected(fixed, names, question, protocol),
        }
        if question.target_moving_mm is not None:
            figures["tre_mm"] = _missed(found, question)
        return {"three_fiducials": {**figures, "cpu_seconds": time.process_time() - began}}

    def opened(self, question: FiducialCase, protocol: Mapping[str, float], solution: Solution) -> Players:
        """What the error at the target would be without some of the fiducials."""
        fixed = dict(question.fixed)
        names = tuple(name for name in fixed if name not in question.exclude)
        residuals = solution.document["registration"]["residuals_mm"]

        def answer(present: NDArray[np.bool_]) -> NDArray[np.float64]:
            rows = []
            for chosen in np.asarray(present, bool):
                some = [name for name, there in zip(names, chosen, strict=True) if there]
                rows.append([_expected(fixed, some, question, protocol)])
            return np.array(rows)

        return Players(
            variables=names,
            periods=(None,) * len(names),
            shown=tuple(f"residual {residuals[name]:.2f} mm" for name in names),
            answer=answer,
            outputs=("predicted error at the target",),
            unit="mm of target registration error, RMS",
            headline=0,
        )


def _expected(
    fixed: Mapping[str, Any], names: Sequence[str], question: FiducialCase, protocol: Mapping[str, float]
) -> float:
    """Predicted error at the target of a registration by some of the fiducials."""
    from suwen.core.errors import SuwenError
    from suwen.engines.registration.error import expected_tre

    try:
        points = np.array([fixed[name] for name in names])
        fle = question.fle_mm or protocol["fle_mm"]
        return float(expected_tre(points, np.array([question.target_lps_mm]), fle)[0])
    except SuwenError:  # too few, or in one line
        return UNREGISTERED_MM


def _missed(found: Any, question: FiducialCase) -> float:
    """Distance between the target and where the registration puts it."""
    return float(
        np.linalg.norm(found.apply(np.array(question.target_moving_mm)) - np.array(question.target_lps_mm))
    )
