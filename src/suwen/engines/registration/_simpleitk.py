"""SimpleITK, told what we mean: volumes with an affine in, one seeded single-threaded optimisation, a matrix out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import MissingExtra, Refused
from suwen.engines.registration.rigid import Floats
from suwen.formats.volume.grid import nearest_rotation

BINS = 32
SAMPLES = 60_000
"""Voxels that the metric is taken from, at each level, drawn once with the seed; all where there are fewer."""
FIRST_STEP_MM, LAST_STEP_MM, RELAXED = 2.0, 0.005, 0.6
"""Step of the regular-step gradient descent: from, to, and the factor at every turn of the gradient."""
NOTHING_COMPARED = 1e300
"""Above this the metric says that no voxel was compared."""
SMALLEST_SIDE = 10
"""An image is not shrunk to fewer voxels than this along its shortest side."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """How an optimisation is run.

    Attributes
    ----------
    kind
        ``rigid`` or ``affine``.
    metric
        ``mutual-information`` or ``mean-squares``.
    rounds
        Iterations at most, at each level.
    seed
        Of the drawing of voxels.
    """

    kind: str
    metric: str
    rounds: int
    seed: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Reached:
    """Where an optimisation ended.

    Attributes
    ----------
    to_moving
        Array (4, 4), from fixed to moving LPS mm.
    value, start_value
        Of the metric, less is better.
    stop
        Why the optimiser ended, in its own words.
    rounds
        Iterations at the finest level.
    """

    to_moving: Floats
    value: float
    start_value: float
    stop: str
    rounds: int


def simpleitk_module() -> Any:
    """The package ``SimpleITK``.

    Raises
    ------
    MissingExtra
        It is not installed.
    """
    try:
        import SimpleITK
    except ImportError:
        raise MissingExtra("SimpleITK", "surgery", "Registering images") from None
    return SimpleITK


def image_of(array: NDArray[Any], affine_lps: Floats) -> Any:
    """A SimpleITK image of a volume (I, J, K); ITK's world is LPS as ours is."""
    sitk = simpleitk_module()
    image = sitk.GetImageFromArray(np.ascontiguousarray(array.T, np.float32))
    spacing = np.linalg.norm(affine_lps[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection(nearest_rotation(affine_lps[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(affine_lps[:3, 3].tolist())
    return image


@contextmanager
def alone_and_quiet() -> Iterator[None]:
    """One thread in SimpleITK while it lasts, and no warnings on stderr.

    Sums taken by several threads differ in their last digits from run to run; what the warnings say is raised here
    as an error. Both settings are the whole process's, and are given back.
    """
    process = simpleitk_module().ProcessObject
    threads, warned = process.GetGlobalDefaultNumberOfThreads(), process.GetGlobalWarningDisplay()
    process.SetGlobalDefaultNumberOfThreads(1)
    process.SetGlobalWarningDisplay(False)
    try:
        yield
    finally:
        process.SetGlobalDefaultNumberOfThreads(threads)
        process.SetGlobalWarningDisplay(warned)


def optimise(fixed: Any, moving: Any, start: Floats, plan: Plan) -> Reached:
    """Run one registration.

    Parameters
    ----------
    fixed, moving
        Images of :func:`image_of`.
    start
        Array (4, 4), rigid, from fixed to moving LPS mm.
    plan
        How.

    Raises
    ------
    Refused
        ``no-overlap`` where the samples fall outside the moving image.
    """
    with alone_and_quiet():
        return _optimise(fixed, moving, start, plan)


def _optimise(fixed: Any, moving: Any, start: Floats, plan: Plan) -> Reached:
    sitk = simpleitk_module()
    centre = np.array(
        fixed.TransformContinuousIndexToPhysicalPoint([(size - 1) / 2 for size in fixed.GetSize()])
    )
    transform = sitk.Euler3DTransform() if plan.kind == "rigid" else sitk.AffineTransform(3)
    transform.SetCenter(centre.tolist())
    transform.SetMatrix(start[:3, :3].ravel().tolist())
    transform.SetTranslation((start[:3, :3] @ centre + start[:3, 3] - centre).tolist())
    method = sitk.ImageRegistrationMethod()
    method.SetNumberOfThreads(1)
    if plan.metric == "mutual-information":
        method.SetMetricAsMattesMutualInformation(numberOfHistogramBins=BINS)
    else:
        method.SetMetricAsMeanSquares()
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=FIRST_STEP_MM,
        minStep=LAST_STEP_MM,
        numberOfIterations=plan.rounds,
        relaxationFactor=RELAXED,
        gradientMagnitudeTolerance=1e-9,
    )
    method.SetOptimizerScalesFromPhysicalShift()
    side, spacing = min(*fixed.GetSize(), *moving.GetSize()), min(fixed.GetSpacing())
    shrink = [factor for factor in (4, 2) if side // factor >= SMALLEST_SIDE] + [1]
    method.SetShrinkFactorsPerLevel(shrink)
    voxels = float(np.prod(fixed.GetSize()))
    parts = [min(1.0, SAMPLES * factor**3 / voxels) for factor in shrink]
    method.SetMetricSamplingPercentagePerLevel(parts, plan.seed)
    method.SetSmoothingSigmasPerLevel([factor * spacing / 2 if factor > 1 else 0.0 for factor in shrink])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    method.SetInitialTransform(transform, inPlace=True)
    try:
        start_value = float(method.MetricEvaluate(fixed, moving))
        method.Execute(fixed, moving)
    except RuntimeError as failed:
        if "outside" in str(failed) or "valid points" in str(failed) or "overlap" in str(failed).lower():
            raise _no_overlap() from None
        raise Refused(
            "the optimiser gave up",
            fix="Give a start near the answer, as from landmarks",
            code="not-converged",
        ) from None
    if max(start_value, float(method.GetMetricValue())) > NOTHING_COMPARED:
        raise _no_overlap()
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(transform.GetMatrix(), (3, 3))
    matrix[:3, 3] = centre + np.array(transform.GetTranslation()) - matrix[:3, :3] @ centre
    return Reached(
        to_moving=matrix,
        value=float(method.GetMetricValue()),
        start_value=start_value,
        stop=str(method.GetOptimizerStopConditionDescription()),
        rounds=int(method.GetOptimizerIteration()),
    )


def _no_overlap() -> Refused:
    return Refused(
        "no voxel of one image lies within the other where the registration came to",
        fix="Give a start near the answer, as from landmarks, and check both frames",
        code="no-overlap",
    )
