"""``suwen records export``: what went in comes out, with every digit, and the ledger knows."""

from __future__ import annotations

import gzip
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from suwen.core.errors import Conflict, NotFound
from suwen.records.exchange.exporting import export
from suwen.records.exchange.importing import import_files
from suwen.records.exchange.workers import Workers
from suwen.records.fhir import wire
from suwen.records.ledger.events import decode
from suwen.records.record import Record


def lines(path: Path) -> list[bytes]:
    return gzip.decompress(path.read_bytes()).splitlines()


def plain(line: bytes) -> bytes:
    """A resource without what a store sets, its properties in order."""
    resource = wire.read(line)
    meta = {k: v for k, v in resource.pop("meta", {}).items() if k not in {"versionId", "lastUpdated"}}
    return wire.write(_ordered({**resource, **({"meta": meta} if meta else {})}))


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value)}
    return [_ordered(one) for one in value] if isinstance(value, list) else value


def take(record: Record, *paths: Path) -> int:
    return import_files(record, paths, actor="tester", workers=Workers(0)).imported


def test_what_was_imported_comes_out(record: Record, data_dir: Path, tmp_path: Path) -> None:
    names = ["Patient", "Immunization", "AllergyIntolerance", "Practitioner", "Device"]
    paths = [data_dir / "records" / "bulk10" / f"{name}.ndjson.gz" for name in names]
    take(record, *paths)
    out = tmp_path / "out"
    result = export(record, out, actor="tester")
    assert sorted(path.name for path in out.iterdir()) == sorted(f"{name}.ndjson.gz" for name in names)
    for path in paths:
        assert sorted(map(plain, lines(out / path.name))) == sorted(map(plain, lines(path)))
        assert result.counts[path.name.partition(".")[0]] == len(lines(path))
    with record.database.reading() as db:
        (last,) = db.row("SELECT entry FROM leaf ORDER BY position DESC LIMIT 1") or ()
    event = decode(bytes(last))
    assert (event.action, event.actor, event.count) == ("export", "tester", sum(result.counts.values()))


def test_digits_are_kept_and_an_export_can_be_imported(sqlite_record: Record, tmp_path: Path) -> None:
    text = (
        '{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},'
        '"valueQuantity":{"value":1.00},"component":[{"code":{"text":"y"},"valueQuantity":{"value":1e-3}}]}'
    )
    (tmp_path / "o.json").write_text(text)
    take(sqlite_record, tmp_path / "o.json")
    export(sqlite_record, tmp_path / "out", actor="tester")
    (line,) = lines(tmp_path / "out" / "Observation.ndjson.gz")
    assert b'"value":1.00}' in line
    assert b'"value":1e-3}' in line
    assert take(sqlite_record, tmp_path / "out") == 1


def test_one_patient_or_some_types(sqlite_record: Record, data_dir: Path, tmp_path: Path) -> None:
    folder = data_dir / "records" / "synthea_r4"
    take(sqlite_record, folder / "p001.json.gz", folder / "p002.json.gz")
    with sqlite_record.database.reading() as db:
        rows = db.rows("SELECT id, owner FROM resource WHERE type = 'Patient' ORDER BY rid")
        (own,) = db.row("SELECT COUNT(*) FROM resource WHERE owner = ?", (rows[0][1],)) or ()
    result = export(sqlite_record, tmp_path / "one", actor="tester", patient=rows[0][0])
    assert result.counts["Patient"] == 1
    assert sum(result.counts.values()) >= own
    for kind in result.counts:
        for line in lines(tmp_path / "one" / f"{kind}.ndjson.gz"):
            assert rows[1][0].encode() not in line
    some = export(sqlite_record, tmp_path / "some", actor="t", types=["Condition"], patient=rows[0][0])
    assert list(some.counts) == ["Condition"]
    every = export(sqlite_record, tmp_path / "all", actor="tester", types=["Condition", "Patient"])
    assert every.counts["Patient"] == 2
    assert every.counts["Condition"] > some.counts["Condition"]


def test_what_it_refuses_leaves_nothing(sqlite_record: Record, tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(json.dumps({"resourceType": "Patient", "id": "p"}))
    take(sqlite_record, tmp_path / "p.json")
    out = tmp_path / "out"
    for code, arguments in (("unknown-type", {"types": ["Patients"]}), ("not-found", {"patient": "q"})):
        with pytest.raises(NotFound) as refused:
            export(sqlite_record, out, actor="tester", **arguments)  # type: ignore[arg-type]
        assert refused.value.code == code
    assert not out.exists() or not list(out.iterdir())
    export(sqlite_record, out, actor="tester")
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    with pytest.raises(Conflict) as there:
        export(sqlite_record, out, actor="tester")
    assert there.value.code == "export-exists"
