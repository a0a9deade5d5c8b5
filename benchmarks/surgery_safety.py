"""Plans on real anatomy, certified by the checker and by brute force; peers' paths are scored by the same checker.

Walls, plans and both checks are separate code: the planner sees a grid of walls, the checker the labels, and
brute force looks at every box that is anywhere near each sample of the path. Peers (scikit-image's
MCP_Geometric, dijkstra3d) plan in three ways: around the bare labels, around a distance transform of the
margin (centre to centre, as is usual), and around the same walls. Targets that are closed off by a planted
shell show whether the right blocker is named, and how fast.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import numpy as np
from _common import parser, publish
from _surgery_anatomy import Anatomy, anatomies, pairs
from numpy.typing import NDArray

SHARES = {
    "spl_head": 80,
    "totalseg_3mm": 20,
    "totalseg_fast_3mm": 20,
    "totalseg_dicom": 20,
    "topcow_ct": 30,
    "topcow_mr": 30,
}
TARGETS = {"violations": 0, "brute_force_violations": 0, "blocker_cpu_s": 1.0}
WAYS = ("bare_labels", "distance_transform", "same_walls")


def brute_force_mm(path_mm: NDArray[Any], anatomy: Anatomy, reach_mm: float) -> float:
    """Least distance of samples every 0.05 mm to all boxes of critical labels; infinite beyond the reach."""
    spacing = anatomy.spacing_mm
    corners = np.linalg.norm(np.diff(path_mm, axis=0), axis=1)
    pieces = np.maximum(np.ceil(corners / 0.05), 1).astype(int)
    points = np.vstack(
        [np.linspace(a, b, n + 1) for a, b, n in zip(path_mm[:-1], path_mm[1:], pieces, strict=True)]
    )
    labels = list(anatomy.critical)
    least = np.inf
    for begin in range(0, len(points), 100):
        some = points[begin : begin + 100]
        low = np.maximum(np.floor((some.min(axis=0) - reach_mm) / spacing).astype(int), 0)
        high = np.ceil((some.max(axis=0) + reach_mm) / spacing).astype(int) + 1
        part = anatomy.labels[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
        centres = (np.argwhere(np.isin(part, labels)) + low) * spacing
        if len(centres):
            apart = np.maximum(np.abs(some[:, None] - centres) - spacing / 2, 0)
            least = min(least, float(np.sqrt((apart**2).sum(axis=-1)).min()))
    return least


def corner_cuts(path: NDArray[Any], walls: NDArray[np.bool_]) -> int:
    """Moves of a path of voxels whose block has a wall in it."""
    low, high = np.minimum(path[:-1], path[1:]), np.maximum(path[:-1], path[1:]) + 1
    return sum(
        bool(walls[a[0] : b[0], a[1] : b[1], a[2] : b[2]].any()) for a, b in zip(low, high, strict=True)
    )


def ours(walls: NDArray[np.bool_], spacing_mm: Any, start: Any, goal: Any) -> NDArray[Any]:
    """The search of this project."""
    from suwen.engines.search import find_path

    return np.asarray(find_path(walls, spacing_mm=spacing_mm, start=start, goal=goal, corners="forbid").path)


def skimage_mcp(walls: NDArray[np.bool_], spacing_mm: Any, start: Any, goal: Any) -> NDArray[Any]:
    """scikit-image: a negative cost is a wall."""
    from skimage.graph import MCP_Geometric

    costs = np.where(walls, -1.0, 1.0)
    search = MCP_Geometric(costs, fully_connected=True, sampling=tuple(spacing_mm))
    search.find_costs([start], [goal])
    return np.array(search.traceback(goal))


def dijkstra3d(walls: NDArray[np.bool_], spacing_mm: Any, start: Any, goal: Any) -> NDArray[Any]:
    """dijkstra3d: zero is no wall, infinity is; it knows no spacing."""
    import dijkstra3d as package

    field = np.where(walls, np.inf, 1.0).astype(np.float32)
    return np.array(package.dijkstra(field, start, goal, connectivity=26)).astype(np.int64)


def plan(anatomy: Anatomy, checker: Any, count: int, seed: int) -> dict[str, Any]:
    """Plan, certify and look again."""
    from suwen.engines.clearance.fields import walls_for

    walls = walls_for(
        anatomy.labels, anatomy.spacing_mm, anatomy.critical, anatomy.margin_mm, anatomy.radius_mm
    )
    needed = anatomy.margin_mm + anatomy.radius_mm
    figures: Counter[str] = Counter()
    slack, seconds, longest = [], 0.0, 0.0
    for start, goal in pairs(anatomy, walls, count, seed):
        path = ours(walls, anatomy.spacing_mm, start, goal)
        began = time.process_time()
        found = checker.certify(
            path * anatomy.spacing_mm, margin_mm=anatomy.margin_mm, radius_mm=anatomy.radius_mm
        )
        seconds += time.process_time() - began
        least = brute_force_mm(path * anatomy.spacing_mm, anatomy, needed + 2.0)
        figures["plans"] += 1
        figures["violations"] += not found.holds
        figures["brute_force_violations"] += least < needed - 1e-9
        figures["corner_cuts"] += corner_cuts(path, walls)
        distance = found.clearance_mm + anatomy.radius_mm
        agree = abs(least - distance) < 1e-6 if least <= needed + 2.0 else distance > needed + 2.0
        figures["disagreements"] += not agree
        slack.append(found.structures[0].slack_mm)
        longest = max(longest, found.length_mm)
    return {
        **figures,
        "least_slack_mm": min(slack),
        "longest_mm": longest,
        "certificate_cpu_s": seconds / count,
        "critical": len(anatomy.critical),
    }


def peers(anatomy: Anatomy, checker: Any, count: int, seed: int) -> dict[str, Counter[str]]:
    """Paths between the same ends by every planner, each in three ways, scored by the same checker."""
    from scipy.ndimage import distance_transform_edt

    from suwen.engines.clearance.fields import walls_for

    needed = anatomy.margin_mm + anatomy.radius_mm
    critical = np.isin(anatomy.labels, list(anatomy.critical))
    same = walls_for(
        anatomy.labels, anatomy.spacing_mm, anatomy.critical, anatomy.margin_mm, anatomy.radius_mm
    )
    usual = distance_transform_edt(~critical, sampling=anatomy.spacing_mm) < needed
    scores: dict[str, Counter[str]] = {}
    for start, goal in pairs(anatomy, same, count, seed):
        for way, walls in zip(WAYS, (critical, usual, same), strict=True):
            for name, planner in (("skimage_mcp", skimage_mcp), ("dijkstra3d", dijkstra3d), ("suwen", ours)):
                path = planner(walls, anatomy.spacing_mm, start, goal)
                score = scores.setdefault(f"{name}.{way}", Counter())
                bare = way == "bare_labels"  # of which no more is asked than not to touch
                found = checker.certify(
                    path * anatomy.spacing_mm,
                    margin_mm=0.0 if bare else anatomy.margin_mm,
                    radius_mm=0.0 if bare else anatomy.radius_mm,
                )
                score["plans"] += 1
                score["violations"] += not found.holds
                score["corner_cuts"] += corner_cuts(path, walls)
                score["violation_mm"] += found.violation_mm
    return scores


def blocked(anatomy: Anatomy, count: int, seed: int) -> dict[str, Any]:
    """Targets inside one planted shell or two, among critical structures: is the blocker right, and how fast."""
    from suwen.engines.clearance.blocker import blocked_by
    from suwen.engines.clearance.fields import walls_for

    rng = np.random.default_rng(seed)
    walls = walls_for(anatomy.labels, anatomy.spacing_mm, anatomy.critical, 0.5, 0.3)
    taken, right = [], 0
    size = 61
    apart = np.linalg.norm(np.indices((size,) * 3).transpose(1, 2, 3, 0) - size // 2, axis=-1)
    cases = pairs(anatomy, walls, count, seed)
    for number, (start, goal) in enumerate(cases):
        labels = anatomy.labels.copy()
        planted, expected = {}, []
        for label, inner in ((9001, rng.uniform(4, 9)), (9002, rng.uniform(14, 25)))[: 1 + number % 2]:
            _plant(labels, (apart >= inner) & (apart < inner + 2), goal, label)
            planted[label] = f"shell {label}"
            expected.append(label)
        began = time.process_time()
        found = blocked_by(
            labels,
            anatomy.spacing_mm,
            critical=anatomy.critical | planted,
            margin_mm=0.5,
            radius_mm=0.3,
            start=start,
            goal=goal,
        )
        taken.append(time.process_time() - began)
        right += found is not None and found.structures == tuple(expected)
    return {"cases": count, "right": right, "cpu_s_median": float(np.median(taken)), "cpu_s_most": max(taken)}


def _plant(labels: NDArray[Any], ball: NDArray[np.bool_], at: Any, label: int) -> None:
    """Write a label where the ball, its middle at a voxel, is inside of the volume."""
    half = ball.shape[0] // 2
    here, there = [], []
    for middle, length in zip(at, labels.shape, strict=True):
        low, high = max(middle - half, 0), min(middle + half + 1, length)
        here.append(slice(low, high))
        there.append(slice(low - middle + half, high - middle + half))
    labels[tuple(here)][ball[tuple(there)]] = label


def main() -> None:
    given = parser(__doc__)
    given.add_argument("--plans", type=int, default=200, help="plans over all volumes")
    given.add_argument("--peer-plans", type=int, default=21, help="of them also planned by the peers")
    given.add_argument("--blocked", type=int, default=40, help="targets that are closed off, in the head")
    given.add_argument("--seed", type=int, default=0)
    options = given.parse_args()
    from suwen.engines.clearance.checker import Checker

    volumes: dict[str, Any] = {}
    totals: Counter[str] = Counter()
    scores: dict[str, Counter[str]] = {}
    no_path: dict[str, Any] = {}
    for anatomy in anatomies():
        checker = Checker(anatomy.labels, anatomy.spacing_mm, anatomy.critical)
        count = round(SHARES[anatomy.name] * options.plans / sum(SHARES.values()))
        volumes[anatomy.name] = plan(anatomy, checker, max(count, 1), options.seed)
        for key in ("plans", "violations", "brute_force_violations", "disagreements", "corner_cuts"):
            totals[key] += volumes[anatomy.name].get(key, 0)
        for name, score in peers(anatomy, checker, options.peer_plans // len(SHARES), options.seed).items():
            scores.setdefault(name, Counter()).update(score)
        if anatomy.name == "spl_head":
            no_path = blocked(anatomy, options.blocked, options.seed)
    publish(
        {**totals, "no_path": no_path, "planners": scores, "volumes": volumes, "targets": TARGETS},
        as_json=options.json,
    )


if __name__ == "__main__":
    main()
