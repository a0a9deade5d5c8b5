"""The solver of straight trajectories: every entry scored exactly, ranked, and several electrodes chosen together."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.documents import plain
from suwen.core.engine import Players
from suwen.core.limit import Limit
from suwen.core.prediction import Abstention
from suwen.core.solution import Solution
from suwen.engines.trajectory.electrodes import Together, choose_together
from suwen.engines.trajectory.plan import Ranked as Plan
from suwen.engines.trajectory.plan import plan_trajectories
from suwen.engines.trajectory.riskmap import risk_map
from suwen.engines.trajectory.score import Limits, Scored, Weights, histogram
from suwen.formats.surgical.case import Case
from suwen.formats.surgical.reading import read_case
from suwen.formats.surgical.source import Question
from suwen.systems.surgery._anatomy import Anatomy, anatomy_of
from suwen.systems.surgery._checking import checker_of
from suwen.systems.surgery._document import certificate_document, lps, plan_document
from suwen.systems.surgery._margin import budget_of, margin_document

Floats = NDArray[np.float64]
PROTOCOL = (
    Limit(name="candidates", default=2000, least=10, most=20000, meaning="entries that are scored, at least"),
    Limit(
        name="target_points",
        default=1,
        least=1,
        most=50,
        meaning="points of a target structure that are tried",
    ),
    Limit(name="angle_limit_deg", default=30, least=1, most=90, meaning="largest angle to the bone's normal"),
    Limit(name="length_limit_mm", default=90, least=5, most=300, meaning="longest way from entry to target"),
    Limit(
        name="separation_mm",
        default=5,
        least=0,
        most=50,
        meaning="least distance between two electrodes' axes",
    ),
    Limit(name="weight_clearance", default=1, least=0, most=100, meaning="weight of clearance in the score"),
    Limit(name="weight_angle", default=0.5, least=0, most=100, meaning="weight of the angle in the score"),
    Limit(name="weight_length", default=0.5, least=0, most=100, meaning="weight of the length in the score"),
    Limit(name="weight_risk", default=0.5, least=0, most=100, meaning="weight of the mean risk in the score"),
)
UNITS = {
    **dict.fromkeys(("length_mm", "slack_mm", "clearance_mm", "margin_mm"), "mm"),
    "angle_deg": "deg",
    "cpu_seconds": "s",
}
SHOWN, POINTS = 20, 4000
"""Candidates that a plan lists, and points of its risk map."""


def read_questions(item: Any) -> Sequence[Question]:
    """One case."""
    return [read_case(item)]


@dataclass(frozen=True, kw_only=True, eq=False)
class Ranked:
    """All candidates of one target.

    Attributes
    ----------
    anatomy
        The case with this target.
    plan
        Where it could be entered, and how good that is.
    """

    anatomy: Anatomy
    plan: Plan

    @property
    def scored(self) -> Scored:
        """Measures and order of the candidates."""
        return self.plan.scored

    def line_mm(self, candidate: int) -> Floats:
        """Entry and target of a candidate, (2, 3), grid mm."""
        return np.stack(self.plan.ends_mm(candidate))


class TrajectorySolver:
    """See :class:`suwen.engines.solver.task.Solver`."""

    needs: tuple[str, ...] = ("numba", "scipy", "nibabel", "nrrd")
    extra = "surgery"

    def refusal(self, question: Any, protocol: Mapping[str, float]) -> Abstention | None:
        """Nothing that could be read is refused: where nothing is feasible, that is the answer."""
        return None

    def solve(self, question: Case, protocol: Mapping[str, float]) -> Solution:
        """The best feasible trajectory, certified; or what the best candidates miss."""
        began = time.process_time()
        budget = budget_of(question, protocol)
        ranked = [
            rank(replace(question, target=target), protocol, budget.margin_mm)
            for target in (question.target, *question.also)
        ]
        together = _together(ranked, protocol)
        first = ranked[0]
        at = together.chosen[0] if together is not None and together.chosen else int(first.scored.order[0])
        document = self._document(ranked, together, margin_document(question, budget), protocol)
        if not first.scored.feasible[at] or (together is not None and not together.chosen):
            return _infeasible(ranked, together, document, began)
        line = first.line_mm(at)
        certificate = checker_of(first.anatomy).certify(
            line, margin_mm=budget.margin_mm, radius_mm=question.instrument.radius_mm
        )
        document |= {
            "entry_lps_mm": lps(first.anatomy, line[:1])[0],
            "target_lps_mm": lps(first.anatomy, line[1:])[0],
            "path_lps_mm": lps(first.anatomy, line) if certificate.holds else None,
            "length_mm": certificate.length_mm,
            "cost": float(first.scored.score[at]),
            "certificate": certificate_document(first.anatomy, certificate),
        }
        slack, angle = float(first.scored.slack_mm[at]), float(first.scored.angle_deg[at])
        nearest = certificate.structures[0]
        said = (
            f"certified: {certificate.length_mm:.1f} mm at {angle:.0f}° to the bone, never less than "
            f"{nearest.clearance_lower_bound_mm:.2f} mm from {nearest.name} (margin {budget.margin_mm:.2f} mm); "
            f"{int(first.scored.feasible.sum())} of {len(first.plan)} candidates are feasible"
            if certificate.holds
            else f"refused by the independent check: {'; '.join(certificate.reasons)}"
        )
        figures = {
            "found": 1.0,
            "certified": float(certificate.holds),
            "length_mm": certificate.length_mm,
            "clearance_mm": nearest.clearance_lower_bound_mm,
            "margin_mm": budget.margin_mm,
            "slack_mm": slack,
            "angle_deg": angle,
            "candidates": float(len(first.plan)),
            "cpu_seconds": time.process_time() - began,
        }
        return Solution(
            kind="trajectory",
            found=True,
            holds=certificate.holds,
            said=said,
            figures=figures,
            units=UNITS,
            document=document,
        )

    def beside(self, question: Case, protocol: Mapping[str, float]) -> Mapping[str, Mapping[str, float]]:
        """The shortest way from the skin, which a hurried hand would take."""
        began = time.process_time()
        margin = budget_of(question, protocol).margin_mm
        ranked = rank(question, protocol, margin)
        at = int(np.lexsort((np.arange(len(ranked.plan)), ranked.scored.length_mm))[0])
        return {
            "shortest": {
                "found": 1.0,
                "certified": float(not ranked.scored.missed[at, :3].any()),
                "length_mm": float(ranked.scored.length_mm[at]),
                "slack_mm": float(ranked.scored.slack_mm[at]),
                "angle_deg": float(ranked.scored.angle_deg[at]),
                "cpu_seconds": time.process_time() - began,
            }
        }

    def opened(self, question: Case, protocol: Mapping[str, float], solution: Solution) -> Players:
        """What the best score would be if some limits did not count."""
        margin = budget_of(question, protocol).margin_mm
        ranked = rank(question, protocol, margin)
        names = ("margin", "angle", "length")

        def answer(present: NDArray[np.bool_]) -> NDArray[np.float64]:
            rows = []
            for chosen in np.asarray(present, bool):
                kept = np.array([True, True, *chosen.tolist()])
                possible = ~(ranked.scored.missed & kept).any(1)
                rows.append([ranked.scored.score[possible].min() if possible.any() else NONE])
            return np.array(rows)

        missed = histogram(ranked.scored)
        return Players(
            variables=names,
            periods=(None,) * len(names),
            shown=tuple(f"{missed[name]} of {len(ranked.plan)} candidates miss it" for name in names),
            answer=answer,
            outputs=("score of the best trajectory",),
            unit="score, lower is better",
            headline=0,
        )

    def _document(
        self,
        ranked: Sequence[Ranked],
        together: Together | None,
        margin: Mapping[str, Any],
        protocol: Mapping[str, float],
    ) -> dict[str, Any]:
        first = ranked[0]
        return plan_document(
            first.anatomy,
            margin,
            entry_mm=None,
            path_mm=None,
            alternatives=[_candidate(first, int(at)) for at in first.scored.order[:SHOWN]],
            risk={"unit": "score, lower is better", "points": _risk_map(first)},
            candidates={
                "scored": len(first.plan),
                "feasible": int(first.scored.feasible.sum()),
                "missed": dict(histogram(first.scored)),
                "verdict": first.plan.verdict.as_dict(),
                "limits": {
                    "margin_mm": margin["margin_mm"],
                    "angle_deg": protocol["angle_limit_deg"],
                    "length_mm": protocol["length_limit_mm"],
                },
            },
            electrodes=_electrodes(ranked, together),
            instrument={**plain(first.anatomy.case.instrument), "kind": "rigid"},
        )


NONE = 100.0
"""Score that stands for no possible trajectory."""


def rank(case: Case, protocol: Mapping[str, float], margin_mm: float) -> Ranked:
    """Score every straight way to one target."""
    anatomy = anatomy_of(case)
    body = np.ones(anatomy.labels.shape, bool) if case.body is None else case.body
    plan = plan_trajectories(
        anatomy.labels,
        spacing_mm=anatomy.spacing_mm,
        targets=anatomy.target_mm if case.target.structure is None else case.target.structure,
        critical=anatomy.critical,
        limits=Limits(
            margin_mm=margin_mm,
            angle_deg=protocol["angle_limit_deg"],
            length_mm=protocol["length_limit_mm"],
        ),
        radius_mm=case.instrument.radius_mm,
        body=body,
        entries=None if anatomy.entry_mm is None else anatomy.entry_mm[None],
        bone=case.bone,
        weights=Weights(
            clearance=protocol["weight_clearance"],
            angle=protocol["weight_angle"],
            length=protocol["weight_length"],
            risk=protocol["weight_risk"],
        ),
        tissue_weights={**dict.fromkeys(anatomy.critical, protocol["risk_weight"]), **case.weights},
        risk_reach_mm=protocol["risk_reach_mm"],
        about=int(protocol["candidates"]),
        about_targets=int(protocol["target_points"]),
        checker=checker_of(anatomy),
    )
    return Ranked(anatomy=anatomy, plan=plan)


def _together(ranked: Sequence[Ranked], protocol: Mapping[str, float]) -> Together | None:
    """One trajectory for each target, none in another's way; ``None`` for a single target."""
    if len(ranked) < 2 or not all(one.scored.feasible.any() for one in ranked):
        return None
    best = [_feasible(one) for one in ranked]
    lines = [np.stack([one.line_mm(int(at)) for at in some]) for one, some in zip(ranked, best, strict=True)]
    found = choose_together(
        [line[:, 0] for line in lines],
        [line[:, 1] for line in lines],
        [one.scored.score[some] for one, some in zip(ranked, best, strict=True)],
        separation_mm=protocol["separation_mm"],
    )
    chosen = tuple(int(some[at]) for some, at in zip(best, found.chosen, strict=False))
    return replace(found, chosen=chosen)


