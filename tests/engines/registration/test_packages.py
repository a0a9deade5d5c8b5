"""Heavy packages are loaded when they are needed, and their absence is said in words."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from suwen.core.errors import MissingExtra
from suwen.engines.registration import find_outliers, register_images, register_surface


def test_importing_the_room_loads_neither_scipy_nor_simpleitk() -> None:
    program = (
        "import sys, numpy as np\nfrom suwen.engines.registration import register_points\n"
        "points = np.diag([50.0, 60, 70])\nassert register_points(points, points).fre_mm < 1e-9\n"
        "assert not {'scipy', 'SimpleITK', 'nibabel'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("scipy", "scipy.special", "scipy.spatial", "SimpleITK"):
        monkeypatch.setitem(sys.modules, name, None)
    points = np.random.default_rng(0).uniform(-50, 50, (60, 3))
    volume = np.random.default_rng(0).normal(size=(12, 12, 12))
    for ask, named in (
        (lambda: find_outliers(points[:6], points[:6]), "scipy"),
        (lambda: register_surface(points, points), "scipy"),
        (lambda: register_images(volume, np.eye(4), volume, np.eye(4)), "SimpleITK"),
    ):
        with pytest.raises(MissingExtra, match=named) as refused:
            ask()
        assert "surgery" in (refused.value.fix or "")
