"""``suwen records``: words in, exit status, streams and documents out."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Suwen = Callable[..., Any]


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    """Three patients, one of them no patient."""
    path = tmp_path / "people.ndjson"
    good = [{"resourceType": "Patient", "id": one, "gender": "female", "birthDate": "1970"} for one in "ab"]
    path.write_text("\n".join([json.dumps(good[0]), '{"resourceType": "Zzyzx"}', json.dumps(good[1])]))
    return path


@pytest.fixture
def store(home: Path, suwen: Suwen, lines: Path) -> Path:
    """The record of this test's home, with something in it."""
    assert suwen("records", "import", lines, "--json").code == 0
    return home / "record"


def test_import_says_what_it_did(home: Path, suwen: Suwen, lines: Path) -> None:
    said = suwen("records", "import", lines, "--workers", 0, "--json")
    assert (said.code, said.document["imported"], said.document["rejected"]) == (0, 2, 1)
    assert 0 < said.document["seconds"] < 60
    (error,) = said.document["errors"]
    assert (error["file"], error["line"], error["code"]) == (str(lines), 2, "no-id")
    assert said.err == f"{lines}:2: {error['what']} [no-id]\n"
    again = suwen("records", "import", lines)
    assert again.out.startswith("0 resources imported, 1 rejected, 2 already there")
    forced = suwen("records", "import", lines, "--again", "--json")
    assert (forced.document["imported"], forced.document["skipped"]) == (2, 0)
    assert oct((home / "record").stat().st_mode)[-3:] == "700"


