"""What every benchmark shares: where the data is, what the machine is, CPU clocks, and how results print.

CPU seconds, not wall-clock seconds: the figures then mean the same on a machine that is busy with other work.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

# One thread for every library, decided before any of them is loaded.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

ROOT = Path(__file__).resolve().parents[1]
_FLAGS = ("avx2", "fma", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8")
_PACKAGES = ("suwen", "numpy", "onnxruntime", "torch", "lightning", "monai")


def data_dir() -> Path:
    """The real data: ``SUWEN_DATA``, or ``../shared/data`` beside the repository; it may be absent."""
    return Path(os.environ.get("SUWEN_DATA", ROOT.parent / "shared" / "data"))


def parser(description: str | None) -> argparse.ArgumentParser:
    """A parser that knows ``--json``."""
    made = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    made.add_argument("--json", action="store_true", help="print one JSON document")
    return made


def machine() -> dict[str, Any]:
    """Processor, its vector instructions, load, system and versions: without them no figure can be judged."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return {
        "cpu": _proc("model name") or platform.processor() or "unknown",
        "instructions": [flag for flag in _FLAGS if flag in _proc("flags").split()],
        "cores": os.cpu_count(),
        "load_1min": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": found,
    }


def _proc(key: str) -> str:
    """A line of ``/proc/cpuinfo``, empty where there is none."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")


def cpu_seconds(work: Callable[[], Any]) -> float:
    """CPU seconds of this process, all threads, that one call takes."""
    began = time.process_time()
    work()
    return time.process_time() - began


def interleaved(sides: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """CPU seconds of each side, turn by turn, the order reversed every round: drift hits all alike."""
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds):
        for name in list(sides)[:: -1 if number % 2 else 1]:
            taken[name].append(cpu_seconds(sides[name]))
    return taken


def ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """Median over the rounds of the ratio within a round: what two neighbours in time say of each other."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


@dataclass(frozen=True)
class Finished:
    """A process that ended: exit status, CPU seconds (user and system), largest resident set, its output."""

    status: int
    cpu_s: float
    peak_rss_mb: float
    output: str
    errors: str


def finish(command: Sequence[str], *, env: Mapping[str, str] | None = None, folder: Path) -> Finished:
    """Run a command to its end and account for the whole of it with ``wait4``.

    Parameters
    ----------
    command
        Program and arguments.
    env
        Its environment; this process's own by default.
    folder
        Where its output is kept while it runs: a pipe would have to be drained, which disturbs the clock.
    """
    out, err = folder / "stdout", folder / "stderr"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen(command, stdout=stdout, stderr=stderr, env=env)
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Finished(
        status=process.returncode,
        cpu_s=used.ru_utime + used.ru_stime,
        peak_rss_mb=kilobytes(used) / 1000,
        output=out.read_text(errors="replace"),
        errors=err.read_text(errors="replace"),
    )


def kilobytes(used: resource.struct_rusage) -> float:
    """Largest resident set in kB; macOS counts it in bytes."""
    return used.ru_maxrss / 1024 if sys.platform == "darwin" else used.ru_maxrss * 1.024


def rounded(value: Any) -> Any:
    """Numbers to four significant digits, everywhere in a document."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, Mapping):
        return {str(key): rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    return value


def publish(document: Mapping[str, Any], *, as_json: bool) -> None:
    """Print the document: JSON, or one indented line per figure."""
    whole = {"benchmark": Path(sys.argv[0]).stem, **rounded(document), "machine": machine()}
    if as_json:
        print(json.dumps(whole, ensure_ascii=False, indent=2))
    else:
        _table(whole, "")


def _table(document: Mapping[str, Any], indent: str) -> None:
    for key, value in document.items():
        if isinstance(value, Mapping):
            print(f"{indent}{key}")
            _table(value, indent + "  ")
        else:
            shown = ", ".join(map(str, value)) if isinstance(value, list) else value
            print(f"{indent}{key:{max(1, 34 - len(indent))}} {shown}")
