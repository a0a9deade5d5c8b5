"""Thousands of straight trajectories scored exactly, and ranked as brute force over every voxel ranks them.

The SPL head: from the whole skin to the subthalamic nucleus, the hippocampus and the amygdala, past ventricles, pons
and optic tracts; and once more past the whole brain stem, which the subthalamic nucleus lies against, so that nothing
is feasible there. Brute force measures the exact distance of every trajectory to the box of every voxel of every
critical structure, and the length, angle and mean risk of each, with code of its own, and ranks by the written rule.

Together: six electrodes, three of each side, chosen so that none is in another's way, at the usual distance and at
larger ones, where some have to give way.
"""

from __future__ import annotations

import time
from itertools import combinations, product
from typing import Any

import numpy as np
from _common import data_dir, parser, publish

TARGETS = {
    "candidates": 1000,
    "cpu_s": 2.0,
    "ranking_identical": 1,
    "least_clearance_mm": 3.0,
    "largest_angle_deg": 30.0,
}
CRITICAL = {
    "pons": ["*ventricle*", "pons", "*optic*"],
    "brain_stem": ["*ventricle*", "pons", "medulla_oblongata", "part_of_midbrain", "*optic*"],
}
PLACES = ("left_subthalamic_nucleus", "left_hippocampus", "left_amygdala")
ELECTRODES = (*PLACES, *(name.replace("left", "right") for name in PLACES))
SEPARATIONS_MM = (5.0, 8.0, 12.0, 15.0)


def case_of(target: str, critical: str) -> Any:
    """One question."""
    from suwen.formats.surgical.reading import read_case

    folder = data_dir() / "surgery" / "anatomy" / "spl_head"
    document = {
        "labels": str(folder / "hncma-atlas.nrrd"), "names": str(folder / "hncma-atlas-lut.ctbl"),
        "body": str(folder / "skin.nrrd"), "target": target,
        "critical": CRITICAL[critical],
    }  # fmt: skip
    return read_case(document)


def least(begins: Any, ends: Any, centres: Any, half: Any) -> Any:
    """Distance of every segment to the nearest of all boxes, tried one by one; compiled where it is used."""
    out = np.empty(len(begins))
    cuts = np.empty(8)
    around = np.sqrt((half**2).sum())
    for row in range(len(begins)):
        a, way = begins[row], ends[row] - begins[row]
        along = (way**2).sum()
        best = np.inf
        for at in range(len(centres)):
            c = centres[at]
            share = min(max(((c - a) * way).sum() / along, 0.0), 1.0)
            # No point of a box is nearer than its centre less half its diagonal.
            if np.sqrt(((a + share * way - c) ** 2).sum()) - around > best:
                continue
            # Between the planes of the faces the squared distance is a parabola: ends and bottoms are tried.
            cuts[6], cuts[7] = 0.0, 1.0
            for axis in range(3):
                for side in range(2):
                    plane = c[axis] + (half[axis] if side else -half[axis])
                    cut = (plane - a[axis]) / way[axis] if way[axis] != 0 else 0.0
                    cuts[2 * axis + side] = min(max(cut, 0.0), 1.0)
            cuts.sort()
            for piece in range(7):
                middle = 0.5 * (cuts[piece] + cuts[piece + 1])
                top = bottom = 0.0
                for axis in range(3):
                    off = a[axis] + middle * way[axis] - c[axis]
                    if abs(off) > half[axis]:
                        face = c[axis] + (half[axis] if off > 0 else -half[axis])
                        top += (face - a[axis]) * way[axis]
                        bottom += way[axis] ** 2
                low = min(max(top / bottom, cuts[piece]), cuts[piece + 1]) if bottom > 0 else middle
                for place in (cuts[piece], low, cuts[piece + 1]):
                    gap = np.maximum(np.abs(a + place * way - c) - half, 0.0)
                    best = min(best, np.sqrt((gap**2).sum()))
        out[row] = best
    return out


def clearance_of(ranked: Any, lines: Any, radius_mm: float, distance: Any) -> Any:
    """Exact clearance (n, structures) of every trajectory from every voxel's box."""
    anatomy, spacing = ranked.anatomy, ranked.anatomy.spacing_mm
    begins, ends = np.ascontiguousarray(lines[:, 0]), np.ascontiguousarray(lines[:, 1])
    columns = [
        distance(begins, ends, np.argwhere(anatomy.labels == label) * spacing, spacing / 2)
        for label in sorted(anatomy.critical)
    ]
    return np.stack(columns, axis=1) - radius_mm


