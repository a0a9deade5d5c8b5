"""Whether the registration error at a target is what we predict, outlying fiducials are found, and moves come back.

``tre``: ratio of the predicted to the observed error of repeated registrations (RMS and 95th percentile), over
configurations of 4 to 12 fiducials; the repetitions are fitted by code of this file, not by the engine. ``outliers``:
how often exactly the planted fiducials are named, and how often right ones raise an alarm. ``landmarks``: the same
points given to SimpleITK's LandmarkBasedTransformInitializer. ``surfaces``, ``images``: known moves of real anatomy.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from _common import cpu_seconds, data_dir, interleaved, parser, publish, ratio
from numpy.typing import NDArray

TARGETS = {
    "tre_rms_within": 0.03,
    "tre_radius_within": 0.03,
    "outlier_found": 0.95,
    "false_alarms_at_most": 0.05,
    "landmarks_max_mm": 1e-6,
}
FLE_MM = 0.3
Floats = NDArray[np.float64]


def layouts(count: int) -> Iterator[tuple[int, Floats, Floats]]:
    """Fiducials in a cube of 16 cm as one may find them, and a target inside or a little outside of it."""
    for n in (4, 5, 6, 8, 10, 12):
        for seed in range(count):
            rng = np.random.default_rng(1000 * n + seed)
            yield n, rng.uniform(-80, 80, (n, 3)), rng.uniform(-90, 90, 3)


def repeated(fixed: Floats, target: Floats, root: Floats, trials: int) -> tuple[Floats, Floats]:
    """Errors (trials, 3) at the target and FREs (trials,), every fiducial localised anew; Kabsch's method, batched."""
    rng = np.random.default_rng(7)
    n = len(fixed)
    seen = fixed + rng.normal(size=(trials, n, 3)) @ root.T
    centre, mean = fixed.mean(axis=0), seen.mean(axis=1, keepdims=True)
    u, _, vt = np.linalg.svd((seen - mean).transpose(0, 2, 1) @ (fixed - centre))
    u[:, :, 2] *= np.sign(np.linalg.det(u) * np.linalg.det(vt))[:, None]
    rotation = u @ vt
    residual = seen - mean - (fixed - centre) @ rotation.transpose(0, 2, 1)
    error = rotation @ (target - centre) + mean[:, 0] - target
    return error, np.sqrt((residual**2).sum(axis=(1, 2)) / n)


def target_errors(count: int, trials: int) -> dict[str, Any]:
    """Prediction over repetition, isotropic and not, and what FRE says of TRE."""
    from suwen.engines.registration.error import predict_tre
    from suwen.engines.registration.localisation import fle_from_fre
    from suwen.engines.registration.points import register_points

    rows: dict[str, list[list[float]]] = {"isotropic": [], "anisotropic": []}
    links, fles = [], []
    for n, fixed, target in layouts(count):
        for name, deviations in (("isotropic", [1, 1, 1]), ("anisotropic", [0.5, 0.7, 1.5])):
            root = np.diag(deviations) * FLE_MM / np.linalg.norm(deviations)
            errors, fres = repeated(fixed, target, root, trials)
            size = np.linalg.norm(errors, axis=1)
            found = predict_tre(register_points(fixed, fixed), target[None], fle=root @ root.T)
            rms, reach = np.sqrt((size**2).mean()), np.quantile(size, 0.95)
            rows[name].append([n, found.rms_mm[0] / rms, found.radius_mm[0] / reach])
            if name == "isotropic":
                links.append(np.corrcoef(fres, size)[0, 1])
                fles.append(fle_from_fre(float(np.sqrt((fres**2).mean())), n) / FLE_MM)
    document: dict[str, Any] = {"configurations": len(links), "trials_each": trials}
    for name, found_rows in rows.items():
        off = np.abs(np.array(found_rows)[:, 1:] - 1)
        document[name] = {
            "rms_worst_deviation": float(off[:, 0].max()),
            "rms_median_deviation": float(np.median(off[:, 0])),
            "radius_worst_deviation": float(off[:, 1].max()),
            "radius_median_deviation": float(np.median(off[:, 1])),
        }
    return document | {
        "fle_from_fre_worst_deviation": float(np.abs(np.array(fles) - 1).max()),
        "fre_tre_correlation_mean": float(np.mean(links)),
        "fre_tre_correlation_largest": float(np.abs(links).max()),
    }


