"""``make models``: train the model that ships with the package, and put it there, signed.

Weights are reproducible by seed, data and versions; the signature is that of whoever ran this, and the
public key is shipped beside the bundle.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from suwen.core.documents import write_bytes
from suwen.core.engine import Progress
from suwen.core.errors import Refused
from suwen.lifecycle.demo import data_folders
from suwen.lifecycle.deploy import candidate
from suwen.lifecycle.signing import signing_key
from suwen.lifecycle.train import train
from suwen.records.keys.signing import public_pem

TASK, SOURCE, SEED = "imaging.pneumonia", "imaging/pneumoniamnist.npz", 0
MOST_BYTES = 2_000_000
"""A shipped bundle is downloaded by everyone who installs the package."""


def ship(folder: Path, *, progress: Progress) -> dict[str, object]:
    """Train, seal and place the shipped bundle below ``folder``.

    Returns
    -------
    dict
        ``model``, ``bytes`` and ``metrics`` of what was shipped.

    Raises
    ------
    Refused
        Without the training data, or when the bundle is above 2 MB.
    """
    found = [place / SOURCE for place in data_folders() if (place / SOURCE).is_file()]
    if not found:
        raise Refused(
            f"the training data {SOURCE} is not here", fix="Set SUWEN_DATA, or: suwen fetch pneumoniamnist"
        )
    with tempfile.TemporaryDirectory() as scratch:
        run = Path(scratch) / "run"
        train(TASK, str(found[0]), run, seed=SEED, overrides={"mlflow": False}, progress=progress)
        bundle = Path(scratch) / "bundle"
        bundle.mkdir()
        manifest = candidate(run, bundle)
        size = sum(path.stat().st_size for path in bundle.iterdir())
        if size > MOST_BYTES:
            raise Refused(f"the bundle has {size} bytes, above the {MOST_BYTES} that may ship")
        target = folder / TASK
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(bundle, target)
    write_bytes(folder / "suwen.pub", public_pem(signing_key().public_key()))
    return {
        "model": f"{TASK}@{manifest['version']}",
        "bytes": size,
        "metrics": manifest["report"]["metrics"],
    }


if __name__ == "__main__":
    from importlib.resources import files

    shipped = ship(Path(str(files("suwen.shipped"))), progress=lambda text: print(text, file=sys.stderr))  # noqa: T201
    print(shipped["model"], shipped["bytes"], "bytes")  # noqa: T201