def risk_of(line: Any, closed: Any, risk: Any, spacing: Any) -> float:
    """Mean of the risk over the pieces between the planes that a line passes; infinite through air."""
    begin, end = line / spacing
    way = end - begin
    parts = [np.array([0.0, 1.0])]
    for axis in range(3):
        first, last = sorted((begin[axis], end[axis]))
        parts.append((np.arange(np.ceil(first - 0.5) + 0.5, last) - begin[axis]) / (way[axis] or 1.0))
    cuts = np.unique(np.concatenate(parts))
    middles = (cuts[1:] + cuts[:-1]) / 2
    voxels = np.floor(begin + middles[:, None] * way + 0.5).astype(int)
    if closed[tuple(voxels.T)].any():
        return float("inf")
    points = begin + cuts[1:-1, None] * way + 0.5
    for point in points[
        (np.abs(points - np.round(points)) < 1e-9).sum(1) > 1
    ]:  # an edge or a corner is passed
        sides = [{int(np.floor(x - 1e-9)), int(np.floor(x + 1e-9))} for x in point]
        if any(closed[voxel] for voxel in product(*sides)):
            return float("inf")
    return float((np.diff(cuts) * risk[tuple(voxels.T)].astype(float)).sum())


def order_of(ranked: Any, clearance: Any, margin_mm: float, protocol: dict[str, float]) -> list[int]:
    """The ranking by the written rule, from measures taken here."""
    from suwen.engines.clearance.fields import risk_field

    anatomy, case, entries = ranked.anatomy, ranked.anatomy.case, ranked.plan.entries
    tissue = (anatomy.labels != 0) | (np.asarray(case.body) != 0)
    tissue[tuple(entries.voxels.T)] = True
    costs = {**dict.fromkeys(anatomy.critical, protocol["risk_weight"]), **case.weights}
    field = risk_field(anatomy.labels, anatomy.spacing_mm, costs, reach_mm=protocol["risk_reach_mm"])
    keys = []
    for at in range(len(clearance)):
        line = ranked.line_mm(at)
        way = line[1] - line[0]
        length, least = float(np.linalg.norm(way)), float(clearance[at].min())
        slack = least - margin_mm
        cosine = float(way @ entries.inward[at % len(entries)]) / length
        angle = float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
        risk = risk_of(line, ~tissue, field, anatomy.spacing_mm)
        air = not np.isfinite(risk)
        steep = not angle <= protocol["angle_limit_deg"]
        missed = [air, least <= 0, slack < 0, steep, length > protocol["length_limit_mm"]]
        value = protocol["weight_clearance"] * np.exp(-max(slack, 0.0) / 3.0)
        value += (
            protocol["weight_angle"] * (angle if np.isfinite(angle) else 180.0) / protocol["angle_limit_deg"]
        )
        value += protocol["weight_length"] * length / protocol["length_limit_mm"]
        value += protocol["weight_risk"] * (1.0 if air else risk)
        keys.append((sum(missed), round(max(-slack, 0.0), 9), round(value, 9), at))
    return [key[-1] for key in sorted(keys)]


def together(protocol: dict[str, float], margin_mm: float) -> dict[str, Any]:
    """Electrodes to six targets at once, among all feasible candidates of each."""
    from suwen.engines.trajectory.electrodes import choose_together, segment_distance
    from suwen.systems.surgery._trajectory import rank

    ranked = [rank(case_of(name, "pons"), protocol, margin_mm) for name in ELECTRODES]
    kept = [one.scored.order[: int(one.scored.feasible.sum())] for one in ranked]  # the best first
    found: dict[str, Any] = {"feasible": [len(some) for some in kept]}
    if not all(map(len, kept)):
        return found
    lines = [np.stack([one.line_mm(int(at)) for at in some]) for one, some in zip(ranked, kept, strict=True)]
    scores = [one.scored.score[some] for one, some in zip(ranked, kept, strict=True)]
    choose_together([one[:1, 0] for one in lines], [one[:1, 1] for one in lines], [one[:1] for one in scores],
                    separation_mm=0.0)  # fmt: skip
    for separation in SEPARATIONS_MM:
        began = time.process_time()
        chosen = choose_together(
            [one[:, 0] for one in lines], [one[:, 1] for one in lines], scores, separation_mm=separation
        )
        taken = time.process_time() - began
        ways = [one[at] for one, at in zip(lines, chosen.chosen, strict=False)]
        found[f"{separation:g} mm apart"] = {
            "cpu_s": taken,
            "chosen": len(ways),
            "proven": chosen.proven,
            "conflicts": len(chosen.conflicts),
            "moved": len(chosen.moved),
            "blocked": [[ELECTRODES[at] for at in pair] for pair in chosen.blocked],
            "cost": chosen.cost if ways else None,
            "least_distance_mm": min(
                (float(segment_distance(*one, *two)) for one, two in combinations(ways, 2)), default=None
            ),
        }
    return found


