"""A simulated robot arm that follows a planned path, with its error measured."""

from suwen.core.task import Computed, Field
from suwen.engines.solver.task import Figure, SolverTask
from suwen.formats.surgical.source import Questions
from suwen.systems.surgery._motion import PROTOCOL, MotionSolver

CODE = ("http://suwen.dev/CodeSystem/computed", "robot-motion", "Simulated motion of an instrument")

task = SolverTask(
    name="surgery.motion",
    title="Simulated robot motion along a planned path, with its measured error",
    intended_use=(
        "Engineers and surgeons who ask whether a seven-axis arm could follow a certified path: inverse kinematics "
        "with a remote centre of motion, timing, control, and the error under load, noise and delay, in simulation."
    ),
    not_for=(
        "Driving a device; stating a device's accuracy: micrometres here are those of a model; tissue that resists "
        "or moves"
    ),
    inputs=(
        Field(
            name="path",
            kind="path",
            description="a plan as suwen plan --out wrote it, or a JSON path with entry, frame and unit",
        ),
    ),
    endpoint=Computed(
        answer="motion",
        code=CODE,
    ),
    source=Questions(
        reader="suwen.systems.surgery._motion:read_questions",
        endings=(".plan.json", "path.json"),
        field="path",
    ),
    solver=MotionSolver(),
    figures=(
        Figure(name="tip_error_mm", of="tip_error_mm", how="max"),
        Figure(name="remote_centre_drift_mm", of="remote_centre_drift_mm", how="max"),
        Figure(name="stop_time_ms", of="stop_time_ms", how="max"),
        Figure(name="limits_kept", of="limits_kept"),
        Figure(name="certified_fraction", of="certified"),
        Figure(name="cpu_seconds_per_query", of="cpu_seconds", timed=True),
    ),
    metrics=("tip_error_mm", "remote_centre_drift_mm", "stop_time_ms", "limits_kept"),
    floor={"tip_error_mm": 0.5, "remote_centre_drift_mm": 0.5, "stop_time_ms": 10.0, "limits_kept": 1.0},
    protocol=PROTOCOL,
    settings={"operating_point": "certified", "shortcut_probe": False},
)
