"""The command line: exit codes, streams, and what stays unloaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import suwen as package
from suwen.core.schemas import VERBS, schema_of
from suwen.formats.phantom import chest_phantom, png_bytes

TASK = "imaging.pneumonia"
TRAINS = (
    "torch",
    "monai",
    "lightning",
    "sklearn",
    "skimage",
    "scipy",
    "matplotlib",
    "optuna",
    "mlflow",
    "onnx",
)
VERB_NAMES = (
    *("tasks", "doctor", "fetch", "schema", "collect", "prepare", "train", "evaluate"),
    *("deploy", "models", "predict", "explain", "serve", "demo"),
)


def _fresh(*words: str, home: Path) -> tuple[subprocess.CompletedProcess[str], set[str]]:
    """The command in a fresh interpreter, and the top-level modules that it loaded."""
    program = (
        f"import sys, json\nsys.argv = {['suwen', *words]!r}\n"
        "from suwen.cli.main import main\n"
        "try:\n    main()\nfinally:\n"
        "    sys.stderr.write('\\nLOADED ' + json.dumps(sorted({n.partition('.')[0] for n in sys.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, text=True, check=False, env={**os.environ, "SUWEN_HOME": str(home)},
    )  # fmt: skip
    return done, set(json.loads(done.stderr.rpartition("LOADED ")[2]))


@pytest.mark.parametrize("words", [("--help",), ("--version",), ("train", "--help"), ("predict", "--help")])
def test_help_loads_nothing_heavy(words: tuple[str, ...], tmp_path: Path) -> None:
    done, loaded = _fresh(*words, home=tmp_path)
    assert done.returncode == 0
    assert not loaded & {*TRAINS, "onnxruntime", "numpy", "PIL", "pydicom", "fastapi"}


def test_predicting_loads_nothing_that_trains_or_serves(deployed: Callable[..., Any], tmp_path: Path) -> None:
    made = deployed()
    film = sorted(made.source.glob("*.png"))[3]
    done, loaded = _fresh("predict", TASK, str(film), "--explain", "--json", home=made.home)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["results"][0]["provenance"]["model"] == made.document["model"]
    assert {"onnxruntime", "numpy"} <= loaded
    assert not loaded & {*TRAINS, "fastapi", "uvicorn", "lime"}


def test_listing_loads_no_runtime(tmp_path: Path) -> None:
    done, loaded = _fresh("tasks", "--json", home=tmp_path)
    assert done.returncode == 0
    assert not loaded & {*TRAINS, "onnxruntime", "fastapi", "pydicom"}


def test_the_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "suwen", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == f"suwen {package.__version__}"


def test_every_verb_is_there_and_explains_itself(suwen: Callable[..., Any]) -> None:
    said = suwen("--help").out
    for verb in VERB_NAMES:
        assert f" {verb} " in said
        helped = suwen(verb, "--help")
        assert helped.code == 0
        assert "Usage" in helped.out
    for verb in set(VERB_NAMES) - {"schema", "serve"}:
        assert "--json" in suwen(verb, "--help").out, verb


def test_without_a_verb_it_helps(suwen: Callable[..., Any]) -> None:
    said = suwen()
    assert said.code == 2
    assert "Commands" in said.err


def test_an_error_is_one_line_and_exit_three(home: Path, suwen: Callable[..., Any], tmp_path: Path) -> None:
    said = suwen("predict", "imaging.pneumonie", tmp_path / "x.png")
    assert said.code == 3
    assert said.out == ""
    assert said.err.splitlines() == [
        "suwen: there is no task 'imaging.pneumonie'. Did you mean 'imaging.pneumonia'. [unknown-task]"
    ]


def test_an_error_is_one_document_with_json(home: Path, suwen: Callable[..., Any], tmp_path: Path) -> None:
    said = suwen("collect", TASK, "--from", tmp_path / "nowhere", "--json")
    assert said.code == 3
    jsonschema.validate(said.document, schema_of("error"))
    assert said.document["error"]["code"] == "not-found"
    assert said.err.rstrip().endswith("[not-found]")


def test_a_wrong_option_is_the_usual_exit_two(suwen: Callable[..., Any]) -> None:
    said = suwen("train", TASK)
    assert said.code == 2
    assert "--from" in said.err
    assert suwen("fly").code == 2


def test_a_file_where_a_folder_should_be_is_no_traceback(
    home: Path, suwen: Callable[..., Any], tmp_path: Path, pictures_of: Callable[[str], Path]
) -> None:
    (tmp_path / "file").write_bytes(b"")
    said = suwen("prepare", TASK, "--from", pictures_of(TASK), "--out", tmp_path / "file" / "below", "--json")
    assert said.code == 3
    assert said.document["error"]["code"] == "file-system"
    assert "Traceback" not in said.err


@pytest.mark.parametrize("verb", VERBS)
def test_schemas_are_published(verb: str, suwen: Callable[..., Any]) -> None:
    assert suwen("schema", verb).document == schema_of(verb)


def test_an_unknown_schema_names_the_nearest(suwen: Callable[..., Any]) -> None:
    said = suwen("schema", "predikt")
    assert said.code == 3
    assert "predict" in said.err


def test_doctor_answers_in_both_tongues(home: Path, suwen: Callable[..., Any]) -> None:
    said = suwen("doctor", "--json")
    jsonschema.validate(said.document, schema_of("doctor"))
    assert said.code == (0 if said.document["ok"] else 1)
    plain = suwen("doctor").out
    assert all(check["name"] in plain for check in said.document["checks"])


def test_the_whole_job_in_words(
    deployed: Callable[..., Any], suwen: Callable[..., Any], tmp_path: Path, data_dir: Path
) -> None:
    made = deployed()
    film = sorted(made.source.glob("*.png"))[3]
    said = suwen("tasks").out
    assert f"{made.document['model']} (" in said
    assert "no model in service" in said or "shipped" in said
    said = suwen("predict", TASK, film, "--explain")
    assert said.code == 0
    assert "decision at" in said.out or "no answer" in said.out
    assert "a clinician decides" in said.out
    said = suwen("explain", TASK, film, "--out", tmp_path / "why", "--method", "occlusion")
    assert "faithfulness" in said.out or "no answer" in said.out
    said = suwen("collect", TASK, "--from", made.source, "--no-probe")
    assert "160" in said.out
    assert "looking at samples" in said.err
    assert "looking at" not in said.out
    said = suwen("evaluate", made.run, "--from", made.source)
    assert "hog_logistic" in said.out
    assert "auroc_minus_hog_logistic" in said.out
    assert "report.html" in said.out
    said = suwen("models", TASK)
    assert "promoted" in said.out
    said = suwen("prepare", TASK, "--from", made.source, "--out", tmp_path / "prepared")
    assert "train" in said.out
    said = suwen("deploy", made.run, "--rollback")
    assert said.code == 3
    assert "takes a task" in said.err


def test_training_in_words(
    home: Path, suwen: Callable[..., Any], tmp_path: Path, pictures_of: Callable[[str], Path]
) -> None:
    words = ["train", TASK, "--from", pictures_of(TASK), "--run", tmp_path / "run", "--seed", "4"]
    for word in (
        "epochs=1",
        "ensemble=1",
        "folds=0",
        "mlflow=false",
        "shortcut_probe=false",
        "quantise=false",
    ):
        words += ["--set", word]
    said = suwen(*words)
    assert said.code == 0, said.err
    assert f"in {tmp_path / 'run'}" in said.out
    assert "next: suwen evaluate" in said.out
    assert "epoch 1/1" in said.err
    again = suwen(*words, "--json")
    assert again.code == 3
    assert again.document["error"]["code"] == "conflict"


def test_a_phantom_is_said_to_be_simulated(
    deployed: Callable[..., Any], suwen: Callable[..., Any], tmp_path: Path
) -> None:
    deployed()
    (tmp_path / "phantom.png").write_bytes(png_bytes(chest_phantom(1)))
    assert "[SIMULATED]" in suwen("predict", TASK, tmp_path / "phantom.png").out
    (result,) = suwen("predict", TASK, tmp_path / "phantom.png", "--json").document["results"]
    assert result["simulated"] is True
    assert "simulated" in json.dumps(result["fhir"]).lower()
