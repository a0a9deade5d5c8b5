"""The arm: published kinematics and limits of a KUKA LBR iiwa 14 R820, and MJCF written from that table.

Internally the room works in metres, radians, newton metres and in the frame of the robot's base (z up against
gravity); names say so (`*_base_m`). What enters and leaves the room is in LPS mm.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import MissingExtra, UnknownSetting

Floats = NDArray[np.float64]
JOINTS = 7
GRAVITY_M_S2 = 9.81
STEP_S = 0.001
"""Controllers run at 1 kHz; so does the integrator, Runge and Kutta's of fourth order."""

D_M = (0.36, 0.0, 0.42, 0.0, 0.4, 0.0, 0.126)
ALPHA_RAD = tuple(math.radians(angle) for angle in (-90, 90, 90, -90, -90, 90, 0))
"""Denavit-Hartenberg offsets and twists, ``a`` is zero throughout (Faria et al., Mechanism and Machine Theory 121:317,
2018, table 1; the lengths are those of KUKA's data sheet of the LBR iiwa 14 R820)."""

POSITION_RAD = tuple(math.radians(angle) for angle in (170, 120, 170, 120, 170, 120, 175))
VELOCITY_RAD_S = tuple(math.radians(angle) for angle in (85, 85, 100, 75, 130, 135, 135))
TORQUE_NM = (320.0, 320.0, 176.0, 176.0, 110.0, 40.0, 40.0)
"""Largest joint angle (both ways), speed and torque: KUKA, *Sensitive robotics LBR iiwa*, axis data, page 30."""

ACCELERATION_RAD_S2 = (8.57, 8.57, 8.74, 11.36, 12.23, 15.72, 15.72)
"""Measured on the arm: Larsen, *Including a collaborative robot in digital twin manufacturing systems*, Chalmers 2019,
table 4; KUKA publishes none."""
JERK_RAD_S3 = tuple(10 * limit for limit in ACCELERATION_RAD_S2)
"""Ours, since none is published: the full acceleration is reached in a tenth of a second at the soonest."""

GEAR = (160, 160, 160, 160, 100, 160, 160)
ROTOR_KG_M2 = (1.321e-4, 1.321e-4, 1.321e-4, 1.321e-4, 1.321e-4, 4.54e-5, 4.54e-5)
REFLECTED_KG_M2 = tuple(rotor * ratio**2 for rotor, ratio in zip(ROTOR_KG_M2, GEAR, strict=True))
"""Rotors as the joints feel them behind their gears: estimated for this arm from motors and gears of its predecessor,
the DLR LWR III (Drake, `manipulation/models/iiwa_description/README.md`)."""

MASS_KG = (5.9, 5.0, 5.0, 4.0, 4.0, 3.0, 2.0, 1.0)
RADIUS_M = (0.08, 0.075, 0.075, 0.07, 0.065, 0.06, 0.06, 0.045)
"""Base and seven links: ours. The manufacturer publishes no inertias; ours are even, solid capsules whose masses add
up to the 29.9 kg of the data sheet."""


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A straight instrument on the flange, its shaft along the axis of the seventh joint.

    Attributes
    ----------
    shaft_length_mm, shaft_radius_mm
        The part that may enter the patient; steel.
    holder_length_mm, holder_mass_kg
        What carries the shaft and must stay outside.
    """

    shaft_length_mm: float = 200.0
    shaft_radius_mm: float = 1.0
    holder_length_mm: float = 60.0
    holder_mass_kg: float = 0.2

    def __post_init__(self) -> None:
        for name, low, high in (
            ("shaft_length_mm", 20, 600),
            ("shaft_radius_mm", 0.1, 20),
            ("holder_length_mm", 5, 300),
            ("holder_mass_kg", 0.01, 5),
        ):
            within(f"tool.{name}", getattr(self, name), low, high)

    @property
    def tip_m(self) -> float:
        """From the flange to the tip, m."""
        return (self.holder_length_mm + self.shaft_length_mm) / 1000

    @property
    def shaft_kg(self) -> float:
        """Mass of the shaft, kg: steel of 7,900 kg/m³."""
        return 7900 * math.pi * self.shaft_radius_mm**2 * self.shaft_length_mm * 1e-9


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What no joint may exceed, each an array (7,) in rad and seconds, or Nm."""

    position_rad: Floats = field(default_factory=lambda: np.array(POSITION_RAD))
    velocity_rad_s: Floats = field(default_factory=lambda: np.array(VELOCITY_RAD_S))
    acceleration_rad_s2: Floats = field(default_factory=lambda: np.array(ACCELERATION_RAD_S2))
    jerk_rad_s3: Floats = field(default_factory=lambda: np.array(JERK_RAD_S3))
    torque_nm: Floats = field(default_factory=lambda: np.array(TORQUE_NM))


def within(name: str, value: float, low: float, high: float) -> None:
    """Raise :class:`UnknownSetting` with code ``setting-out-of-range`` unless a number lies in a closed range."""
    if not (math.isfinite(value) and low <= value <= high):
        raise UnknownSetting(
            f"{name} is {value:g}",
            where=name,
            fix=f"Give a number from {low:g} to {high:g}",
            code="setting-out-of-range",
        )


def mujoco_module() -> Any:
    """The package ``mujoco``, or :class:`MissingExtra`."""
    try:
        import mujoco
    except ImportError:
        raise MissingExtra("mujoco", "surgery", "Simulating the arm") from None
    return mujoco


