"""A* through a segmented head, beside scikit-image and dijkstra3d in one run: time, memory, equal costs, growth.

From a place on the skin to the subthalamic nucleus, critical structures as walls, every voxel 1 mm and of equal
cost. Corners are cut, because the peers cannot forbid it; the rule that plans use stands beside it. dijkstra3d's
distance field is computed from the entry, as its own shortest paths take walls for passable. Growth is the time for
each voxel that is expanded, costs by distance to critical structures as in a plan, the head resampled by nearest
neighbour.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from _common import cpu_seconds, data_dir, parser, publish

TARGETS = {"vs_mcp": 20.0, "vs_dijkstra3d": 2.0, "memory_vs_mcp": 0.30, "growth": 1.30, "astar_cpu_s": 0.3}
CRITICAL = (
    *("left_lateral_ventricle", "right_lateral_ventricle", "third_ventricle", "fourth_ventricle"),
    *("temporal_horn_of_left_lateral_ventricle", "temporal_horn_of_right_lateral_ventricle", "pons"),
    *("part_of_midbrain", "medulla_oblongata"),
    *("left_optic_tract", "right_optic_tract", "left_optic_nerve", "right_optic_nerve", "optic_chiasm"),
)
TARGET = "left_subthalamic_nucleus"
ENTRIES = ((200, 150, 20), (128, 40, 128), (40, 150, 100))
"""Voxels on the head, one far off behind structures."""
SIZES = (64, 128, 256, 400)


def head(size: int = 256) -> dict[str, Any]:
    """Walls, spacing, entries and target of the head at a size."""
    from suwen.formats.volume.read import read_volume

    folder = data_dir() / "surgery" / "anatomy" / "spl_head"
    volume = read_volume(folder / "hncma-atlas.nrrd", kind="labels", names=folder / "hncma-atlas-lut.ctbl")
    labels = volume.array
    critical = {volume.value_of(name): name for name in CRITICAL}
    inside = np.argwhere(labels == volume.value_of(TARGET))
    target = inside[np.linalg.norm(inside - inside.mean(0), axis=1).argmin()]
    if size != labels.shape[0]:
        at = np.minimum(((np.arange(size) + 0.5) * labels.shape[0] / size).astype(int), labels.shape[0] - 1)
        labels = np.ascontiguousarray(labels[np.ix_(at, at, at)])
    scale = size / 256
    spacing = volume.spacing_mm / scale
    return {
        "labels": labels, "critical": critical, "walls": np.isin(labels, list(critical)), "spacing": spacing,
        "target": (target * scale).astype(int), "entries": [(np.array(one) * scale).astype(int) for one in ENTRIES],
    }  # fmt: skip


def ours(case: dict[str, Any], entry: Any, **options: Any) -> Any:
    """One query, the grid made ready included."""
    from suwen.engines.search import find_path

    return find_path(case["walls"], spacing_mm=case["spacing"], start=entry, goal=case["target"], **options)


def mcp(case: dict[str, Any], entry: Any) -> float:
    """scikit-image's minimal cost path."""
    from skimage.graph import MCP_Geometric

    found = MCP_Geometric(np.where(case["walls"], np.inf, 1.0), sampling=tuple(case["spacing"]))
    costs, _ = found.find_costs([tuple(entry)], [tuple(case["target"])])
    return float(costs[tuple(case["target"])])


def dijkstra3d_field(case: dict[str, Any], entry: Any) -> float:
    """dijkstra3d's distance field."""
    import dijkstra3d

    field = dijkstra3d.euclidean_distance_field(
        (~case["walls"]).astype(np.uint8), tuple(int(at) for at in entry), anisotropy=tuple(case["spacing"])
    )
    return float(field[tuple(case["target"])])


def peak(name: str) -> int:
    """Bytes that one contender adds to the largest memory of a process; run in a process of its own."""
    case = head()
    if name == "ours":
        ours({**case, "walls": case["walls"][:8, :8, :8], "target": np.array([7, 7, 7])}, np.zeros(3, int))
    elif name == "mcp":
        mcp({**case, "walls": case["walls"][:8, :8, :8], "target": np.array([7, 7, 7])}, np.zeros(3, int))
    work = {
        "ours": lambda: ours(case, case["entries"][0], corners="allow"),
        "mcp": lambda: mcp(case, case["entries"][0]),
    }
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark begins anew at what is held now
    before = _memory("VmRSS")
    work[name]()
    return max(_memory("VmHWM") - before, 0)


