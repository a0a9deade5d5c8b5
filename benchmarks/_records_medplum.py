"""Medplum's in-process repository as a peer, where ``node`` and ``npm`` are at hand.

``MemoryRepository`` of ``@medplum/fhir-router`` keeps resources in a map of its process. It does not write to
disk, encrypt, index, keep a ledger or go over HTTP; nor does ``create`` validate, so that figure stands
beside one with Medplum's own validation.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

VERSION = "4.5.2"
"""The last that runs on Node 20."""
DOES_NOT = "write to disk, encrypt, index, keep a ledger, go over HTTP"


def measure(resources: Sequence[dict[str, Any]], folder: Path, searches: int) -> dict[str, Any]:
    """Creates and searches a second; or the reason why there are none."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return {"absent": "node and npm are not installed"}
    place = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / f"suwen-medplum-{VERSION}"
    if not (place / "node_modules").is_dir():
        place.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [npm, "install", "--no-audit", "--no-fund", "--no-save", f"@medplum/fhir-router@{VERSION}"],
            cwd=place, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            shutil.rmtree(place, ignore_errors=True)
            return {"absent": "npm could not install it (offline?)"}
    script = place / "_records_medplum.mjs"
    shutil.copy(Path(__file__).with_suffix(".mjs"), script)
    data = folder / "resources.json"
    data.write_text(json.dumps(resources))
    done = subprocess.run(
        [node, script.name, str(data), str(searches)], cwd=place, capture_output=True, text=True, check=False
    )
    if done.returncode:
        return {"absent": f"it failed: {done.stderr.strip().splitlines()[-1:]}"}
    found: dict[str, Any] = json.loads(done.stdout)
    return {"version": VERSION, **found, "does_not": DOES_NOT}