def test_a_file_of_which_nothing_can_be_read_is_an_error(home: Path, suwen: Suwen, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("no JSON")
    said = suwen("records", "import", tmp_path / "x.json", "--json")
    assert (said.code, said.document["rejected"]) == (3, 1)
    missing = suwen("records", "import", tmp_path / "none", "--json")
    assert (missing.code, missing.document["error"]["code"]) == (3, "no-such-file")


def test_export_and_back(store: Path, suwen: Suwen, tmp_path: Path) -> None:
    said = suwen("records", "export", tmp_path / "out", "--type", "Patient", "--json")
    assert (said.document["exported"], said.document["files"]) == (2, ["Patient.ndjson.gz"])
    assert len(gzip.decompress((tmp_path / "out" / "Patient.ndjson.gz").read_bytes()).splitlines()) == 2
    one = suwen("records", "export", tmp_path / "one", "--patient", "a")
    assert one.out.split() == ["1", "Patient"]
    back = suwen("records", "import", tmp_path / "out", "--store", tmp_path / "second", "--json")
    assert back.document["imported"] == 2


def test_a_view_prints_its_rows(store: Path, suwen: Suwen, tmp_path: Path) -> None:
    view = {
        "resource": "Patient",
        "select": [{"column": [{"name": "id", "path": "id"}, {"name": "names", "path": "name.family"}]}],
    }
    file = tmp_path / "view.json"
    file.write_text(json.dumps(view))
    expected = [{"id": "a", "names": None}, {"id": "b", "names": None}]
    assert suwen("records", "view", file, "--json").document == expected
    table = suwen("records", "view", file, "--csv", "--save", "everybody").out
    assert list(csv.reader(io.StringIO(table))) == [["id", "names"], ["a", ""], ["b", ""]]
    assert suwen("records", "view", file).out.splitlines()[-1] == "2 rows"
    file.write_text('{"resource": "Patient", "select": [{"column": [{"name": "x", "path": "1 +"}]}]}')
    assert suwen("records", "view", file, "--json").document["error"]["code"] == "bad-view"


def test_verify_head_and_proof_work_on_a_copy_without_secrets(
    store: Path, suwen: Suwen, tmp_path: Path, lines: Path
) -> None:
    head = suwen("records", "head")
    (tmp_path / "head").write_text(head.out)
    suwen("records", "import", lines, "--again")
    copy = tmp_path / "copy"
    shutil.copytree(store, copy, ignore=shutil.ignore_patterns("*.pem", "master.json"))
    words = ("records", "verify", "--store", copy, "--against", tmp_path / "head", "--json")
    said = suwen(*words)
    assert (said.code, said.document["ok"], said.document["problems"]) == (0, True, [])
    document = suwen("records", "head", "--store", copy, "--json").document
    assert document["tree_size"] == said.document["tree_size"]
    proof = suwen("records", "proof", 1, "--store", copy, "--json").document
    _check_proof(proof)
    assert suwen("records", "proof", 1, "--store", copy).out.endswith(proof["checkpoint"])
    data = bytearray((copy / "record.db").read_bytes())
    at = data.find(b'"action":"create"')
    data[at + 11 : at + 17] = b"delete"
    (copy / "record.db").write_bytes(data)
    bad = suwen(*words)
    assert (bad.code, bad.document["ok"]) == (3, False)
    assert suwen("records", "verify", "--store", copy).out.splitlines()[-1].startswith("NOT OK")
    key = suwen("records", "verify", "--key", lines, "--json")
    assert (key.code, key.document["error"]["code"]) == (3, "bad-public-key")


def _check_proof(proof: dict[str, Any]) -> None:
    from base64 import b64decode

    from suwen.records.ledger import checkpoint, leaf_hash, verify_inclusion

    head = checkpoint.parse(proof["checkpoint"])
    path = [b64decode(one) for one in proof["proof"]]
    verify_inclusion(leaf_hash(proof["entry"].encode()), proof["position"], head.size, path, head.root)


def test_audit_says_who_did_what(store: Path, suwen: Suwen) -> None:
    events = [json.loads(one) for one in suwen("records", "audit", "--json").out.splitlines()]
    assert {event["resourceType"] for event in events} == {"AuditEvent"}
    text = suwen("records", "audit", "--patient", "a", "--since", "2020-01-01").out
    assert "update  Patient/a" in text or "create  Patient/a" in text
    assert "Patient/b" not in text
    assert suwen("records", "audit", "--since", "2999-01-01").out == ""
    assert suwen("records", "audit", "--since", "yesterday").code == 3


def test_erase_asks_and_gives_a_receipt(store: Path, suwen: Suwen) -> None:
    asked = suwen("records", "erase", "a", "--json")
    assert (asked.code, asked.document["error"]["code"]) == (3, "not-confirmed")
    receipt = suwen("records", "erase", "a", "--yes", "--json").document
    assert (receipt["format"], receipt["resources"]) == ("suwen-erasure-1", 1)
    assert suwen("records", "erase", "a", "--yes").code == 3
    assert "1 resources" in suwen("records", "erase", "b", "--yes", "--compact").out
    kept = [json.loads(path.read_bytes()) for path in (store / "receipts").iterdir()]
    assert receipt in kept
    assert len(kept) == 2
    assert suwen("records", "verify").code == 0


def test_keys_are_listed_and_rotated(store: Path, suwen: Suwen) -> None:
    (old,) = suwen("records", "keys", "list", "--json").document["masters"]
    done = suwen("records", "keys", "rotate", "--keep-old", "--json").document
    assert (done["kept"], done["rewrapped"]) == ([old["id"]], old["keys"])
    assert f"destroyed: {old['id']}" in suwen("records", "keys", "rotate").out
    assert suwen("records", "keys", "list").out.startswith("* ")


def test_an_anchor_needs_a_node(store: Path, suwen: Suwen) -> None:
    said = suwen("records", "anchor", "--rpc", "ftp://nowhere", "--json")
    assert (said.code, said.document["error"]["code"]) == (3, "bad-rpc")


@pytest.mark.parametrize(
    "words", [("head",), ("view", "x.json"), ("export", "out"), ("erase", "a", "--yes"), ("keys", "list")]
)
def test_nothing_but_import_makes_a_record(
    home: Path, suwen: Suwen, tmp_path: Path, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.json").write_text(
        '{"resource":"Patient","select":[{"column":[{"name":"i","path":"id"}]}]}'
    )
    said = suwen("records", *words, "--json")
    assert (said.code, said.document["error"]["code"]) == (3, "no-record")
    assert not (home / "record").exists()