def estimated_coverage(trials: int) -> dict[str, Any]:
    """How often the 95% radius holds where localisation is estimated, and would if the estimate were the truth."""
    from suwen.engines.registration.error import predict_tre
    from suwen.engines.registration.points import register_points

    document = {}
    for n in (4, 6, 8):
        rng = np.random.default_rng(n)
        fixed, target = rng.uniform(-80, 80, (n, 3)), rng.uniform(-40, 40, (1, 3))
        errors, fres = repeated(fixed, target[0], np.eye(3) * FLE_MM / np.sqrt(3), trials)
        # Radii are proportional to the estimate, so one registration's gives those of all.
        one = register_points(fixed + rng.normal(size=(n, 3)) * FLE_MM, fixed)
        ours = predict_tre(one, target)
        known = predict_tre(one, target, fle=ours.fle_mm)
        size, estimate = np.linalg.norm(errors, axis=1), fres / one.fre_mm
        document[f"{n}_fiducials"] = {
            "held": float((size <= ours.radius_mm[0] * estimate).mean()),
            "held_if_taken_as_known": float((size <= known.radius_mm[0] * estimate).mean()),
        }
    return document


def outliers(trials: int) -> dict[str, Any]:
    """Named exactly, alarms, and false alarms, by number of fiducials."""
    from suwen.engines.registration.outliers import find_outliers
    from suwen.engines.registration.rigid import turn

    document: dict[str, Any] = {"trials_each": trials, "fle_mm": FLE_MM}
    for known in (True, False):
        table: dict[str, Any] = {}
        for n in (4, 5, 6, 8):
            row = {}
            for size_mm, planted in ((0, 0), (1, 1), (2, 1), (3, 1), (4, 1), (5, 1), (4, 2)):
                if planted == 2 and n < 6:
                    continue
                rng = np.random.default_rng(n * 100 + size_mm + planted)
                alarms = named = 0
                for _ in range(trials):
                    fixed = rng.uniform(-80, 80, (n, 3))
                    moving = (fixed + rng.normal(size=(n, 3)) * FLE_MM / np.sqrt(3)) @ turn(
                        rng.normal(size=3)
                    )
                    which = rng.choice(n, planted, replace=False)
                    away = rng.normal(size=(planted, 3))
                    moving[which] += size_mm * away / np.linalg.norm(away, axis=1, keepdims=True)
                    report = find_outliers(fixed, moving, fle_mm=FLE_MM if known else None)
                    alarms += report.alarm
                    named += set(report.suspects) == {str(at + 1) for at in which}
                if planted:
                    row[f"{planted} of {size_mm} mm"] = named / trials
                else:
                    row["false_alarms"] = alarms / trials
            table[f"{n}_fiducials"] = row
        document["fle_known" if known else "fle_unknown"] = table
    return document


def landmarks(rounds: int) -> dict[str, Any]:
    """The engine beside SimpleITK's landmark initialiser, on the same noisy points."""
    import SimpleITK

    from suwen.engines.registration.points import register_points
    from suwen.engines.registration.rigid import Rigid, turn

    rng, cases, apart = np.random.default_rng(5), [], 0.0
    for _ in range(200):
        n = int(rng.integers(3, 13))
        fixed = rng.uniform(-80, 80, (n, 3))
        move = Rigid(rotation=turn(rng.normal(size=3) * 2), translation_mm=rng.normal(size=3) * 300)
        cases.append((fixed, move.apply(fixed + rng.normal(size=(n, 3)) * FLE_MM)))

    def peer(fixed: Floats, moving: Floats) -> Any:
        # ITK's transforms take fixed points to moving ones; exchanged, it is ours.
        return SimpleITK.LandmarkBasedTransformInitializer(
            SimpleITK.VersorRigid3DTransform(), moving.ravel().tolist(), fixed.ravel().tolist()
        )

    refused = 0
    for fixed, moving in cases:
        try:
            ours = register_points(fixed, moving)
        except Exception:
            refused += 1
            continue
        theirs = peer(fixed, moving)
        where = np.concatenate([moving, moving.mean(axis=0) + rng.normal(size=(5, 3)) * 100])
        there = np.array([theirs.TransformPoint(point) for point in where.tolist()])
        apart = max(apart, float(np.linalg.norm(ours.apply(where) - there, axis=1).max()))
    sides: dict[str, Callable[[], Any]] = {
        "ours": lambda: [register_points(*one) for one in cases[:50]],
        "simpleitk": lambda: [peer(*one) for one in cases[:50]],
    }
    taken = interleaved(sides, rounds)
    return {
        "cases": len(cases) - refused,
        "refused": refused,
        "max_difference_mm": apart,
        "cpu_ms_each": 1000 * float(np.median(taken["ours"])) / 50,
        "cpu_over_simpleitk": ratio(taken["ours"], taken["simpleitk"]),
    }


