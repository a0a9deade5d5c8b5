"""Sealed files: whatever is done to one, it opens as it was or not at all."""

from __future__ import annotations

import io
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suwen.core.errors import BadInput, Untrusted
from suwen.records.files.segments import (
    HEADER_BYTES,
    SEGMENT_BYTES,
    SegmentReader,
    open_stream,
    seal_stream,
)

KEY, FILE_ID = bytes(range(32)), bytes(range(32, 64))
SEALED_SEGMENT = SEGMENT_BYTES + 16
SIZES = [0, 1, 15, 16, 17, SEGMENT_BYTES - 1, SEGMENT_BYTES, SEGMENT_BYTES + 1, 2 * SEGMENT_BYTES, 200_000]


class Dribble:
    """A source that gives less than it is asked for, as a socket does, and has no ``readinto``."""

    def __init__(self, data: bytes, most: int) -> None:
        self._file, self._most = io.BytesIO(data), most

    def read(self, size: int, /) -> bytes:
        return self._file.read(min(size, self._most))


def content(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def sealed(data: bytes, file_id: bytes = FILE_ID, key: bytes = KEY) -> bytes:
    sink = io.BytesIO()
    assert seal_stream(key, io.BytesIO(data), sink, file_id=file_id) == len(data)
    return sink.getvalue()


def opened(blob: bytes, file_id: bytes = FILE_ID, key: bytes = KEY) -> bytes:
    sink = io.BytesIO()
    assert open_stream(key, io.BytesIO(blob), sink, file_id=file_id) == len(sink.getvalue())
    return sink.getvalue()


def refused(blob: bytes, file_id: bytes = FILE_ID, key: bytes = KEY) -> None:
    """By the stream, and by the reader: at once, or when all of it is read."""
    with pytest.raises(Untrusted) as caught:
        opened(blob, file_id, key)
    assert caught.value.code == "undecryptable"
    with pytest.raises(Untrusted):
        SegmentReader(key, io.BytesIO(blob), file_id=file_id).read()


THREE = sealed(content(3 * SEGMENT_BYTES + 100))
"""Three full segments and a short one."""


def pieces(blob: bytes) -> tuple[bytes, list[bytes]]:
    rest = blob[HEADER_BYTES:]
    return blob[:HEADER_BYTES], [rest[at : at + SEALED_SEGMENT] for at in range(0, len(rest), SEALED_SEGMENT)]


@pytest.mark.parametrize("size", SIZES)
def test_round_trip(size: int) -> None:
    data = content(size)
    blob = sealed(data)
    segments = max(1, -(-size // SEGMENT_BYTES))
    assert len(blob) == HEADER_BYTES + size + 16 * segments
    assert opened(blob) == data
    with SegmentReader(KEY, io.BytesIO(blob), file_id=FILE_ID) as reader:
        assert reader.size == size
        assert reader.read() == b"".join(reader) == data


@pytest.mark.parametrize("most", [1000, SEGMENT_BYTES - 1, SEGMENT_BYTES + 1])
def test_a_source_that_dribbles(most: int) -> None:
    data = content(150_000)
    sink, plain = io.BytesIO(), io.BytesIO()
    seal_stream(KEY, Dribble(data, most), sink, file_id=FILE_ID)
    assert sink.getvalue() == sealed(data)
    open_stream(KEY, Dribble(sink.getvalue(), most), plain, file_id=FILE_ID)
    assert plain.getvalue() == data


@given(offset=st.integers(0, 220_000), length=st.none() | st.integers(0, 220_000))
def test_any_part(offset: int, length: int | None) -> None:
    data = content(200_000)
    reader = SegmentReader(KEY, io.BytesIO(sealed(data)), file_id=FILE_ID)
    end = len(data) if length is None else offset + length
    assert reader.read(offset, length) == data[offset:end]


@pytest.mark.parametrize(("offset", "length"), [(-1, None), (0, -1)])
def test_ranges_that_cannot_be(offset: int, length: int | None) -> None:
    with pytest.raises(BadInput) as caught:
        SegmentReader(KEY, io.BytesIO(THREE), file_id=FILE_ID).read(offset, length)
    assert caught.value.code == "bad-range"


@settings(deadline=None)
@given(st.integers(0, len(THREE) * 8 - 1))
def test_any_flipped_bit_is_refused(bit: int) -> None:
    changed = bytearray(THREE)
    changed[bit // 8] ^= 1 << bit % 8
    refused(bytes(changed))


@settings(deadline=None)
@given(st.integers(0, len(THREE) - 1))
def test_any_cut_is_refused(length: int) -> None:
    refused(THREE[:length])


@pytest.mark.parametrize("size", [0, 100, SEGMENT_BYTES, 2 * SEGMENT_BYTES])
def test_a_cut_between_segments_or_an_addition_is_refused(size: int) -> None:
    blob = sealed(content(size))
    header, parts = pieces(blob)
    for count in range(len(parts)):
        refused(header + b"".join(parts[:count]))
    for more in (b"\0", bytes(15), bytes(16), bytes(17), parts[-1]):
        refused(blob + more)


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), max_size=6))
def test_any_other_order_is_refused(order: list[int]) -> None:
    header, parts = pieces(THREE)
    if order != [0, 1, 2, 3]:
        refused(header + b"".join(parts[n] for n in order))


def test_a_range_of_a_cut_file_is_refused_even_where_it_is_whole() -> None:
    header, parts = pieces(THREE)
    for blob in (header + b"".join(parts[:3]), THREE[:-1], header + b"".join(parts[:2]) + parts[3]):
        with pytest.raises(Untrusted):
            SegmentReader(KEY, io.BytesIO(blob), file_id=FILE_ID)


def test_segments_of_another_file_are_refused() -> None:
    header, parts = pieces(THREE)
    _, others = pieces(sealed(content(3 * SEGMENT_BYTES + 100), file_id=bytes(32)))
    for at in range(4):
        refused(header + b"".join([*parts[:at], others[at], *parts[at + 1 :]]))


def test_another_id_or_key_is_refused() -> None:
    refused(THREE, file_id=bytes(32))
    refused(THREE, key=bytes(32))
    with_other_header = THREE[: HEADER_BYTES - 32] + bytes(32) + THREE[HEADER_BYTES:]
    refused(with_other_header, file_id=bytes(32))


def test_equal_files_differ_under_other_ids() -> None:
    one, other = sealed(bytes(100)), sealed(bytes(100), file_id=bytes(32))
    assert one[HEADER_BYTES:] != other[HEADER_BYTES:]
    assert bytes(20) not in one


@pytest.mark.parametrize(("key", "file_id"), [(bytes(16), FILE_ID), (KEY, bytes(16))])
def test_lengths_are_checked(key: bytes, file_id: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        seal_stream(key, io.BytesIO(), io.BytesIO(), file_id=file_id)
