"""Patient to image by paired fiducials, with the error at the target and the fiducial that does not belong."""

from suwen.core.task import Computed, Field
from suwen.engines.solver.task import Figure, SolverTask
from suwen.formats.surgical.source import Questions
from suwen.systems.surgery._registration import PROTOCOL, RegistrationSolver

CODE = ("http://suwen.dev/CodeSystem/computed", "registration", "Registration of patient and image")

task = SolverTask(
    name="surgery.registration",
    title="Registration of patient and image by paired fiducials, with the error at the target",
    intended_use=(
        "Planning support and quality control of image guidance: the rigid registration, the predicted error at the "
        "target that enters a plan's margin, and fiducials that contradict the others."
    ),
    not_for="Steering a device; tissue that deforms; a tracker whose own error is not known",
    inputs=(
        Field(
            name="fiducials",
            kind="points",
            description="fixed (image, stated frame) and moving (tracker) fiducials by name, a target, and the "
            "localisation error where known; JSON, or point files of 3D Slicer",
        ),
    ),
    endpoint=Computed(
        answer="registration",
        code=CODE,
    ),
    source=Questions(
        reader="suwen.systems.surgery._registration:read_questions",
        endings=("fiducials.json",),
        field="fiducials",
    ),
    solver=RegistrationSolver(),
    figures=(
        Figure(name="target_registration_error_mm", of="tre_mm"),
        Figure(name="predicted_target_registration_error_mm", of="tre_rms_mm"),
        Figure(name="fiducial_registration_error_mm", of="fre_mm"),
        Figure(name="certified_fraction", of="certified"),
        Figure(name="found_fraction", of="found"),
        Figure(name="cpu_seconds_per_query", of="cpu_seconds", timed=True),
    ),
    metrics=(
        "predicted_target_registration_error_mm",
        "fiducial_registration_error_mm",
        "certified_fraction",
    ),
    floor={"predicted_target_registration_error_mm": 2.0},
    protocol=PROTOCOL,
    settings={"operating_point": "certified", "shortcut_probe": False},
)