def speed() -> dict[str, float]:
    """CPU seconds of what a user waits for."""
    from suwen.engines.registration.error import predict_tre
    from suwen.engines.registration.outliers import find_outliers
    from suwen.engines.registration.points import register_points

    rng = np.random.default_rng(3)
    fixed = rng.uniform(-80, 80, (8, 3))
    moving = fixed + rng.normal(size=(8, 3)) * 0.2
    found = register_points(fixed, moving)
    predict_tre(found, fixed)
    return {
        "register_8_points_cpu_s": cpu_seconds(lambda: [register_points(fixed, moving) for _ in range(100)])
        / 100,
        "outliers_of_8_cpu_s": cpu_seconds(
            lambda: [find_outliers(fixed, moving, fle_mm=0.3) for _ in range(50)]
        )
        / 50,
        "map_of_20000_points_cpu_s": cpu_seconds(
            lambda: predict_tre(found, rng.uniform(-100, 100, (20000, 3)), fle=0.3)
        ),
    }


def skin() -> Floats | None:
    """Points (n, 3), mm, of a real head's skin."""
    path = data_dir() / "surgery" / "anatomy" / "spl_head" / "skin.nrrd"
    if not path.exists():
        return None
    import nrrd

    values, header = nrrd.read(str(path))
    inside = np.pad(values > 0, 1)
    within = inside.copy()
    for axis in range(3):
        for way in (-1, 1):
            within &= np.roll(inside, way, axis)
    points: Floats = np.argwhere(inside & ~within) * np.linalg.norm(header["space directions"], axis=1)
    return points[np.random.default_rng(0).permutation(len(points))]


def surfaces(runs: int) -> dict[str, Any] | None:
    """Random moves of a real head with 1 mm noise: with strays from principal axes, its front from a start nearby."""
    from suwen.core.errors import SuwenError
    from suwen.engines.registration.basin import convergence_basin
    from suwen.engines.registration.icp import register_surface
    from suwen.engines.registration.rigid import Rigid, turn

    points = skin()
    if points is None:
        return None
    rng, fixed = np.random.default_rng(1), points[:10000]
    document: dict[str, Any] = {"fixed_points": len(fixed), "runs": runs, "noise_mm": 1.0}
    for name in ("whole head, no start, 10% strays", "front 60%, start 15 degrees and 15 mm off"):
        errors, seconds, refused = [], [], []
        for run in range(runs):
            true = points[10000 + 2000 * run : 12000 + 2000 * run]
            whole = name.startswith("whole")
            true = true if whole else true[true[:, 1] < np.quantile(points[:, 1], 0.6)]
            move = Rigid(rotation=turn(rng.normal(size=3) * 2), translation_mm=rng.normal(size=3) * 300)
            seen = move.inverse().apply(true + rng.normal(size=true.shape) / np.sqrt(3))
            start = None
            if whole:
                seen = np.concatenate([seen, seen[:200] + rng.normal(size=(200, 3)) * 25])
            else:
                axis, way = (one / np.linalg.norm(one) for one in rng.normal(size=(2, 3)))
                away, centre = turn(axis * np.radians(15)), seen.mean(axis=0)
                start = move.after(Rigid(rotation=away, translation_mm=centre - away @ centre + 15 * way))
            began = time.process_time()
            try:
                found = register_surface(fixed, seen, start=start)
            except SuwenError as no:
                refused.append(no.code)
                continue
            seconds.append(time.process_time() - began)
            errors.append(np.linalg.norm(found.apply(move.inverse().apply(true)) - true, axis=1).max())
        document[name] = {
            "refused": refused,
            "median_largest_error_mm": float(np.median(errors)),
            "worst_error_mm": float(np.max(errors)),
            "cpu_s": float(np.median(seconds)),
        }
    document["starts anywhere"] = anywhere(points, 2 * runs)
    patient = points[10000:12000]
    found = register_surface(fixed, patient, start=Rigid.identity())
    document["basin"] = [
        vars(row)
        for row in convergence_basin(
            found, fixed, patient, offsets=((10, 10), (20, 20), (40, 40), (60, 60), (90, 90)), starts=20
        )
    ]
    return document


