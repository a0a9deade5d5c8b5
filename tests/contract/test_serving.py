"""Serving needs numpy and ONNX Runtime: every task answers and explains where nothing that trains can be imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from suwen.core.tally import Tally
from suwen.core.task import DISCLAIMER
from suwen.formats.signals.observations import Observations
from suwen.lifecycle import models
from suwen.lifecycle.discovery import find
from suwen.lifecycle.judges import judge_of

PROGRAM = """
import os
import sys

BLOCKED = {
    "torch", "lightning", "monai", "lightgbm", "sklearn", "skimage", "scipy", "onnx", "optuna", "mlflow", "h5py",
    "lifelines", "pandas", "shap", "lime", "matplotlib", "numba",
} - set(os.environ["NEEDED"].split())  # what a solver runs with, which is not what trains


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
    needed = " ".join(getattr(getattr(find(name), "solver", None), "needs", ()))
    environment = os.environ | {
        "PYTHONPATH": str(outside_package), "OMP_NUM_THREADS": "1", "NEEDED": needed,
    }  # fmt: skip
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


def test_a_stream_ends_where_a_prediction_of_the_whole_does(name: str, deployed: Callable[..., Any]) -> None:
    made = deployed(name)
    loaded = models.load(find(name))
    (sample,) = find(name).read(made.items[0])
    (seen,) = sample.inputs.values()
    if not isinstance(seen, Observations) or loaded.task.endpoint.kind == "forecast":
        return  # a picture and a row are seen at once; a forecast is asked for, not followed
    stream = loaded.served.stream()
    if hasattr(stream, "begin"):
        stream.begin("p", seen.static)
    given = zip(seen.hours.tolist(), seen.variable.tolist(), seen.values.tolist(), strict=True)
    answers = stream.update_many([("p", hour, which, value) for hour, which, value in given])
    known = replace(seen, length_h=float(seen.hours[-1]))
    (raw,) = loaded.served.infer([replace(sample, inputs={loaded.task.inputs[0].name: known})])
    if raw.abstained:
        return
    output = judge_of(loaded.task).decide(loaded.task, loaded.manifest, raw)
    last = output.least[-1] if isinstance(output, Tally) else output.probability  # type: ignore[union-attr]
    assert answers[-1] == pytest.approx(last, abs=1e-5)
    assert len(answers) == len(seen)