MOST_TOGETHER = 400
"""Candidates of each target, the best ones, among which electrodes are chosen together."""


def _feasible(one: Ranked) -> NDArray[np.int64]:
    order = one.scored.order[one.scored.feasible[one.scored.order]]
    return np.asarray(order[:MOST_TOGETHER])


def _candidate(ranked: Ranked, at: int) -> dict[str, Any]:
    told = ranked.plan.candidate_document(at)
    entry, target = lps(ranked.anatomy, ranked.line_mm(at))
    return {
        "entry_lps_mm": entry,
        "target_lps_mm": target,
        "score": told["score"],
        "clearance_mm": min(told["clearance_mm"].values()),
        "slack_mm": told["slack_mm"],
        "nearest": told["nearest"],
        "crossed": told["crossed"],
        "angle_deg": told["angle_deg"],
        "length_mm": told["length_mm"],
        "risk": told["mean_risk"],
        "feasible": told["feasible"],
        "reasons": told["reasons"],
    }


def _risk_map(ranked: Ranked) -> list[dict[str, Any]]:
    """Score of every entry, the best first, for display."""
    drawn = risk_map(ranked.plan.entries, ranked.scored)
    order = np.lexsort((drawn.value, ~drawn.feasible))[:POINTS]
    points = lps(ranked.anatomy, drawn.points_mm[order])
    return [
        {
            "lps_mm": [round(value, 1) for value in point],
            "value": round(float(drawn.value[at]), 3),
            "feasible": bool(drawn.feasible[at]),
        }
        for point, at in zip(points, order.tolist(), strict=True)
    ]


def _electrodes(ranked: Sequence[Ranked], together: Together | None) -> dict[str, Any] | None:
    if together is None:
        return None
    return {
        "chosen": [_candidate(one, at) for one, at in zip(ranked, together.chosen, strict=False)],
        "total_score": together.total if together.chosen else None,
        "best_alone": together.alone,
        "conflicts_resolved": [list(pair) for pair in together.conflicts],
        "moved": list(together.moved),
        "blocked": [list(pair) for pair in together.blocked],
        "proven": together.proven,
    }


def _infeasible(
    ranked: Sequence[Ranked], together: Together | None, document: Mapping[str, Any], began: float
) -> Solution:
    """No trajectory keeps every limit: what the best one reaches, and what stands in the way."""
    if together is not None:
        sentence = "No set of trajectories keeps the electrodes apart"
    else:
        one = next(each for each in ranked if not each.scored.feasible.any())
        sentence = f"No trajectory keeps every limit: {one.plan.verdict.said}"
    return Solution(
        kind="trajectory",
        found=False,
        holds=False,
        said=sentence,
        figures={"found": 0.0, "cpu_seconds": time.process_time() - began},
        units=UNITS,
        document=document,
    )