def main() -> None:
    """Run everything."""
    from numba import njit

    from suwen.core.limit import resolve_limits
    from suwen.systems.surgery._trajectory import rank
    from suwen.systems.surgery.trajectory import task

    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--candidates", type=int, default=2000)
    options.add_argument("--margin-mm", type=float, default=3.0)
    options.add_argument("--targets", nargs="+", default=list(PLACES))
    options.add_argument("--critical", nargs="+", default=list(CRITICAL), choices=list(CRITICAL))
    options.add_argument("--without-electrodes", action="store_true")
    given = options.parse_args()
    protocol = resolve_limits(task.protocol, {"candidates": given.candidates})
    found: dict[str, Any] = {}
    distance = njit(least)
    for target, critical in product(given.targets, given.critical):
        name = f"{target}, past {critical}"
        case = case_of(target, critical)
        rank(case, protocol, given.margin_mm)  # kernels are compiled once, structures read once
        taken = []
        for _ in range(given.rounds):
            began = time.process_time()
            ranked = rank(case, protocol, given.margin_mm)
            taken.append(time.process_time() - began)
        began = time.process_time()
        lines = np.stack([ranked.line_mm(at) for at in range(len(ranked.plan))])
        clearance = clearance_of(ranked, lines, case.instrument.radius_mm, distance)
        by_brute = order_of(ranked, clearance, given.margin_mm, protocol)
        kept = ranked.scored.feasible
        best = ranked.scored.order[0]
        found[name] = {
            "candidates": len(ranked.plan),
            "feasible": int(kept.sum()),
            "cpu_s": sorted(taken)[len(taken) // 2],
            "brute_cpu_s": time.process_time() - began,
            "clearance_max_difference_mm": float(np.abs(clearance - ranked.scored.clearance_mm).max()),
            "ranking_identical": by_brute == ranked.scored.order.tolist(),
            "best": {
                "clearance_mm": float(ranked.scored.clearance_mm[best].min()),
                "angle_deg": float(ranked.scored.angle_deg[best]),
                "length_mm": float(ranked.scored.length_mm[best]),
                "feasible": bool(kept[best]),
            },
            "least_clearance_of_feasible_mm": float(ranked.scored.clearance_mm[kept].min())
            if kept.any()
            else None,
            "largest_angle_of_feasible_deg": float(ranked.scored.angle_deg[kept].max())
            if kept.any()
            else None,
            "best_clearance_there_is_mm": float(ranked.scored.clearance_mm.min(1).max()),
            "verdict": ranked.plan.verdict.said,
        }
    feasible = [one for one in found.values() if one["feasible"]]
    publish(
        {
            "targets": TARGETS,
            "candidates": min(one["candidates"] for one in found.values()),
            "cpu_s": max(one["cpu_s"] for one in found.values()),
            "ranking_identical": int(all(one["ranking_identical"] for one in found.values())),
            "least_clearance_mm": min(
                (one["least_clearance_of_feasible_mm"] for one in feasible), default=None
            ),
            "largest_angle_deg": max(
                (one["largest_angle_of_feasible_deg"] for one in feasible), default=None
            ),
            "infeasible": [name for name, one in found.items() if not one["feasible"]],
            "margin_mm": given.margin_mm,
            "by_target": found,
            **({} if given.without_electrodes else {"together": together(protocol, given.margin_mm)}),
        },
        as_json=given.json,
    )


if __name__ == "__main__":
    main()
