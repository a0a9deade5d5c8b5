"""Files of an import: recognised by content, cut into pieces, damaged ones told."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from suwen.core.errors import NotFound, TooLarge, Unreadable
from suwen.records.exchange import sources
from suwen.records.exchange.sources import Form, Piece, Source, find, form_of, pieces, unpacked

ONE = b'{"resourceType":"Patient","id":"a"}'
TWO = b'{"resourceType":"Patient","id":"b"}'


def made(folder: Path, name: str, data: bytes) -> Source:
    path = folder / name
    path.write_bytes(data)
    (source,) = find([path])
    return source


def cut(source: Source) -> list[Piece]:
    return list(pieces(source, form_of(source)))


@pytest.mark.parametrize(
    ("name", "data", "form"),
    [
        ("bundle", b'{\n "resourceType": "Bundle"\n}\n', Form.DOCUMENT),
        ("minified", b'{"resourceType":"Bundle"}\n\n', Form.DOCUMENT),
        ("one-per-line", ONE + b"\n" + TWO, Form.LINES),
        ("blank lines first", b"\n \n" + ONE + b"\n" + TWO, Form.LINES),
        ("bad first line", b'{"resourceType":\n' + TWO + b"\n", Form.LINES),
        ("byte order mark", b"\xef\xbb\xbf" + ONE + b"\n" + TWO, Form.LINES),
        ("rubbish.ndjson", b"rubbish\n" + ONE, Form.LINES),
        ("single.NDJSON.gz", ONE, Form.LINES),
        ("empty.json", b"  \n", Form.EMPTY),
        ("LICENSE", b"Apache License\n", Form.FOREIGN),
        ("list.json", b"[1, 2]", Form.FOREIGN),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_the_form_is_recognised_by_content(
    name: str, data: bytes, form: Form, packed: bool, tmp_path: Path
) -> None:
    assert form_of(made(tmp_path, name, gzip.compress(data) if packed else data)) is form


def test_the_shared_data_are_recognised(data_dir: Path) -> None:
    folder = data_dir / "records"
    forms = {
        name: {form_of(source) for source in find([folder / name])}
        for name in ("synthea_r4", "bulk10", "fhir_r4_examples")
    }
    assert forms["synthea_r4"] == {Form.DOCUMENT, Form.FOREIGN}
    assert forms["bulk10"] == {Form.LINES, Form.FOREIGN}
    assert Form.LINES not in forms["fhir_r4_examples"]


def test_folders_are_walked_and_nothing_is_taken_twice(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    first = made(tmp_path, "a/1.json", ONE)
    made(tmp_path, "b.json", TWO)
    found = find([first.path, tmp_path])
    assert [(source.path.name, source.named) for source in found] == [("1.json", True), ("b.json", False)]
    with pytest.raises(NotFound) as missing:
        find([tmp_path / "no"])
    assert missing.value.code == "no-such-file"


@given(st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"\n", b"")), max_size=60), st.booleans())
def test_lines_are_all_there_and_numbered(lines: list[bytes], packed: bool) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sources, "PIECE_LINES", 7)
        patch.setattr(sources, "_BLOCK", 16)
        data = b"\n".join(lines)
        assume(not data.startswith(sources.GZIP))  # that would be taken for a packed file
        source = made(Path(folder), "x.ndjson", gzip.compress(data) if packed else data)
        found = list(pieces(source, Form.LINES))
        assert b"\n".join(piece.data for piece in found) == (data.removesuffix(b"\n") if found else b"")
        assert [piece.line for piece in found] == [1 + 7 * at for at in range(len(found))]
        assert all(one.position <= source.size for one in found)


def test_a_cut_off_archive_gives_its_lines_first(tmp_path: Path) -> None:
    lines = [json.dumps({"resourceType": "Patient", "id": f"p{n * 7919 % 10007}"}) for n in range(2000)]
    source = made(tmp_path, "x.ndjson.gz", gzip.compress("\n".join(lines).encode())[:-900])
    found: list[bytes] = []
    with pytest.raises(Unreadable) as damaged:
        found += (line for piece in pieces(source, Form.LINES) for line in piece.data.split(b"\n"))
    assert damaged.value.code == "bad-gzip"
    assert damaged.value.where == f"line {len(found) + 1}"
    assert 100 < len(found) < 2000
    assert found == [line.encode() for line in lines[: len(found)]]


def test_an_overlong_line_is_named_and_the_rest_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "LONGEST", 100)
    monkeypatch.setattr(sources, "_BLOCK", 64)
    source = made(tmp_path, "x.ndjson", ONE + b"\n" + b"x" * 300 + b"\n" + TWO)
    (piece,) = cut(source)
    assert (piece.overlong, piece.data.split(b"\n")) == ((2,), [ONE, b"", TWO])


def test_documents_are_unpacked_within_bounds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    two_members = gzip.compress(ONE[:10]) + gzip.compress(ONE[10:])
    assert unpacked(ONE) == unpacked(gzip.compress(ONE)) == unpacked(two_members) == ONE
    for damaged in (gzip.compress(ONE)[:-9], gzip.compress(ONE)[:10] + b"\xff" * 30):
        with pytest.raises(Unreadable):
            unpacked(damaged)
    monkeypatch.setattr(sources, "LONGEST", 1000)
    with pytest.raises(TooLarge):
        unpacked(gzip.compress(b" " * 5000))
    with pytest.raises(TooLarge):
        cut(made(tmp_path, "x.json", b"{\n" + b" " * 5000))