def anywhere(points: Floats, runs: int) -> dict[str, int]:
    """Starts turned by 10 to 180 degrees and shifted by 10 to 100 mm, whole head and front: how they end."""
    from suwen.core.errors import SuwenError
    from suwen.engines.registration.icp import register_surface
    from suwen.engines.registration.rigid import Rigid, turn

    rng, fixed = np.random.default_rng(8), points[:10000]
    ends = {"right": 0, "refused": 0, "wrong": 0}
    for run in range(runs):
        patient = points[10000:11500]
        if run % 2:
            patient = patient[patient[:, 1] < np.quantile(points[:, 1], 0.6)]
        axis, way = (one / np.linalg.norm(one) for one in rng.normal(size=(2, 3)))
        rotation, centre = turn(axis * np.radians(rng.uniform(10, 180))), patient.mean(axis=0)
        shift = rng.uniform(10, 100) * way
        start = Rigid(rotation=rotation, translation_mm=centre - rotation @ centre + shift)
        try:
            found = register_surface(
                fixed, patient + rng.normal(size=patient.shape) / np.sqrt(3), start=start
            )
        except SuwenError:
            ends["refused"] += 1
            continue
        error = np.linalg.norm(found.apply(patient) - patient, axis=1).max()
        ends["right" if error < 2 else "wrong"] += 1
    return ends


def images(runs: int) -> dict[str, Any] | None:
    """Known moves of a real CT at 3 mm, sampled anew with noise; once with its own contrast, once with another."""
    path = data_dir() / "surgery" / "anatomy" / "totalseg" / "example_ct.nii.gz"
    if not path.exists():
        return None
    import nibabel
    from scipy import ndimage

    from suwen.engines.registration.images import register_images
    from suwen.engines.registration.rigid import Rigid, turn

    image = nibabel.load(path)
    array, affine = image.get_fdata(dtype=np.float32), np.diag([-1.0, -1, 1, 1]) @ image.affine
    cut, rng = (slice(15, -15),) * 3, np.random.default_rng(2)
    placed = affine.copy()
    placed[:3, 3] += affine[:3, :3] @ np.full(3, 15.0)
    fixed = array[cut]
    ends = np.array(np.meshgrid(*[[0, (size - 1) / 2, size - 1] for size in fixed.shape])).reshape(3, -1).T
    probes = ends @ placed[:3, :3].T + placed[:3, 3]
    centre = probes.mean(axis=0)
    rows: dict[str, list[list[float]]] = {"mean-squares": [], "mutual-information": []}
    for _ in range(runs):
        axis, way = (one / np.linalg.norm(one) for one in rng.normal(size=(2, 3)))
        rotation = turn(axis * np.radians(8))
        move = Rigid(rotation=rotation, translation_mm=centre - rotation @ centre + 12 * way)
        back = np.linalg.inv(affine) @ move.inverse().matrix @ affine
        drawn = ndimage.affine_transform(array, back[:3, :3], back[:3, 3], order=1, mode="nearest")[cut]
        drawn = drawn + rng.normal(size=drawn.shape) * 20
        for metric, rows_of in rows.items():
            shown = drawn if metric == "mean-squares" else np.abs(drawn - 100) + 50 * np.sin(drawn / 150)
            began = time.process_time()
            found = register_images(fixed, placed, shown, placed, metric=metric)
            taken = time.process_time() - began
            error = np.linalg.norm(found.apply(move.apply(probes)) - probes, axis=1).max()
            assert found.check is not None
            rows_of.append([error, found.check.inverse_consistency_mm, found.check.recovery_mm, taken])
    names = ("largest_error_mm", "inverse_consistency_mm", "recovery_mm", "cpu_s_with_self_check")
    return {"voxel_mm": 3.0, "moves": runs} | {
        metric: {
            name: float(np.max(column)) for name, column in zip(names, zip(*found, strict=True), strict=True)
        }
        for metric, found in rows.items()
    }


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--configurations", type=int, default=6, help="for each number of fiducials")
    arguments.add_argument("--trials", type=int, default=20000, help="repetitions of a configuration")
    arguments.add_argument("--outlier-trials", type=int, default=1000)
    arguments.add_argument(
        "--runs", type=int, default=10, help="moves of surfaces; a third as many of images"
    )
    asked = arguments.parse_args()
    began = time.process_time()
    parts = {
        "tre": target_errors(asked.configurations, asked.trials),
        "tre_with_estimated_fle": estimated_coverage(asked.trials),
        "outliers": outliers(asked.outlier_trials),
        "landmarks": landmarks(3),
        "speed": speed(),
        "surfaces": surfaces(asked.runs),
        "images": images(max(1, asked.runs // 3)),
    }
    document = {name: part for name, part in parts.items() if part is not None}
    document["absent"] = sorted(set(parts) - set(document))
    document["cpu_s"] = time.process_time() - began
    publish(document | {"targets": TARGETS}, as_json=asked.json)


if __name__ == "__main__":
    main()
