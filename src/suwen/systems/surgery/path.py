"""The safest path of an instrument through segmented anatomy, certified or refused."""

from suwen.core.task import Computed, Field
from suwen.engines.solver.task import Figure, SolverTask
from suwen.formats.surgical.source import Questions
from suwen.systems.surgery._path import PathSolver
from suwen.systems.surgery._protocol import BUDGET, RISK

CODE = ("http://suwen.dev/CodeSystem/computed", "instrument-path", "Planned path of an instrument")

task = SolverTask(
    name="surgery.path",
    title="Certified path of an instrument through segmented anatomy",
    intended_use=(
        "Planning support for surgeons: the cheapest path from an entry to a target that keeps every critical "
        "structure at a margin derived from the error budget, certified by an independent check; or the structure "
        "that leaves none."
    ),
    not_for=(
        "Steering a device, use without a surgeon's own plan, anatomy that was not segmented (vessels that no label "
        "shows are not avoided), and tissue that shifts between image and operation"
    ),
    inputs=(
        Field(
            name="case",
            kind="volume",
            description="a case: label volume, entry, target, critical structures, instrument (case.json or a ZIP "
            "archive of it); or queries of a Moving AI scenario",
        ),
    ),
    endpoint=Computed(
        answer="path",
        strata=("anatomy", "grid"),
        code=CODE,
    ),
    source=Questions(
        reader="suwen.systems.surgery._path:read_questions",
        endings=("case.json", ".case.zip", ".scen", ".3dscen"),
    ),
    solver=PathSolver(),
    figures=(
        Figure(name="optimal_fraction", of="optimal"),
        Figure(name="found_fraction", of="found"),
        Figure(name="certified_fraction", of="certified"),
        Figure(name="cost_ratio", of="cost_ratio"),
        Figure(name="clearance_mm", of="slack_mm", how="min"),
        Figure(name="length_mm", of="length_mm"),
        Figure(name="cpu_seconds_per_query", of="cpu_seconds", timed=True),
    ),
    metrics=("certified_fraction", "found_fraction"),
    floor={"certified_fraction": 1.0},
    protocol=(*BUDGET, *RISK),
    settings={"operating_point": "certified", "shortcut_probe": False},
)
