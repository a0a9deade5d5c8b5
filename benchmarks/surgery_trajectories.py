"""Thousands of straight trajectories scored exactly, and ranked as brute force over every voxel ranks them.

The SPL head: from the whole skin to the subthalamic nucleus, the hippocampus and the amygdala, past ventricles, optic
tracts and brain stem. Brute force measures the exact distance of every trajectory to the box of every voxel of every
critical structure, and ranks by the same rule.
"""

from __future__ import annotations

import time
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
CRITICAL = ["*ventricle*", "pons", "medulla_oblongata", "part_of_midbrain", "*optic*"]
PLACES = ("left_subthalamic_nucleus", "left_hippocampus", "left_amygdala")


def case_of(target: str) -> Any:
    """One question."""
    from suwen.formats.surgical.reading import read_case

    folder = data_dir() / "surgery" / "anatomy" / "spl_head"
    document = {
        "labels": str(folder / "hncma-atlas.nrrd"), "names": str(folder / "hncma-atlas-lut.ctbl"),
        "body": str(folder / "skin.nrrd"), "target": target, "critical": CRITICAL,
    }  # fmt: skip
    return read_case(document)


def brute(ranked: Any, radius_mm: float) -> Any:
    """Exact clearance (n, structures) of every trajectory from every voxel's box, tried one by one."""
    from numba import njit

    from suwen.engines.clearance import _boxes

    @njit
    def least(entries: Any, targets: Any, boxes: Any) -> Any:
        out = np.full(len(entries), np.inf)
        for row in range(len(entries)):
            way = targets[row] - entries[row]
            for at in range(len(boxes)):
                squared, _ = _boxes.segment_to_box(entries[row], way, boxes[at])
                out[row] = min(out[row], squared)
        return np.sqrt(out)

    anatomy, spacing = ranked.anatomy, ranked.anatomy.spacing_mm
    lines = np.stack([ranked.line_mm(at) for at in range(len(ranked.plan))])
    begins, ends = np.ascontiguousarray(lines[:, 0]), np.ascontiguousarray(lines[:, 1])
    columns = []
    for label in sorted(anatomy.critical):
        at = np.argwhere(anatomy.labels == label) * spacing
        boxes = np.ascontiguousarray(np.hstack([at - spacing / 2, at + spacing / 2]))
        columns.append(least(begins, ends, boxes))
    return np.stack(columns, axis=1) - radius_mm


def order_of(ranked: Any, clearance: Any, margin_mm: float, protocol: dict[str, float]) -> list[int]:
    """The ranking by the written rule, from brute-force clearances."""
    scored = ranked.scored
    keys = []
    for at in range(len(clearance)):
        least = float(clearance[at].min())
        slack = least - margin_mm
        air = not np.isfinite(scored.risk[at])
        angle, length = float(scored.angle_deg[at]), float(scored.length_mm[at])
        steep = not angle <= protocol["angle_limit_deg"]
        missed = [air, least <= 0, slack < 0, steep, length > protocol["length_limit_mm"]]
        value = protocol["weight_clearance"] * np.exp(-max(slack, 0.0) / 3.0)
        value += (
            protocol["weight_angle"] * (angle if np.isfinite(angle) else 180.0) / protocol["angle_limit_deg"]
        )
        value += protocol["weight_length"] * length / protocol["length_limit_mm"]
        value += protocol["weight_risk"] * (1.0 if air else float(scored.risk[at]))
        keys.append((sum(missed), round(max(-slack, 0.0), 9), round(value, 9), at))
    return [key[-1] for key in sorted(keys)]


def main() -> None:
    """Run everything."""
    from suwen.core.limit import resolve_limits
    from suwen.systems.surgery._trajectory import rank
    from suwen.systems.surgery.trajectory import task

    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--candidates", type=int, default=2000)
    options.add_argument("--margin-mm", type=float, default=3.0)
    options.add_argument("--targets", nargs="+", default=list(PLACES))
    given = options.parse_args()
    protocol = resolve_limits(task.protocol, {"candidates": given.candidates})
    found: dict[str, Any] = {}
    for name in given.targets:
        case = case_of(name)
        rank(case, protocol, given.margin_mm)  # kernels are compiled once, structures read once
        taken = []
        for _ in range(given.rounds):
            began = time.process_time()
            ranked = rank(case, protocol, given.margin_mm)
            taken.append(time.process_time() - began)
        began = time.process_time()
        clearance = brute(ranked, case.instrument.radius_mm)
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
        },
        as_json=given.json,
    )


if __name__ == "__main__":
    main()
