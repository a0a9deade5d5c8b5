"""Straight trajectories of needles and electrodes, ranked, with a risk map."""

from suwen.core.task import Computed, Field
from suwen.engines.solver.task import Figure, SolverTask
from suwen.formats.surgical.source import Questions
from suwen.systems.surgery._protocol import BUDGET, RISK
from suwen.systems.surgery._trajectory import PROTOCOL, TrajectorySolver

CODE = ("http://suwen.dev/CodeSystem/computed", "straight-trajectory", "Planned straight trajectory")

task = SolverTask(
    name="surgery.trajectory",
    title="Straight trajectories of needles and electrodes, ranked and certified",
    intended_use=(
        "Planning support for surgeons who place needles or electrodes: every entry of the skin scored on clearance, "
        "angle to the bone, length and risk; the feasible ones ranked; several electrodes kept out of each other's way."
    ),
    not_for=(
        "Steering a device, use without a surgeon's own plan, anatomy that was not segmented, and tissue that shifts "
        "between image and operation"
    ),
    inputs=(
        Field(
            name="case",
            kind="volume",
            description="a case: label volume, body, target, critical structures, bone, instrument (case.json or a ZIP "
            "archive of it)",
        ),
    ),
    endpoint=Computed(answer="trajectory", strata=("anatomy",), code=CODE),
    source=Questions(
        reader="suwen.systems.surgery._trajectory:read_questions", endings=("case.json", ".case.zip")
    ),
    solver=TrajectorySolver(),
    figures=(
        Figure(name="found_fraction", of="found"),
        Figure(name="certified_fraction", of="certified"),
        Figure(name="clearance_mm", of="slack_mm", how="min"),
        Figure(name="entry_angle_deg", of="angle_deg", how="max"),
        Figure(name="length_mm", of="length_mm"),
        Figure(name="cpu_seconds_per_query", of="cpu_seconds", timed=True),
    ),
    metrics=("certified_fraction", "found_fraction"),
    floor={"certified_fraction": 1.0},
    protocol=(*BUDGET, *RISK, *PROTOCOL),
    settings={"operating_point": "certified", "shortcut_probe": False},
)