def _memory(field: str) -> int:
    """Bytes of a line of ``/proc/self/status``."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(f"{field}:"))) * 1024


def added_memory(name: str) -> int:
    """The same, in a fresh process."""
    done = subprocess.run(
        [sys.executable, __file__, "--peak", name], capture_output=True, text=True, check=True, cwd=Path.cwd()
    )
    return int(json.loads(done.stdout))


def growth(sizes: tuple[int, ...], rounds: int) -> dict[str, Any]:
    """Nanoseconds for each expanded voxel by size, the best of some rounds, and largest over smallest."""
    from suwen.engines.clearance.fields import risk_field
    from suwen.engines.search import Ground, find_path

    grounds, found = {}, {size: [] for size in sizes}
    for size in sizes:
        case = head(size)
        weights = dict.fromkeys(case["critical"], 1.0)
        cost = risk_field(case["labels"], case["spacing"], weights, reach_mm=30.0) + np.float32(1)
        grounds[size] = (Ground(case["walls"], spacing_mm=case["spacing"], cost=cost), case)
    expanded = {}
    for _ in range(rounds):
        for size, (ground, case) in grounds.items():
            began, count = time.process_time(), 0
            while time.process_time() - began < 0.2 and count < 50:
                answer = find_path(ground, start=case["entries"][2], goal=case["target"])
                count += 1
            found[size].append((time.process_time() - began) / count / answer.expanded * 1e9)
            expanded[size] = answer.expanded
    best = {size: min(times) for size, times in found.items()}
    return {
        "ns_per_expanded_voxel": {str(size): round(value, 1) for size, value in best.items()},
        "expanded": {str(size): count for size, count in expanded.items()},
        "largest_over_smallest": max(best.values()) / min(best.values()),
    }


def main() -> None:
    """Run everything."""
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    options.add_argument("--without", nargs="*", default=[], choices=("mcp", "dijkstra3d", "memory"))
    options.add_argument("--peak", choices=("ours", "mcp"), help="print the memory of one contender and stop")
    given = options.parse_args()
    if given.peak:
        print(peak(given.peak))
        return
    case = head()
    entry = case["entries"][0]
    cold = cpu_seconds(lambda: ours(case, entry, corners="allow"))
    mine = {
        rule: sorted(
            cpu_seconds(lambda rule=rule: ours(case, entry, corners=rule)) for _ in range(given.rounds)
        )
        for rule in ("allow", "forbid")
    }
    answers = {rule: ours(case, entry, corners=rule) for rule in ("allow", "forbid")}
    exact = {rule: ours(case, entry, corners=rule, weight=0.0) for rule in ("allow", "forbid")}
    own = mine["allow"][len(mine["allow"]) // 2]
    costs = {"astar": answers["allow"].cost, "dijkstra": exact["allow"].cost}
    seconds = {
        "astar": own, "astar_no_corner_cut": mine["forbid"][len(mine["forbid"]) // 2], "astar_first_call": cold,
        "dijkstra": cpu_seconds(lambda: ours(case, entry, corners="allow", weight=0.0)),
        "weighted_1.5": cpu_seconds(lambda: ours(case, entry, corners="allow", weight=1.5)),
    }  # fmt: skip
    for name, peer in (("mcp", mcp), ("dijkstra3d", dijkstra3d_field)):
        if name not in given.without:
            taken = []
            for _ in range(1 if name == "mcp" else min(given.rounds, 3)):
                began = time.process_time()
                costs[name] = peer(case, entry)
                taken.append(time.process_time() - began)
            seconds[name] = sorted(taken)[len(taken) // 2]
    grown = growth(tuple(given.sizes), given.rounds)
    memory = {} if "memory" in given.without else {name: added_memory(name) for name in ("ours", "mcp")}
    blocked = case["walls"].copy()
    low, high = case["target"] - 12, case["target"] + 13
    shell = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    inner = tuple(slice(a + 2, b - 2) for a, b in zip(low, high, strict=True))
    kept = blocked[inner].copy()
    blocked[shell] = True
    blocked[inner] = kept
    closed = cpu_seconds(lambda: ours({**case, "walls": blocked}, entry))
    publish(
        {
            "targets": TARGETS,
            "vs_mcp": seconds["mcp"] / own if "mcp" in seconds else None,
            "vs_dijkstra3d": seconds["dijkstra3d"] / own if "dijkstra3d" in seconds else None,
            "memory_vs_mcp": memory["ours"] / memory["mcp"] if memory else None,
            "costs_equal": max(costs.values()) - min(costs.values()) <= 1e-3 * min(costs.values()),
            "growth": grown["largest_over_smallest"],
            "astar_cpu_s": own,
            "unreachable_cpu_s": closed,
            "cpu_seconds": seconds,
            "costs_mm": {**costs, "astar_no_corner_cut": answers["forbid"].cost},
            "expanded": {rule: answer.expanded for rule, answer in answers.items()},
            "no_corner_cut_equals_dijkstra": abs(answers["forbid"].cost - exact["forbid"].cost) < 1e-6,
            "added_memory_bytes": memory,
            "growth_by_size": grown,
            "case": {"entry": entry.tolist(), "target": TARGET, "walls": list(CRITICAL), "corners": "allow"},
        },
        as_json=given.json,
    )


if __name__ == "__main__":
    main()
