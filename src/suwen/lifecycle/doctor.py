"""``suwen doctor``: what of this installation works, what does not, and what to do about it.

Nothing here changes the installation or imports torch, and nothing raises: a check that fails says so.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from suwen.core.errors import SuwenError
from suwen.core.home import home

OLDEST_PYTHON = (3, 11)
LEAST_DISK_BYTES = 2**30
LEAST_MEMORY_BYTES = 2**30
EXTRAS = {
    "explain": ("lightgbm", "lime", "shap"),
    "train": ("torch", "lightning", "lightgbm", "monai", "sklearn", "scipy", "h5py", "onnx", "matplotlib"),
    "surgery": ("numba", "scipy", "nibabel", "nrrd", "SimpleITK", "mujoco", "ruckig", "gymnasium"),
}
"""Modules whose presence shows that an extra is installed."""

# x + x as an ONNX graph (opset 17), so that the runtime is seen to compute without any model at hand.
_DOUBLE = bytes.fromhex(
    "080812003a350a0e0a01780a017812017922034164641201675a0f0a0178120a0a08080112040a020801"
    "620f0a0179120a0a08080112040a02080142040a001011"
)


@dataclass(frozen=True, kw_only=True)
class Check:
    """One finding.

    Attributes
    ----------
    name
        What was looked at.
    ok
        False only where something that is needed does not work; an extra left out is no fault.
    detail
        What was found.
    fix
        What to do, where there is something to do.
    """

    name: str
    ok: bool
    detail: str
    fix: str | None = None


def doctor() -> dict[str, Any]:
    """Examine this installation; takes about a second and never raises.

    Returns
    -------
    dict
        ``{"ok": bool, "checks": [{"name", "ok", "detail", "fix"}, ...]}``
    """
    found: list[Check] = []
    for examine in _EXAMINATIONS:
        try:
            found.extend(examine())
        except Exception as error:  # whatever is broken here is the finding
            name = examine.__name__.strip("_").replace("_", " ")
            detail = f"{type(error).__name__}: {error}"
            found.append(Check(name=name, ok=False, detail=detail, fix="Install suwen again"))
    return {"ok": all(check.ok for check in found), "checks": [asdict(check) for check in found]}


def _python() -> Iterator[Check]:
    version = platform.python_version()
    yield Check(
        name="python",
        ok=sys.version_info[:2] >= OLDEST_PYTHON,
        detail=f"{version} on {platform.system()} {platform.machine()}",
        fix=None if sys.version_info[:2] >= OLDEST_PYTHON else "Install Python 3.11 or newer",
    )


def _packages() -> Iterator[Check]:
    """Every package of the base install, at least at the version asked for."""
    missing, present = [], []
    for requirement in metadata.requires("suwen") or ():
        if "extra ==" in requirement:
            continue
        parts = re.match(r"([\w.-]+)[^>;]*(?:>=\s*([\d.]+))?", requirement)
        name, least = (parts[1], parts[2] or "0") if parts else (requirement, "0")
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            missing.append(f"{name} is not installed")
            continue
        present.append(f"{name} {version}")
        if _figures(version) < _figures(least):
            missing.append(f"{name} {version} is older than {least}")
    yield Check(
        name="packages",
        ok=not missing,
        detail="; ".join(missing) or ", ".join(present),
        fix="Run: pip install --upgrade suwen" if missing else None,
    )


def _figures(version: str) -> tuple[int, ...]:
    """Leading figures of a version: ``2.13.0+cpu`` is (2, 13, 0)."""
    found = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def _extras() -> Iterator[Check]:
    for extra, modules in EXTRAS.items():
        absent = [name for name in modules if find_spec(name) is None]
        fix = f"Run: pip install 'suwen[{extra}]'"
        what = (
            f"not installed ({', '.join(absent)}); where it is needed: {fix[5:]}" if absent else "installed"
        )
        yield Check(name=f"extra {extra}", ok=True, detail=what, fix=fix if absent else None)


def _onnx_runtime() -> Iterator[Check]:
    import numpy as np
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(_DOUBLE, options, providers=["CPUExecutionProvider"])
    (result,) = session.run(None, {"x": np.ones(1, np.float32)})
    right = float(result[0]) == 2.0
    yield Check(
        name="onnxruntime",
        ok=right,
        detail=f"{ort.__version__} computes" if right else f"{ort.__version__} answers 1 + 1 = {result[0]}",
        fix=None if right else "Run: pip install --force-reinstall onnxruntime",
    )


def _codecs() -> Iterator[Check]:
    """A decoder for every compressed transfer syntax that suwen reads."""
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.uid import UID

    from suwen.formats.dicom_pixels import PLUGINS

    absent = {
        f"{UID(syntax).name} needs {plugin}"
        for syntax, plugin in PLUGINS.items()
        if plugin not in get_decoder(syntax).available_plugins
    }
    yield Check(
        name="codecs",
        ok=not absent,
        detail="; ".join(sorted(absent)) or f"{len(PLUGINS)} compressed transfer syntaxes decode",
        fix="Run: pip install --force-reinstall suwen" if absent else None,
    )


def _home() -> Iterator[Check]:
    """SUWEN_HOME, or the nearest folder above it that exists, can be written and has room."""
    folder = home()
    place = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    writable = place.is_dir() and os.access(place, os.W_OK | os.X_OK)
    yield Check(
        name="home",
        ok=writable,
        detail=f"{folder} {'can' if writable else 'cannot'} be written",
        fix=None if writable else "Set SUWEN_HOME to a folder of your own",
    )
    free = shutil.disk_usage(place).free
    yield Check(
        name="disk",
        ok=free >= LEAST_DISK_BYTES,
        detail=f"{free / 2**30:.1f} GiB free",
        fix=None if free >= LEAST_DISK_BYTES else "Free at least 1 GiB, or set SUWEN_HOME elsewhere",
    )


def _signing_key() -> Iterator[Check]:
    given = os.environ.get("SUWEN_SIGNING_KEY")
    path = Path(given) if given else home() / "keys" / "signing.pem"
    if not path.exists():
        yield Check(name="signing key", ok=True, detail="none yet; the first training makes one")
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    closed = os.name == "nt" or not mode & 0o077
    yield Check(
        name="signing key",
        ok=closed,
        detail=f"mode {mode:04o}" + ("" if closed else ": others may read it"),
        fix=None if closed else f"Run: chmod 600 {path}; and if others use this machine, make a new key",
    )


def _models() -> Iterator[Check]:
    """The signature and every hash of each model in service."""
    from suwen.lifecycle.discovery import all_tasks
    from suwen.lifecycle.models import in_service

    for name in all_tasks():
        try:
            model = in_service(name)
        except SuwenError as error:
            yield Check(name=f"model {name}", ok=False, detail=error.what, fix=error.fix)
            continue
        what = f"{model['model']} ({model['source']}) verified" if model else "none deployed"
        fix = None if model else f"Run: suwen train {name} --from SOURCE --run DIR, then suwen deploy DIR"
        yield Check(name=f"model {name}", ok=True, detail=what, fix=fix)


def _machine() -> Iterator[Check]:
    cores = os.cpu_count() or 1
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else cores
    yield Check(name="cores", ok=True, detail=f"{usable} of {cores}")
    if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", {}):
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        yield Check(
            name="memory",
            ok=memory >= LEAST_MEMORY_BYTES,
            detail=f"{memory / 2**30:.1f} GiB",
            fix=None if memory >= LEAST_MEMORY_BYTES else "Serving wants 1 GiB of memory",
        )


def _gpu() -> Iterator[Check]:
    """Whether training could use a GPU; asking torch itself would cost two seconds."""
    cards = Path("/proc/driver/nvidia/gpus")
    driver = shutil.which("nvidia-smi") is not None or cards.is_dir()
    try:
        build: str | None = metadata.version("torch")
    except metadata.PackageNotFoundError:
        build = None
    if not driver:
        yield Check(name="gpu", ok=True, detail="none found; training runs on the CPU")
    elif build and build.endswith("+cpu"):
        fix = "Install a CUDA build of the pinned torch version to train on it"
        yield Check(name="gpu", ok=True, detail=f"an NVIDIA driver, but torch {build} cannot use it", fix=fix)
    else:
        count = len(list(cards.iterdir())) if cards.is_dir() else 1
        yield Check(name="gpu", ok=True, detail=f"{count} NVIDIA; training uses mixed precision on it")


def _pictures() -> Iterator[Check]:
    """Data sets to try the platform on; without any, phantoms are made."""
    given = os.environ.get("SUWEN_DATA")
    places = [home() / "data", *([Path(given)] if given else []), Path("..") / "shared" / "data"]
    found = [place for place in places if place.is_dir() and next(place.rglob("*.npz"), None)]
    yield Check(
        name="data to try",
        ok=True,
        detail=", ".join(map(str, found)) or "none; the demo makes simulated images",
        fix=None if found else "Run: suwen fetch pneumoniamnist",
    )


_EXAMINATIONS: tuple[Callable[[], Iterator[Check]], ...] = (
    _python,
    _packages,
    _extras,
    _onnx_runtime,
    _codecs,
    _home,
    _signing_key,
    _models,
    _machine,
    _gpu,
    _pictures,
)
