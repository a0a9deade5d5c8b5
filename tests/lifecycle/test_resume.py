"""Training that is killed with -9 goes on where it was, and ends where it would have ended."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.documents import read_json
from suwen.core.errors import Conflict
from suwen.lifecycle.train import train

TASK = "imaging.pneumonia"
TOLERANCE = 1e-6
BASE = {
    "epochs": 5, "batch_size": 16, "ensemble": 2, "folds": 0,
    "mlflow": False, "shortcut_probe": False, "quantise": False, "baseline": False,
}  # fmt: skip
VARIANTS: dict[str, dict[str, Any]] = {
    "ensemble": BASE,
    "folds": BASE | {"ensemble": 1, "folds": 2, "epochs": 3},
    "patience": BASE | {"ensemble": 1, "epochs": 30, "patience": 2, "learning_rate": 0.02},
}
SPOTS = {
    "in the middle of an epoch": ("ensemble", "step", 0, 2, 3),
    "in the first epoch, before any checkpoint": ("ensemble", "step", 0, 0, 1),
    "while a checkpoint is written": ("ensemble", "checkpoint", 1, 1, 0),
    "after the last checkpoint of a member": ("ensemble", "before keep", 0, 0, 0),
    "half way through keeping a member": ("ensemble", "half kept", 0, 0, 0),
    "between two members": ("ensemble", "member", 1, 0, 0),
    "while the graph is exported": ("ensemble", "export", 0, 0, 0),
    "in the second fold": ("folds", "step", 1, 1, 2),
    "when patience ran out": ("patience", "before keep", 0, 0, 0),
    "while patience runs": ("patience", "patience", 0, 0, 0),
}
"""What is killed where: the variant, the kind of spot, member, epoch and batch."""

VICTIMS = """
import json, os, signal, sys
from pathlib import Path

import suwen.engines.image.export as export
import suwen.engines.loop.callbacks as callbacks
import suwen.engines.image.fit as fit
import suwen.engines.image.member as member
from suwen.engines.image.module import ImageModule
from suwen.lifecycle.train import train


def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)


def arm(kind, at, epoch, batch):
    started = []
    real_member, real_step = fit._member, ImageModule.training_step
    real_line = callbacks.EveryEpoch.on_train_epoch_end

    def counted(*args, **named):
        started.append(1)
        if kind == "member" and len(started) == at + 1:
            die()
        return real_member(*args, **named)

    def step(self, images, number):
        here = len(started) == at + 1 and self.current_epoch == epoch
        if kind == "step" and here and number == batch:
            die()
        return real_step(self, images, number)

    def line(self, trainer, module):
        if kind == "checkpoint" and len(started) == at + 1 and trainer.current_epoch == epoch:
            self.path.with_suffix(".writing").write_bytes(b"half")
            die()
        real_line(self, trainer, module)
        if kind == "patience":
            losses = [line["validation_loss"] for line in module.history]
            if losses[-1] > min(losses):
                die()

    fit._member, ImageModule.training_step = counted, step
    callbacks.EveryEpoch.on_train_epoch_end = line
    if kind == "before keep":
        member.keep = die
    if kind == "half kept":
        member.write_json = die
    if kind == "export":
        export.export = die


for one in json.loads(sys.stdin.read()):
    child = os.fork()
    if not child:
        try:
            arm(*one["spot"])
            train(one["task"], one["source"], Path(one["run"]), overrides=one["settings"])
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, (one["run"], status)
"""
"""Trains once per spot and dies there; one interpreter for all of them, since importing torch is slow."""


@pytest.fixture(scope="module")
def home_of_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module", autouse=True)
def _at_home(home_of_keys: Path) -> Iterator[None]:
    """One home for all runs; the plots, which are drawn after everything at stake, are left out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SUWEN_HOME", str(home_of_keys))
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setattr("suwen.lifecycle.train.write", lambda *_: [])
        yield


@pytest.fixture(scope="module")
def unbroken(
    pictures_of: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], tuple[Path, dict[str, Any]]]:
    """A run of each variant that nobody killed."""

    @cache
    def make(variant: str) -> tuple[Path, dict[str, Any]]:
        run = tmp_path_factory.mktemp("unbroken") / "run"
        return run, train(TASK, str(pictures_of(TASK)), run, overrides=VARIANTS[variant])

    return make


