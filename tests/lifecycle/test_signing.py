"""Keys: made once, kept private, trusted by name."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from suwen.core.errors import Untrusted
from suwen.lifecycle.signing import signing_key, trusted_keys, verify
from suwen.records.keys.signing import public_pem


def test_the_key_is_made_once_and_readable_by_nobody_else(home: Path) -> None:
    first = signing_key()
    path = home / "keys" / "signing.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert public_pem(signing_key().public_key()) == public_pem(first.public_key())
    verify(b"words", first.sign(b"words"), where="here")
    with pytest.raises(Untrusted) as refused:
        verify(b"words!", first.sign(b"words"), where="here")
    assert refused.value.code == "bad-signature"
    assert {path.name for path in path.parent.iterdir()} == {"signing.pem", "trusted"}


def test_a_key_of_ones_own_is_trusted_at_once(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUWEN_SIGNING_KEY", str(tmp_path / "hospital.pem"))
    signature = signing_key().sign(b"words")
    monkeypatch.setenv("SUWEN_HOME", str(tmp_path / "second"))
    verify(b"words", signing_key().sign(b"words"), where="here")
    verify(b"words", signature, where="here")
    assert not (home / "keys" / "signing.pem").exists()


def test_changing_the_key_keeps_trust_in_the_old_one(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signature = signing_key().sign(b"words")
    monkeypatch.setenv("SUWEN_SIGNING_KEY", str(tmp_path / "other.pem"))
    signing_key()
    verify(b"words", signature, where="here")


@pytest.mark.parametrize("content", [b"", b"nonsense", b"rsa"])
def test_a_file_that_is_no_such_key_is_refused(
    content: bytes, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cryptography.hazmat.primitives import serialization as s
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

    if content == b"rsa":
        content = generate_private_key(65537, 2048).private_bytes(
            s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()
        )
    path = tmp_path / "key.pem"
    path.write_bytes(content)
    monkeypatch.setenv("SUWEN_SIGNING_KEY", str(path))
    with pytest.raises(Untrusted, match="Ed25519"):
        signing_key()
    assert path.read_bytes() == content


def test_a_trusted_file_that_is_no_key_is_named(home: Path) -> None:
    (home / "keys" / "trusted").mkdir(parents=True)
    (home / "keys" / "trusted" / "junk.pub").write_bytes(b"junk")
    with pytest.raises(Untrusted, match=r"junk\.pub"):
        trusted_keys()


def test_first_use_by_several_processes_makes_one_key(home: Path) -> None:
    program = (
        "import sys; from suwen.lifecycle.signing import signing_key, verify\n"
        "sys.stdin.readline(); data = b'words'\n"
        "verify(data, signing_key().sign(data), where='here')\n"
        "verify(data, signing_key().sign(data), where='here')"
    )
    together = [subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE) for _ in range(6)]
    for process in together:
        assert process.stdin
        process.stdin.write(b"go\n")
        process.stdin.flush()
    for process in together:
        process.communicate()
    assert [process.returncode for process in together] == [0] * 6
    assert len(list((home / "keys" / "trusted").glob("*.pub"))) == 1
    assert {path.name for path in (home / "keys").iterdir()} == {"signing.pem", "trusted"}
