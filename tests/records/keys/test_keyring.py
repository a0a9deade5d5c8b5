"""Master keys in a file or in the environment."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from suwen.core.errors import BadInput, Conflict, NotFound, Refused, SuwenError, Unreadable, Untrusted
from suwen.records.keys.keyring import EnvironmentKeyring, FileKeyring, open_provider
from suwen.records.keys.provider import MasterProvider
from suwen.records.keys.wrap import MasterKey

DATA_KEY = bytes(range(32))


@pytest.fixture
def keyring(tmp_path: Path) -> FileKeyring:
    return FileKeyring(tmp_path / "keys" / "master.json")


def test_made_on_first_use_for_its_owner_alone(keyring: FileKeyring) -> None:
    assert stat.S_IMODE(keyring.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(keyring.path.parent.stat().st_mode) == 0o700
    assert [path.name for path in keyring.path.parent.iterdir()] == ["master.json"]
    assert isinstance(keyring, MasterProvider)
    assert list(keyring.created) == [keyring.current]


def test_opened_again_it_unwraps(keyring: FileKeyring) -> None:
    key_id, blob = keyring.wrap(DATA_KEY, b"a")
    assert FileKeyring(keyring.path).unwrap(key_id, blob, b"a") == DATA_KEY


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666, 0o601])
def test_wider_permissions_are_refused(keyring: FileKeyring, mode: int) -> None:
    keyring.path.chmod(mode)
    with pytest.raises(Refused) as caught:
        FileKeyring(keyring.path)
    assert caught.value.code == "keyring-permissions"
    assert "chmod 600" in str(caught.value)


def test_rotation_keeps_what_was_wrapped_and_reaches_others(keyring: FileKeyring) -> None:
    beside = FileKeyring(keyring.path)
    old, blob = keyring.wrap(DATA_KEY, b"a")
    fresh = beside.rotate()
    assert fresh != old
    assert keyring.current == fresh  # another holder of the same file, without opening it again
    assert keyring.unwrap(old, blob, b"a") == DATA_KEY
    key_id, again = keyring.wrap(DATA_KEY, b"a")
    assert key_id == fresh and beside.unwrap(key_id, again, b"a") == DATA_KEY
    assert stat.S_IMODE(keyring.path.stat().st_mode) == 0o600


def test_a_retired_key_is_gone_from_file_and_old_content(keyring: FileKeyring, tmp_path: Path) -> None:
    old, blob = keyring.wrap(DATA_KEY, b"a")
    keyring.rotate()
    before = tmp_path / "before"
    before.hardlink_to(keyring.path)
    assert old in before.read_text()
    keyring.retire(old)
    assert old not in keyring.path.read_text()
    assert set(before.read_bytes()) == {0}
    assert [path.name for path in keyring.path.parent.iterdir()] == ["master.json"]
    for holder in (keyring, FileKeyring(keyring.path)):
        with pytest.raises(Untrusted) as caught:
            holder.unwrap(old, blob, b"a")
        assert caught.value.code == "master-missing"


def test_a_reader_with_an_older_snapshot_outlives_a_retirement(keyring: FileKeyring) -> None:
    old, blob = keyring.wrap(DATA_KEY, b"a")
    reader = FileKeyring(keyring.path)
    fresh = keyring.rotate()
    keyring.retire(old)
    assert reader.current == fresh
    assert reader.unwrap(old, blob, b"a") == DATA_KEY
    reader.rotate()  # and does not bring it back to the disk
    assert old not in reader.created and old not in keyring.path.read_text()


def test_current_and_unknown_keys_are_not_retired(keyring: FileKeyring) -> None:
    with pytest.raises(Conflict) as caught:
        keyring.retire(keyring.current)
    assert caught.value.code == "master-current"
    with pytest.raises(NotFound):
        keyring.retire("0" * 16)


def test_two_rotations_at_once_keep_both_keys(keyring: FileKeyring) -> None:
    holders = [FileKeyring(keyring.path) for _ in range(4)]
    made: list[str] = []
    threads = [threading.Thread(target=lambda one=one: made.append(one.rotate())) for one in holders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4
    assert set(made) < set(FileKeyring(keyring.path).created)


def test_two_processes_making_it_agree(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from suwen.records.keys.keyring import FileKeyring\n"
        "print(FileKeyring(Path(sys.argv[1])).current)"
    )
    words = [sys.executable, "-c", code, str(tmp_path / "k" / "master.json")]
    running = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert len({process.communicate()[0] for process in running}) == 1


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 400, b"[]", b"{", b'{"format": "suwen-keyring-1", "current": "x", "keys": []}', b"\xff"],
)
def test_other_files_are_no_keyring(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "master.json"
    path.touch(0o600)
    path.write_bytes(content)
    with pytest.raises(Unreadable) as caught:
        FileKeyring(path)
    assert caught.value.code == "bad-keyring"


def test_a_damaged_key_is_noticed(keyring: FileKeyring) -> None:
    document = json.loads(keyring.path.read_text())
    document["keys"][0]["secret"] = MasterKey.generate().to_text()
    keyring.path.write_text(json.dumps(document))
    with pytest.raises(Unreadable):
        FileKeyring(keyring.path)


def test_a_missing_keyring_is_not_replaced_for_an_old_store(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        FileKeyring(tmp_path / "master.json", create=False)
    assert caught.value.code == "keyring-missing"
    assert not list(tmp_path.iterdir())


def test_secrets_are_in_no_repr(keyring: FileKeyring) -> None:
    secret = json.loads(keyring.path.read_text())["keys"][0]["secret"]
    given = EnvironmentKeyring(secret)
    for text in (repr(keyring), repr(keyring._held), repr(given), repr(given._held)):
        assert secret not in text


def test_environment_wraps_with_the_first_and_unwraps_with_all() -> None:
    old, new = MasterKey.generate(), MasterKey.generate()
    key_id, blob = EnvironmentKeyring(old.to_text()).wrap(DATA_KEY, b"a")
    both = EnvironmentKeyring(f"{new.to_text()}, {old.to_text()}")
    assert isinstance(both, MasterProvider)
    assert both.current == new.key_id
    assert both.unwrap(key_id, blob, b"a") == DATA_KEY
    assert both.wrap(DATA_KEY, b"a")[0] == new.key_id
    with pytest.raises(Untrusted) as caught:
        EnvironmentKeyring(new.to_text()).unwrap(key_id, blob, b"a")
    assert caught.value.code == "master-missing"


def test_environment_says_that_it_cannot_change_itself() -> None:
    given = EnvironmentKeyring(MasterKey.generate().to_text())
    for step in (given.rotate, lambda: given.retire("abc")):
        with pytest.raises(Refused) as caught:
            step()
        assert caught.value.code == "keyring-fixed"
        assert "SUWEN_MASTER_KEY" in str(caught.value)


def test_environment_error_does_not_repeat_the_secret() -> None:
    secret = MasterKey.generate().to_text()
    with pytest.raises(BadInput) as caught:
        EnvironmentKeyring(secret[:-4])
    assert secret[:20] not in str(caught.value) and "SUWEN_MASTER_KEY" in str(caught.value)


def test_environment_comes_first_then_a_named_file_then_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SUWEN_MASTER_KEY", raising=False)
    monkeypatch.delenv("SUWEN_KEYRING", raising=False)
    inside = open_provider(tmp_path / "store")
    assert isinstance(inside, FileKeyring)
    assert inside.path == tmp_path / "store" / "keys" / "master.json"
    monkeypatch.setenv("SUWEN_KEYRING", str(tmp_path / "elsewhere.json"))
    named = open_provider(tmp_path / "store")
    assert isinstance(named, FileKeyring) and named.path == tmp_path / "elsewhere.json"
    assert open_provider(None).current == named.current
    key = MasterKey.generate()
    monkeypatch.setenv("SUWEN_MASTER_KEY", key.to_text())
    assert open_provider(tmp_path / "store").current == key.key_id


def test_a_database_without_a_named_keyring_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUWEN_MASTER_KEY", raising=False)
    monkeypatch.delenv("SUWEN_KEYRING", raising=False)
    with pytest.raises(Refused) as caught:
        open_provider(None)
    assert caught.value.code == "keyring-unnamed"


def test_a_keyring_taken_away_stops_new_keys(keyring: FileKeyring) -> None:
    key_id, blob = keyring.wrap(DATA_KEY, b"a")
    os.unlink(keyring.path)  # noqa: PTH108 - what an administrator does by mistake
    assert keyring.unwrap(key_id, blob, b"a") == DATA_KEY
    with pytest.raises(SuwenError) as caught:
        keyring.wrap(DATA_KEY, b"a")
    assert caught.value.code == "keyring-missing"