@pytest.fixture(scope="module")
def killed(pictures_of: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder per spot, with the run that died there."""
    folder = tmp_path_factory.mktemp("killed")
    wanted = [
        {
            "task": TASK, "source": str(pictures_of(TASK)), "run": str(folder / name),
            "settings": VARIANTS[variant], "spot": spot,
        }
        for name, (variant, *spot) in SPOTS.items()
    ]  # fmt: skip
    subprocess.run(
        [sys.executable, "-c", VICTIMS], input=json.dumps(wanted).encode(), check=True, timeout=300
    )
    return folder


def assert_same(run: Path, got: dict[str, Any], expected: tuple[Path, dict[str, Any]]) -> None:
    """The same weights, logits and validation figures, to a millionth."""
    whole, wanted = expected
    for member in sorted((whole / "members").iterdir()):
        with (
            np.load(member / "weights.npz", allow_pickle=False) as a,
            np.load(run / "members" / member.name / "weights.npz", allow_pickle=False) as b,
        ):
            assert a.files == b.files
            for key in a.files:
                np.testing.assert_allclose(b[key], a[key], rtol=0, atol=TOLERANCE, err_msg=key)
        assert read_json(run / "members" / member.name / "history.json") == read_json(member / "history.json")
    np.testing.assert_allclose(_logits(run), _logits(whole), rtol=0, atol=TOLERANCE)
    for metric, estimate in wanted["validation"]["metrics"].items():
        for bound, value in estimate.items():
            found = got["validation"]["metrics"][metric][bound]
            assert found == value if value is None else abs(found - value) <= TOLERANCE, metric
    assert got["model"] == wanted["model"]
    assert got["counts"] == wanted["counts"]
    assert read_json(run / "run.json")["status"] == "finished"
    assert not list(run.rglob("*.writing"))
    assert not list(run.rglob("*.ckpt"))


def _logits(run: Path) -> np.ndarray[Any, Any]:
    from suwen.engines.onnx.session import open_session
    from suwen.engines.onnx.session import run as infer

    images = np.random.default_rng(0).random((16, 1, 28, 28), dtype=np.float32)
    out: np.ndarray[Any, Any] = infer(open_session(run / "model" / "model.onnx"), images, ["members"])[0]
    return out


@pytest.mark.parametrize("spot", SPOTS)
def test_a_killed_training_ends_as_if_nothing_had_happened(
    spot: str,
    killed: Path,
    unbroken: Callable[[str], Any],
    pictures_of: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    run, variant = tmp_path / "run", SPOTS[spot][0]
    shutil.copytree(killed / spot, run)
    assert read_json(run / "run.json")["status"] == "running"
    assert not (run / "model" / "manifest.json").exists()
    document = train(TASK, str(pictures_of(TASK)), run, overrides=VARIANTS[variant])
    assert_same(run, document, unbroken(variant))


def test_finished_members_and_epochs_are_not_trained_again(
    killed: Path, pictures_of: Callable[[str], Path], tmp_path: Path
) -> None:
    run, lines = tmp_path / "run", []
    shutil.copytree(killed / "while a checkpoint is written", run)
    train(TASK, str(pictures_of(TASK)), run, overrides=BASE, progress=lines.append)
    told = [line.split(" validation")[0] for line in lines if " epoch " in line]
    assert told == [f"member 2/2 epoch {number}/5" for number in range(2, 6)]


@pytest.mark.slow
def test_the_command_line_killed_at_a_random_epoch(
    unbroken: Callable[[str], Any], pictures_of: Callable[[str], Path], tmp_path: Path
) -> None:
    words = ["train", TASK, "--from", str(pictures_of(TASK)), "--run", str(tmp_path / "run"), "--json"]
    for key, value in BASE.items():
        words += ["--set", f"{key}={json.dumps(value)}"]
    chosen = random.Random(20).randrange(2, 2 * BASE["epochs"])
    process = subprocess.Popen(
        [sys.executable, "-m", "suwen", *words],
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, cwd=tmp_path,
    )  # fmt: skip
    seen = 0
    assert process.stderr
    with process.stderr as lines:
        for line in lines:
            seen += " epoch " in line
            if seen == chosen:
                process.send_signal(signal.SIGKILL)
                break
    assert process.wait() == -signal.SIGKILL
    document = train(TASK, str(pictures_of(TASK)), tmp_path / "run", overrides=BASE)
    assert_same(tmp_path / "run", document, unbroken("ensemble"))


def test_an_interrupted_run_is_not_taken_up_by_another_command(
    killed: Path, pictures_of: Callable[[str], Path], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(killed / "in the second fold", run)
    source = str(pictures_of(TASK))
    with pytest.raises(Conflict, match="another settings"):
        train(TASK, source, run, overrides=BASE)
    with pytest.raises(Conflict, match="another seed"):
        train(TASK, source, run, overrides=VARIANTS["folds"], seed=1)


def test_a_finished_run_is_not_trained_over(
    unbroken: Callable[[str], Any], pictures_of: Callable[[str], Path]
) -> None:
    run, _ = unbroken("ensemble")
    with pytest.raises(Conflict, match="finished"):
        train(TASK, str(pictures_of(TASK)), run, overrides=BASE)