def mjcf(
    tool: Tool,
    *,
    payload_kg: float = 0.0,
    damping_nms_rad: float = 0.0,
    friction_nm: float = 0.0,
    inertia_scale: float = 1.0,
    rotors: bool = True,
    collide: bool = False,
) -> str:
    """The arm in MuJoCo's XML, written from the tables above: capsules, no meshes.

    Parameters
    ----------
    tool
        What the flange carries.
    payload_kg
        A ball on the flange, 30 mm off its axis and 30 mm out: what a controller may not know of.
    damping_nms_rad, friction_nm
        Viscous and dry friction of every joint.
    inertia_scale
        Factor on the mass of every link and on the inertia of every rotor.
    rotors
        Whether joints feel their rotors; without them the arm is that of ideal torque sources, and much lighter.
    collide
        Whether capsules of links that are not neighbours touch.

    Returns
    -------
    str
        One document; bodies ``link1`` to ``link7`` and ``tool``, site ``tip`` with z along the shaft.
    """
    contact = 'contype="1" conaffinity="1"' if collide else 'contype="0" conaffinity="0"'
    friction = f'damping="{damping_nms_rad!r}" frictionloss="{friction_nm!r}"'
    rotor = [inertia * inertia_scale if rotors else 0.0 for inertia in REFLECTED_KG_M2]
    lines: list[str] = []
    indent = "    "
    for number in range(1, JOINTS + 1):
        above = _turn(ALPHA_RAD[number - 2]) if number > 1 else "1 0 0 0"
        offset = D_M[number - 2] if number > 1 else 0.0
        lines.append(f'{indent}<body name="link{number}" pos="0 0 {offset!r}" quat="{above}">')
        indent += "  "
        limit = POSITION_RAD[number - 1]
        lines.append(
            f'{indent}<joint name="joint{number}" axis="0 0 1" range="{-limit!r} {limit!r}" '
            f'armature="{rotor[number - 1]!r}" {friction}/>'
        )
        lines.append(
            f'{indent}<geom name="capsule{number}" type="capsule" fromto="{_spanned(number)}" '
            f'size="{RADIUS_M[number]!r}" mass="{MASS_KG[number] * inertia_scale!r}" {contact}/>'
        )
    lines += _tool(tool, payload_kg, indent, contact)
    for _ in range(JOINTS):
        indent = indent[:-2]
        lines.append(f"{indent}</body>")
    motors = [
        f'    <motor name="motor{n}" joint="joint{n}" ctrlrange="{-limit!r} {limit!r}"/>'
        for n, limit in enumerate(TORQUE_NM, 1)
    ]
    parts = ["base", *(f"link{n}" for n in range(1, JOINTS + 1)), "tool"]
    neighbours = [
        f'    <exclude body1="{one}" body2="{other}"/>'
        for at, one in enumerate(parts)
        for other in parts[at + 1 : at + 3]
    ]
    base = f'type="capsule" fromto="0 0 0.08 0 0 0.1" size="{RADIUS_M[0]!r}" mass="{MASS_KG[0]!r}"'
    return "\n".join(
        [
            '<mujoco model="suwen-arm">',
            '  <compiler angle="radian" autolimits="true"/>',
            f'  <option timestep="{STEP_S!r}" gravity="0 0 {-GRAVITY_M_S2!r}" integrator="RK4"/>',
            "  <worldbody>",
            '    <body name="base">',
            f'      <geom name="foot" {base} {contact}/>',
            *(f"  {line}" for line in lines),
            "    </body>",
            "  </worldbody>",
            "  <contact>",
            *neighbours,
            "  </contact>",
            "  <actuator>",
            *motors,
            "  </actuator>",
            "</mujoco>",
        ]
    )


def _turn(angle_rad: float) -> str:
    """Quaternion of a rotation about x."""
    return f"{math.cos(angle_rad / 2)!r} {math.sin(angle_rad / 2)!r} 0 0"


def _spanned(number: int) -> str:
    """Ends of a link's capsule in its own frame, inset by its radius so that it fills the link.

    Odd links lie along their own axis. Even ones have no length of their own in the table: they carry the near half
    of the upper arm, of the forearm and the wrist, along the next joint's axis.
    """
    radius = RADIUS_M[number]
    if number % 2 == 0:
        reach = max(0.02, D_M[number] / 2 - radius) if number < 6 else 0.02
        y, z = -math.sin(ALPHA_RAD[number - 1]), math.cos(ALPHA_RAD[number - 1])
        return f"0 0 0 0 {round(reach * y, 9)!r} {round(reach * z, 9)!r}"
    near = {1: 0.2, 3: D_M[2] / 2, 5: D_M[4] / 2, 7: 0.05}[number]
    far = max(near + 0.02, D_M[number - 1] - radius)
    return f"0 0 {near!r} 0 0 {far!r}"


def _tool(tool: Tool, payload_kg: float, indent: str, contact: str) -> list[str]:
    """Holder, shaft, tip, and the payload that may be there."""
    holder = tool.holder_length_mm / 1000
    lines = [
        f'{indent}<body name="tool" pos="0 0 {D_M[6]!r}">',
        f'{indent}  <geom name="holder" type="capsule" fromto="0 0 0.01 0 0 {holder!r}" size="0.012" '
        f'mass="{tool.holder_mass_kg!r}" {contact}/>',
        f'{indent}  <geom name="shaft" type="capsule" fromto="0 0 {holder!r} 0 0 {tool.tip_m!r}" '
        f'size="{tool.shaft_radius_mm / 1000!r}" mass="{tool.shaft_kg!r}" {contact}/>',
        f'{indent}  <site name="tip" pos="0 0 {tool.tip_m!r}" size="0.001"/>',
    ]
    if payload_kg:
        lines.append(
            f'{indent}  <geom name="payload" type="sphere" pos="0.03 0 0.03" size="0.03" '
            f'mass="{payload_kg!r}" contype="0" conaffinity="0"/>'
        )
    return [*lines, f"{indent}</body>"]


def sha256(text: str) -> str:
    """Hash of a model's text, hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()
