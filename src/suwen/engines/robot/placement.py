"""Where the arm's base stands beside the patient: given as a rigid transform, or chosen from a small table.

Up is against gravity, which the patient's position on the table decides; the base stands upright. Of the candidates
(distance, height and bearing seen from the entry) the one with the best criterion along the line from outside to the
target is taken: the smallest singular value of the task's Jacobian, times how far the joints stay from their limits
(in full from 15 % of the range on); 0 where the elbow comes near the entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from suwen.core.errors import BadInput, Refused, UnknownSetting, nearest
from suwen.engines.robot.arm import JOINTS, Floats, Limits
from suwen.engines.robot.kinematics import forward, manipulability, solve, task

UP_LPS: Mapping[str, tuple[float, float, float]] = {
    "supine": (0, -1, 0),
    "prone": (0, 1, 0),
    "sitting": (0, 0, 1),
    "left-lateral": (-1, 0, 0),
    "right-lateral": (1, 0, 0),
}
"""What points up, in LPS, by the side that the patient lies on (left-lateral: on the left side)."""

DISTANCE_M = (0.45, 0.55, 0.65)
BELOW_M = (-0.15, 0.05, 0.25)
BEARINGS = 8
"""The table: horizontal distance of the base from the entry, its depth below it, and as many bearings around."""
SEEDS_RAD = (
    (0.0, 0.6, 0.0, -1.4, 0.0, 1.1, 0.0),
    (0.0, 0.2, 0.0, -1.8, 0.0, -0.6, 0.0),
    (0.0, 0.9, 0.0, -0.8, 0.0, 1.6, 0.0),
    (0.8, 0.6, -0.8, -1.5, 0.8, 1.0, 0.0),
)
"""Postures from which inverse kinematics starts."""
MORE_SEEDS = 60
"""So many more, drawn evenly from the joints' ranges, where the base is given and those do not do."""
ELBOW_M = 0.25
"""The elbow stays this far from the entry; more of the patient's body the table does not know."""
SOLVED = 1e-7
"""Largest rest of the task that counts as solved: 40 nm or 0.1 µrad."""


@dataclass(frozen=True, kw_only=True)
class Placement:
    """A rigid transform from the base's frame (m, z up) to the patient's (LPS, mm).

    Attributes
    ----------
    rotation
        Array (3, 3): columns are the base's axes in LPS.
    origin_lps_mm
        Array (3,): where the base stands.
    """

    rotation: Floats
    origin_lps_mm: Floats

    def __post_init__(self) -> None:
        turn, origin = np.asarray(self.rotation, float), np.asarray(self.origin_lps_mm, float)
        object.__setattr__(self, "rotation", turn)
        object.__setattr__(self, "origin_lps_mm", origin)
        good = turn.shape == (3, 3) and origin.shape == (3,)
        good = good and bool(np.isfinite(turn).all() and np.isfinite(origin).all())
        if not good or np.abs(turn @ turn.T - np.eye(3)).max() > 1e-6 or np.linalg.det(turn) < 0:
            raise BadInput(
                "the base's placement is not a rigid transform",
                where="base",
                fix="Give a rotation (3, 3) with determinant 1 and an origin (3,) in LPS mm",
                code="not-rigid",
            )

    def to_base(self, points_lps_mm: Floats) -> Floats:
        """Points (..., 3) in the base's frame, m."""
        return np.asarray((points_lps_mm - self.origin_lps_mm) @ self.rotation / 1000)

    def to_lps(self, points_base_m: Floats) -> Floats:
        """Points (..., 3) in LPS mm."""
        return np.asarray(points_base_m @ self.rotation.T * 1000 + self.origin_lps_mm)

    def document(self) -> dict[str, Any]:
        """As plain JSON."""
        return {"rotation": self.rotation.tolist(), "origin_lps_mm": self.origin_lps_mm.tolist()}


def up_of(patient_position: str) -> Floats:
    """Unit vector in LPS that points up.

    Raises
    ------
    UnknownSetting
        ``unknown-patient-position``.
    """
    if patient_position not in UP_LPS:
        raise UnknownSetting(
            f"the patient position '{patient_position}' is not known",
            where="patient_position",
            fix=nearest(patient_position, UP_LPS),
            code="unknown-patient-position",
        )
    return np.array(UP_LPS[patient_position], float)


