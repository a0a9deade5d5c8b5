"""The rules of the house that no linter holds: who imports what, how large, and what never belongs here."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import suwen

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "suwen"
MODULES = sorted(SOURCE.rglob("*.py"))
TRAINING = {
    "torch", "monai", "lightning", "sklearn", "skimage", "scipy", "matplotlib", "optuna", "mlflow", "lightgbm",
    "lifelines", "h5py", "pandas", "numba", "shap", "SimpleITK", "mujoco", "ruckig", "gymnasium", "nibabel", "nrrd",
}  # fmt: skip
RUNTIME = {"onnxruntime", "pydicom", "numpy", "PIL", "fastapi", "cryptography", "onnx", "lime"}
LONGEST_MODULE = 400
LARGEST_BYTES = 2 * 2**20
DATA_SUFFIXES = {
    ".npz", ".npy", ".dcm", ".png", ".jpg", ".jpeg", ".gif", ".tif", ".tiff", ".nii", ".gz", ".zip", ".csv",
    ".onnx", ".ckpt", ".pt", ".pth", ".pkl", ".pickle", ".db", ".sqlite", ".parquet",
}  # fmt: skip


def _kept() -> list[Path]:
    """Files that git tracks, or would: everything that is not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True,
    ).stdout.decode()  # fmt: skip
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def _loaded_after(program: str, tmp_path: Path) -> set[str]:
    """Top-level modules that are loaded in a fresh interpreter after ``program`` ran."""
    report = tmp_path / "modules.json"
    ending = (
        "\nimport sys, json, pathlib\n"
        f"pathlib.Path({str(report)!r}).write_text(json.dumps([n for n in sys.modules if '.' not in n]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program + ending], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert report.exists(), done.stderr
    return set(json.loads(report.read_text()))


def _command(*words: str) -> str:
    """A program that runs the command line in its own process."""
    return (
        f"import sys\nsys.argv = {['suwen', *words]!r}\n"
        "from suwen.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit as left:\n    assert not left.code, left.code\n"
    )


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    assert _loaded_after(_command("--help"), tmp_path) & (TRAINING | RUNTIME) == set()


@pytest.mark.parametrize("words", [("tasks",), ("tasks", "--json"), ("doctor", "--json")])
def test_looking_around_imports_nothing_that_trains(
    words: tuple[str, ...], tmp_path: Path, home: Path
) -> None:
    assert _loaded_after(_command(*words), tmp_path) & TRAINING == set()


def test_the_server_imports_nothing_that_trains(tmp_path: Path, home: Path) -> None:
    loaded = _loaded_after("from suwen.server.app import create_app\ncreate_app()", tmp_path)
    assert "fastapi" in loaded
    assert loaded & TRAINING == set()


def test_the_layers_hold() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_stays_readable(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST_MODULE


def _undocumented(tree: ast.Module) -> Iterator[str]:
    """Public names of a module, and of its classes, that have no docstring."""
    if not ast.get_docstring(tree):
        yield "the module"
    scopes: list[tuple[str, ast.Module | ast.ClassDef]] = [("", tree)]
    while scopes:
        prefix, scope = scopes.pop()
        for node in scope.body:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            if node.name.startswith("_"):
                continue
            name = f"{prefix}{node.name}"
            if not ast.get_docstring(node):
                yield name
            if isinstance(node, ast.ClassDef):
                scopes.append((f"{name}.", node))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_everything_public_is_documented(path: Path) -> None:
    assert list(_undocumented(ast.parse(path.read_text("utf-8")))) == []


def _imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names - set(sys.stdlib_module_names) - {"suwen"}


FOUNDATIONS = {"starlette", "antlr4", "jsonpointer", "eth_account", "requests"}
"""Packages that FastAPI, fhirpathpy, jsonpatch and web3 are built on, and that move with them."""


def test_every_package_that_is_imported_is_asked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    asked = {
        re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", line)[0]).lower()
        for line in [
            *project["dependencies"],
            *(line for name, lines in extras.items() if name != "dev" for line in lines),
        ]
    }
    known = packages_distributions()
    unasked = {}
    for name in set.union(*(_imported(path) for path in MODULES)):
        sources = {re.sub(r"[-_.]+", "-", dist).lower() for dist in known.get(name, [name])}
        if not sources & asked:
            unasked[name] = sources
    assert set(unasked) <= FOUNDATIONS, unasked


def test_a_gpl_package_is_a_benchmarks_peer_at_most() -> None:
    asked = (ROOT / "pyproject.toml").read_text("utf-8") + (ROOT / "constraints.txt").read_text("utf-8")
    for name in ("scikit-survival", "dwv"):
        assert name not in asked
    assert not {"sksurv"} & set.union(*(_imported(path) for path in MODULES))


def test_nothing_is_ever_unpickled() -> None:
    for path in MODULES:
        text = path.read_text("utf-8")
        assert not re.search(r"^\s*(import|from) (pickle|cloudpickle|joblib|dill|shelve)\b", text, re.M), path
        assert "allow_pickle=True" not in text, path
        assert "weights_only=False" not in text, path


def test_nothing_large_and_no_data_is_kept() -> None:
    for path in _kept():
        inside = path.relative_to(ROOT)
        assert path.stat().st_size <= LARGEST_BYTES, inside
        if not inside.is_relative_to("src/suwen/shipped") and not inside.is_relative_to("docs"):
            assert path.suffix.lower() not in DATA_SUFFIXES, inside


def test_nothing_kept_names_the_machine_it_was_written_on() -> None:
    machine = "/" + "work" + "/"
    for path in _kept():
        assert machine.encode() not in path.read_bytes(), path.relative_to(ROOT)


def test_the_changelog_knows_this_version() -> None:
    assert f"## [{suwen.__version__}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_torch_is_pinned_and_every_direct_dependency_too() -> None:
    pins = dict(
        line.split("==")
        for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    )
    assert pins["torch"] == "2.13.0"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    every = [
        *project["dependencies"],
        *(line for lines in project["optional-dependencies"].values() for line in lines),
    ]
    for line in every:
        name = re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", line)[0]).lower()
        assert name == "suwen" or name in pins, f"{name} is not in constraints.txt"


def test_the_licence_is_whole() -> None:
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
