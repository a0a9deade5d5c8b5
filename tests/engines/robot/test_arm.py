"""The arm that our code writes is the published one, and MuJoCo and our own kinematics agree about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import mujoco
import numpy as np
import pytest

from suwen.core.errors import UnknownSetting
from suwen.engines.robot.arm import MASS_KG, REFLECTED_KG_M2, TORQUE_NM, Limits, Tool, mjcf
from suwen.engines.robot.kinematics import forward, jacobian


@pytest.fixture(scope="module")
def angles() -> np.ndarray:
    return np.random.default_rng(3).uniform(-2, 2, (50, 7))


def test_the_tip_is_where_mujoco_has_it(angles: np.ndarray) -> None:
    tool = Tool(shaft_length_mm=180, holder_length_mm=50)
    model = mujoco.MjModel.from_xml_string(mjcf(tool))
    data = mujoco.MjData(model)
    found = forward(angles, tool.tip_m)
    for at, q in enumerate(angles):
        data.qpos[:] = q
        mujoco.mj_kinematics(model, data)
        assert np.abs(data.site("tip").xpos - found.tip_base_m[at]).max() < 1e-12
        assert np.abs(data.site("tip").xmat[2::3] - found.axis[at]).max() < 1e-12


def test_the_flange_is_where_an_independent_description_has_it(
    angles: np.ndarray, data_dir: Path, absent: Callable[[str], None]
) -> None:
    path = data_dir / "surgery" / "robots" / "kuka_iiwa_14" / "iiwa14.xml"
    if not path.is_file():
        absent(f"{path} is not there")
    root = ElementTree.parse(path).getroot()  # noqa: S314 (our own data, no entities)
    root.remove(root.find("asset"))
    for body in root.iter("body"):
        for geom in [geom for geom in body.findall("geom") if geom.get("mesh")]:
            body.remove(geom)
    model = mujoco.MjModel.from_xml_string(ElementTree.tostring(root).decode())
    data = mujoco.MjData(model)
    found = forward(angles, 0.0)
    half_turn = np.diag([-1.0, -1.0, 1.0])
    for at, q in enumerate(angles):
        data.qpos[:] = q
        mujoco.mj_kinematics(model, data)
        site = data.site("attachment_site")
        assert np.abs(site.xpos - found.tip_base_m[at]).max() < 1e-6
        assert np.abs(site.xmat.reshape(3, 3) - found.frames[at, 7, :3, :3] @ half_turn).max() < 1e-6
    assert np.allclose(model.jnt_range[:, 1], Limits().position_rad, atol=1e-4)
    assert np.allclose(model.actuator_ctrlrange[:, 1], TORQUE_NM)


def test_the_jacobian_is_the_derivative(angles: np.ndarray) -> None:
    step, tip_m = 1e-6, 0.26
    full = jacobian(forward(angles, tip_m))
    for joint in range(7):
        nudge = step * np.eye(7)[joint]
        more, less = forward(angles + nudge, tip_m), forward(angles - nudge, tip_m)
        assert np.abs((more.tip_base_m - less.tip_base_m) / (2 * step) - full[:, :3, joint]).max() < 1e-8
        turned = np.cross(full[:, 3:, joint], forward(angles, tip_m).axis)
        assert np.abs((more.axis - less.axis) / (2 * step) - turned).max() < 1e-8


def test_masses_are_those_of_the_data_sheet_and_the_payload_is_on_top() -> None:
    tool = Tool()
    plain = mujoco.MjModel.from_xml_string(mjcf(tool))
    loaded = mujoco.MjModel.from_xml_string(mjcf(tool, payload_kg=0.5, inertia_scale=1.1))
    carried = tool.holder_mass_kg + tool.shaft_kg
    assert mujoco.mj_getTotalmass(plain) == pytest.approx(29.9 + carried, abs=1e-9)
    heavier = 29.9 + 0.1 * sum(MASS_KG[1:]) + carried + 0.5
    assert mujoco.mj_getTotalmass(loaded) == pytest.approx(heavier, abs=1e-9)
    assert np.allclose(loaded.dof_armature, 1.1 * np.array(REFLECTED_KG_M2))
    assert not mujoco.MjModel.from_xml_string(mjcf(tool, rotors=False)).dof_armature.any()


def test_the_model_has_no_meshes_and_moves_within_the_published_limits() -> None:
    text = mjcf(Tool())
    model = mujoco.MjModel.from_xml_string(text)
    assert model.nmesh == 0
    assert "mesh" not in text
    assert (model.nq, model.nu) == (7, 7)
    assert np.allclose(np.degrees(model.jnt_range[:, 1]), [170, 120, 170, 120, 170, 120, 175])


@pytest.mark.parametrize("wrong", [{"shaft_length_mm": 0.2}, {"shaft_radius_mm": float("nan")}])
def test_a_tool_in_other_units_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UnknownSetting) as raised:
        Tool(**wrong)
    assert raised.value.code == "setting-out-of-range"
