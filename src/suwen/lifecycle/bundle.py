"""A bundle: ONNX, a manifest that names every file by its hash, a model card and a signature."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from suwen.core.documents import dumps, read_json, write_bytes
from suwen.core.errors import NotFound, Untrusted
from suwen.lifecycle.signing import signing_key, verify

FORMAT = "suwen-bundle/1"
MANIFEST, SIGNATURE, CARD = "manifest.json", "manifest.sig", "card.md"


def sha256(path: Path) -> str:
    """SHA-256 (hex) of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        for piece in iter(lambda: handle.read(1 << 20), b""):
            digest.update(piece)
    return digest.hexdigest()


def inventory(folder: Path) -> dict[str, dict[str, Any]]:
    """Hash and size of every file of a bundle but the manifest and its signature."""
    return {
        path.name: {"sha256": sha256(path), "bytes": path.stat().st_size}
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name not in {MANIFEST, SIGNATURE}
    }


def version_of(manifest: Mapping[str, Any]) -> str:
    """Twelve hex digits over what decides the answers, and the report they stand on. Dates do not count."""
    decisive = {
        name: manifest[name]
        for name in (
            *("task", "engine", "calibration", "operating_point", "conformal"),
            *("weights_sha256", "report"),
        )
    }
    return hashlib.sha256(dumps(decisive, indent=None).encode()).hexdigest()[:12]


def seal(folder: Path, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Complete the manifest with the inventory, write it and sign it."""
    whole = {**manifest, "format": FORMAT, "files": inventory(folder)}
    data = (dumps(whole) + "\n").encode()
    write_bytes(folder / MANIFEST, data)
    write_bytes(folder / SIGNATURE, signing_key().sign(data))
    return whole


def open_bundle(folder: Path) -> dict[str, Any]:
    """Verify a bundle and return its manifest; nothing of it may be loaded before this.

    Raises
    ------
    NotFound
        When there is no bundle.
    Untrusted
        When the signature does not hold, or a file is missing, added or altered by one byte.
    """
    try:
        data = (folder / MANIFEST).read_bytes()
        signature = (folder / SIGNATURE).read_bytes()
    except FileNotFoundError as error:
        raise NotFound(
            "this folder holds no signed model", where=str(folder), fix=str(error.filename)
        ) from None
    verify(data, signature, where=folder.name)
    manifest: dict[str, Any] = read_json(folder / MANIFEST)
    if manifest.get("format") != FORMAT:
        raise Untrusted(
            f"the bundle's format is {manifest.get('format')!r}", fix=f"This version reads {FORMAT}"
        )
    found, expected = inventory(folder), manifest["files"]
    for name in sorted(set(found) | set(expected)):
        if found.get(name) != expected.get(name):
            raise Untrusted(
                f"the file {name} of this model is not the one that was signed",
                where=folder.name,
                fix="Deploy the model again from its run",
                code="altered-file",
            )
    return manifest