def candidates(entry_lps_mm: Floats, up: Floats) -> list[Placement]:
    """Every placement of the table, its x axis towards the entry."""
    across = np.array([0.0, 0.0, 1.0]) if abs(up[2]) < 0.5 else np.array([0.0, 1.0, 0.0])
    across -= up * (across @ up)
    across /= np.linalg.norm(across)
    along = np.cross(across, up)
    bearings = np.arange(BEARINGS) * 2 * np.pi / BEARINGS
    return [
        Placement(
            rotation=np.stack([-outwards, np.cross(up, -outwards), up], axis=1),
            origin_lps_mm=entry_lps_mm + 1000 * (distance * outwards - below * up),
        )
        for outwards in np.cos(bearings)[:, None] * along + np.sin(bearings)[:, None] * across
        for distance in DISTANCE_M
        for below in BELOW_M
    ]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A placement, the posture it begins in, and why it was taken.

    Attributes
    ----------
    placement
        Of the base.
    q_rad
        Array (7,): posture at the first probe.
    criterion
        Smallest manipulability along the probes times the distance to the joint limits, 0 to 1.
    reachable, tried
        How many candidates can do it at all, and how many there were.
    """

    placement: Placement
    q_rad: Floats
    criterion: float
    reachable: int
    tried: int


def more_postures(limits: Limits) -> Floats:
    """Array (:data:`MORE_SEEDS`, 7) of postures, always the same."""
    drawn = np.random.default_rng(0).uniform(-0.8, 0.8, (MORE_SEEDS, JOINTS))
    return np.asarray(drawn * limits.position_rad)


def choose(
    probes_lps_mm: Floats,
    axes_lps: Floats,
    *,
    entry_lps_mm: Floats,
    tip_m: float,
    limits: Limits,
    placements: list[Placement],
    postures_rad: Floats | None = None,
) -> list[Choice]:
    """Placements that reach a few probes of the path, the one with the best criterion first.

    Of several placements each one's best posture is given; of a single one every posture that does it.

    Parameters
    ----------
    probes_lps_mm
        Array (n, 3): tip positions from the path's beginning to its end.
    axes_lps
        Array (n, 3): shaft directions there.
    entry_lps_mm
        Array (3,): kept clear of by the elbow.
    tip_m
        From the flange to the tip.
    limits
        Of the joints.
    placements
        Candidates.
    postures_rad
        Array (k, 7) from which inverse kinematics starts; :data:`SEEDS_RAD` by default.

    Raises
    ------
    Refused
        ``unreachable``: no candidate reaches every probe.
    """
    tips = np.stack([one.to_base(probes_lps_mm) for one in placements])
    axes = np.stack([axes_lps @ one.rotation for one in placements])
    entries = np.stack([one.to_base(entry_lps_mm) for one in placements])[:, None]
    postures = np.array(SEEDS_RAD) if postures_rad is None else postures_rad
    count, seeds = len(placements), len(postures)
    q = np.broadcast_to(postures, (count, seeds, JOINTS)).copy()
    tips, axes = np.repeat(tips[:, None], seeds, 1), np.repeat(axes[:, None], seeds, 1)
    score = np.full((count, seeds), np.inf)
    first, solved_from = q, np.ones((count, seeds), bool)
    furthest = np.zeros((count, seeds), int)
    for probe in range(len(probes_lps_mm)):
        rounds, comfort = (60, 0.02) if probe == 0 else (24, 0.0)
        q, rest = solve(
            q,
            tips[..., probe, :],
            axes[..., probe, :],
            tip_m=tip_m,
            limits=limits,
            rounds=rounds,
            comfort=comfort,
        )
        first = q if probe == 0 else first
        solved_from &= rest < SOLVED
        furthest += solved_from
        pose = forward(q, tip_m)
        _, rows = task(pose, tips[..., probe, :], axes[..., probe, :])
        spare = 1 - np.abs(q / limits.position_rad).max(axis=-1)
        apart = np.linalg.norm(pose.frames[..., 3, :3, 3] - entries, axis=-1) > ELBOW_M
        score = np.minimum(score, manipulability(rows) * np.clip(spare / 0.15, 0, 1) * apart)
    score = np.where(solved_from, score, -1.0)
    if score.max() <= 0:
        at = int(furthest.max())
        raise Refused(
            "the arm reaches the path only at a joint's limit or with its elbow over the entry"
            if solved_from.any()
            else "the arm cannot reach the path with the shaft through the entry",
            where="path"
            if solved_from.any()
            else f"path, about {100 * at // len(probes_lps_mm)} % of its length",
            fix="Move the base, use a longer shaft, or choose another entry",
            code="unreachable",
        )
    reachable = int((score > 0).any(axis=1).sum())
    kept = score if count == 1 else np.where(score == score.max(axis=1, keepdims=True), score, -1.0)
    order = np.argsort(-kept, axis=None, kind="stable")[: int((kept > 0).sum())]
    return [
        Choice(
            placement=placements[at // seeds],
            q_rad=first[at // seeds, at % seeds],
            criterion=float(kept.flat[at]),
            reachable=reachable,
            tried=count,
        )
        for at in order.tolist()
    ]
