"""How fast the program starts and how small it stays: ``--help``, one cold prediction, the server.

Every figure is that of a whole process, from its start to its end, as the operating system accounts for it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from statistics import median
from typing import Any

from _common import Finished, data_dir, finish, parser, publish

TASK = "imaging.pneumonia"
TARGETS = {
    "help_cpu_s": 0.4, "predict_cpu_s": 2.0, "predict_peak_rss_mb": 300, "server_rss_mb": 300,
    "torch_loaded": False,
}  # fmt: skip
SUWEN = [sys.executable, "-m", "suwen"]
MARK = "torch in sys.modules: "
WATCHED = [
    sys.executable,
    "-c",
    "import atexit, sys; sys.argv[0] = 'suwen'; from suwen.cli.main import main; "
    f"atexit.register(lambda: print('{MARK}' + str('torch' in sys.modules), file=sys.stderr)); main()",
]
"""The program, telling at its end whether torch was loaded."""

PREPARE = f"""
import sys
from pathlib import Path
from suwen.lifecycle.demo import samples
from suwen.lifecycle.models import shipped
Path(sys.argv[2]).write_bytes(samples("{TASK}", data=Path(sys.argv[1]))[0]["png"])
print("shipped" if shipped("{TASK}") else "none")
"""
"""Run apart: Linux counts the largest size of the starting process as the child's own."""


def ready(folder: Path) -> tuple[dict[str, str], Path, str]:
    """An environment with a model in service, an image to try, and which model it is.

    A fresh ``SUWEN_HOME`` leaves the shipped model in service; where none ships, a small one is trained.
    """
    env = os.environ | {"SUWEN_HOME": str(folder / "home")}
    image = folder / "X.png"
    found = finish([sys.executable, "-c", PREPARE, str(data_dir()), str(image)], env=env, folder=folder)
    assert found.status == 0, found.errors
    if "shipped" in found.output:
        return env, image, "shipped"
    source, run = data_dir() / "imaging" / "pneumoniamnist.npz", folder / "run"
    small = ["--set", "epochs=1", "--set", "ensemble=1", "--set", "shortcut_probe=false"]
    for arguments in (
        ["train", TASK, "--from", str(source), "--run", str(run), *small],
        ["deploy", str(run)],
    ):
        done = finish([*SUWEN, *arguments], env=env, folder=folder)
        if done.status:
            sys.exit(f"no model ships and none could be trained: {done.errors}")
    return env, image, "trained for one epoch (none ships)"


def torch_loaded(errors: str) -> bool:
    """What a watched process told at its end."""
    told = [line for line in errors.splitlines() if line.startswith(MARK)]
    assert told, "the process ended without saying whether torch was loaded"
    return told[-1] == f"{MARK}True"


def served(env: dict[str, str], image: Path, predictions: int, folder: Path) -> dict[str, Any]:
    """Memory of a server after it has answered ``predictions`` uploads, one by one."""
    errors = folder / "server.err"
    with errors.open("wb") as stderr:
        server = subprocess.Popen(
            [*WATCHED, "serve", "--port", "0"], stdout=subprocess.PIPE, stderr=stderr, env=env, text=True
        )
        try:
            assert server.stdout is not None
            announced = server.stdout.readline()
            assert "http://" in announced, errors.read_text(errors="replace")
            address = announced[announced.index("http://") :].split()[0]
            answers = [upload(f"{address}/api/tasks/{TASK}/predict", image) for _ in range(predictions)]
            memory = resident(server.pid)
        finally:
            server.send_signal(signal.SIGINT)  # like Ctrl-C: the interpreter ends in order and tells
            server.communicate(timeout=60)
    assert all(len(answer["results"]) == 1 for answer in answers)
    return {**memory, "torch_loaded": torch_loaded(errors.read_text(errors="replace"))}


def upload(url: str, image: Path) -> dict[str, Any]:
    """One image as a browser sends it."""
    start = b'--cut\r\nContent-Disposition: form-data; name="files"; filename="X.png"\r\n'
    body = start + b"Content-Type: image/png\r\n\r\n" + image.read_bytes() + b"\r\n--cut--\r\n"
    request = urllib.request.Request(  # noqa: S310 (our own server on this machine)
        url, body, {"Content-Type": "multipart/form-data; boundary=cut"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        found: dict[str, Any] = json.load(answer)
    return found


def resident(process: int) -> dict[str, float | None]:
    """Resident memory of a running process, now and at most, MB; ``None`` where there is no ``/proc``."""
    status = Path(f"/proc/{process}/status")
    lines = status.read_text().splitlines() if status.exists() else []
    found = {line.split(":")[0]: int(line.split()[1]) * 1.024e-3 for line in lines if line.startswith("Vm")}
    return {"rss_mb": found.get("VmRSS"), "peak_rss_mb": found.get("VmHWM")}


def measure(*, repeats: int, predictions: int) -> dict[str, Any]:
    """All three, the commands ``repeats`` times each in turn."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        env, image, model = ready(folder)
        commands = {"help": ["--help"], "predict": ["predict", TASK, str(image), "--json"]}
        runs: dict[str, list[Finished]] = {key: [] for key in commands}
        for command in commands.values():  # once unmeasured: compiled modules are written, files are cached
            finish([*SUWEN, *command], env=env, folder=folder)
        for _ in range(repeats):
            for key, command in commands.items():
                done = finish([*SUWEN, *command], env=env, folder=folder)
                assert done.status == 0, done.errors
                runs[key].append(done)
        watched = {
            key: torch_loaded(finish([*WATCHED, *command], env=env, folder=folder).errors)
            for key, command in commands.items()
        }
        (result,) = json.loads(runs["predict"][-1].output)["results"]
        server = served(env, image, predictions, folder)
    figures = {
        f"{key}_{figure}": median(getattr(done, figure) for done in finished)
        for key, finished in runs.items()
        for figure in ("cpu_s", "peak_rss_mb")
    }
    return {
        **figures,
        "server_rss_mb": server["rss_mb"],
        "server_peak_rss_mb": server["peak_rss_mb"],
        "torch_loaded": any(watched.values()) or server["torch_loaded"],
        "torch_loaded_in": {**watched, "server": server["torch_loaded"]},
        "predicted": result["decision"] or f"abstained: {result['abstained']}",
        "model": model,
        "repeats": repeats,
        "server_predictions": predictions,
        "targets": TARGETS,
    }


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--repeats", type=int, default=5, help="times each command is run")
    options.add_argument("--predictions", type=int, default=20, help="uploads the server answers")
    chosen = options.parse_args()
    publish(measure(repeats=chosen.repeats, predictions=chosen.predictions), as_json=chosen.json)


if __name__ == "__main__":
    main()
