"""Serving needs numpy and ONNX Runtime: every task answers and explains where nothing that trains can be imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from suwen.core.task import DISCLAIMER

PROGRAM = """
import sys

BLOCKED = {
    "torch", "lightning", "monai", "lightgbm", "sklearn", "skimage", "scipy", "onnx", "optuna", "mlflow", "h5py",
    "lifelines", "pandas", "shap", "lime", "matplotlib", "numba",
}


class Nowhere:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"{name} is not there", name=name)


sys.meta_path.insert(0, Nowhere())
sys.argv = ["suwen", *sys.argv[1:]]
from suwen.cli.main import main

main()
"""


def test_it_is_served_where_nothing_that_trains_is_installed(
    name: str, deployed: Callable[..., Any], outside_package: Path
) -> None:
    made = deployed(name)
    environment = os.environ | {"PYTHONPATH": str(outside_package), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "predict", name, str(made.items[0]), "--explain", "--json"],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["disclaimer"] == DISCLAIMER
    (result,) = document["results"]
    assert (result["said"] is None) == (result["abstained"] is not None)
    assert (result["explanation"] is None) == (result["abstained"] is not None)
