"""The key that signs tree heads and receipts."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from suwen.core.errors import Untrusted
from suwen.records.keys.signing import public_pem, signing_key


def test_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "signing.pem"
    first, second = signing_key(path), signing_key(path)
    assert first.private_bytes_raw() == second.private_bytes_raw()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [one.name for one in path.parent.iterdir()] == ["signing.pem"]


def test_public_half_is_pem(tmp_path: Path) -> None:
    key = signing_key(tmp_path / "signing.pem")
    load_pem_public_key(public_pem(key.public_key())).verify(key.sign(b"head"), b"head")  # type: ignore


@pytest.mark.parametrize(
    "content", [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "signing.pem"
    path.write_bytes(content)
    with pytest.raises(Untrusted) as caught:
        signing_key(path, fix="Name another file")
    assert "Name another file" in str(caught.value) and str(path) in str(caught.value)
    assert path.read_bytes() == content
