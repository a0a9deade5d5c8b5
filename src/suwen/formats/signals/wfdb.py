"""WFDB records: header, signals in formats 16, 80 and 212, and MIT annotations; read without the wfdb package.

The package would bring a data-frame library, an audio library and a web client into every installation that predicts.
Three formats and the annotations are what the arrhythmia data bases use. Specification: WFDB Applications Guide,
header(5), signal(5) and annot(5), https://physionet.org/physiotools/wag/.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import BadInput, Unreadable
from suwen.formats.signals.text import decoded

DEFAULT_GAIN = 200.0
"""Units of the converter per millivolt where the header gives none (header(5))."""
DEFAULT_FS_HZ = 250.0
_INVALID = {"16": -(2**15), "80": -(2**7), "212": -(2**11)}
_SIGNAL = re.compile(r"(?P<format>\d+)(?:x(?P<spf>\d+))?(?::(?P<skew>\d+))?(?:\+(?P<offset>\d+))?")
_GAIN = re.compile(r"(?P<gain>[\d.eE+-]+)(?:\((?P<baseline>-?\d+)\))?(?:/(?P<units>\S+))?")
_SKIP, _NUM, _SUB, _CHN, _AUX = 59, 60, 61, 62, 63

SYMBOLS = dict(
    zip(
        (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 25, 30, 34, 35, 38, 41),
        ("N", "L", "R", "a", "V", "F", "J", "A", "S", "E", "j", "/", "Q", "B", "?", "e", "n", "f", "r"),
        strict=True,
    )
)
"""Annotation codes that mean a beat, as ecgcodes.h has them."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Record:
    """A record in physical units.

    Attributes
    ----------
    name
        Of the record.
    fs_hz
        Samples per second.
    signals
        Array (samples, leads), float32, in ``units``; NaN where the converter gave nothing.
    leads, units
        One per signal.
    """

    name: str
    fs_hz: float
    signals: NDArray[np.float32]
    leads: tuple[str, ...]
    units: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Signal:
    file: str
    format: str
    offset: int
    gain: float
    baseline: int
    units: str
    checksum: int | None
    lead: str


def read_record(header: bytes, files: Mapping[str, bytes]) -> Record:
    """A record from its header and the files that the header names.

    Parameters
    ----------
    header
        Content of the ``.hea``.
    files
        Names of the files beside it, to their content.

    Raises
    ------
    Unreadable
        ``bad-header``, or ``truncated`` for signals that are cut short or fail their checksum.
    BadInput
        ``unsupported-format``, ``missing-file``.
    """
    name, fs_hz, samples, signals = _header(header)
    columns: list[NDArray[np.float32]] = []
    for file in dict.fromkeys(signal.file for signal in signals):
        group = [signal for signal in signals if signal.file == file]
        if file not in files:
            raise BadInput(
                "a signal file that the header names is not there",
                fix="Put it beside the .hea",
                code="missing-file",
            )
        raw = _samples(files[file], group, samples)
        for at, signal in enumerate(group):
            values = raw[:, at]
            # A checksum is the sum of all samples in 16 bits.
            if signal.checksum is not None and (int(values.sum()) - signal.checksum) % 65_536:
                raise _cut()
            physical = (values - signal.baseline) / signal.gain
            columns.append(np.where(values == _INVALID[signal.format], np.nan, physical).astype(np.float32))
    if len({len(column) for column in columns}) != 1:
        raise _cut()
    return Record(
        name=name,
        fs_hz=fs_hz,
        signals=np.stack(columns, axis=1),
        leads=tuple(signal.lead for signal in signals),
        units=tuple(signal.units for signal in signals),
    )


def signal_files(header: bytes) -> tuple[str, ...]:
    """Names of the files that a header says its signals are in.

    Raises
    ------
    BadInput, Unreadable
        As :func:`read_record`.
    """
    return tuple(dict.fromkeys(signal.file for signal in _header(header)[3]))


def _header(data: bytes) -> tuple[str, float, int | None, list[_Signal]]:
    lines = [line.strip() for line in decoded(data).splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    try:
        first = lines[0].split()
        if "/" in first[0]:
            raise BadInput(
                "the record has several segments", fix="Give one segment", code="unsupported-format"
            )
        count = int(first[1])
        fs_hz = float(re.split(r"[/(]", first[2])[0]) if len(first) > 2 else DEFAULT_FS_HZ
        samples = int(first[3]) if len(first) > 3 else 0
        signals = [_signal(line) for line in lines[1 : count + 1]]
    except (IndexError, ValueError):
        raise _bad_header() from None
    if count < 1 or len(signals) != count or not math.isfinite(fs_hz) or fs_hz <= 0 or samples < 0:
        raise _bad_header()
    return first[0], fs_hz, samples or None, signals


def _signal(line: str) -> _Signal:
    fields = line.split(None, 8)
    match = _SIGNAL.fullmatch(fields[1])
    if match is None:
        raise ValueError
    if match["format"] not in _INVALID or (match["spf"] or "1") != "1" or (match["skew"] or "0") != "0":
        raise BadInput(
            f"signals of format {fields[1]} are not read",
            fix="Convert the record to format 16 or 212",
            code="unsupported-format",
        )
    if "/" in fields[0] or "\\" in fields[0]:
        raise BadInput("the header names a file elsewhere", fix="Put it beside the .hea", code="missing-file")
    zero = int(fields[4]) if len(fields) > 4 else 0
    gain = _GAIN.fullmatch(fields[2]) if len(fields) > 2 else None
    value = float(gain["gain"]) if gain else 0.0
    return _Signal(
        file=fields[0],
        format=match["format"],
        offset=int(match["offset"] or 0),
        gain=value if value else DEFAULT_GAIN,
        baseline=int(gain["baseline"]) if gain and gain["baseline"] else zero,
        units=(gain["units"] if gain else None) or "mV",
        checksum=int(fields[6]) if len(fields) > 6 else None,
        lead=fields[8] if len(fields) > 8 else "",
    )


def _samples(data: bytes, group: list[_Signal], samples: int | None) -> NDArray[np.int64]:
    """Array (samples, leads) of converter units."""
    body = np.frombuffer(data, np.uint8)[group[0].offset :]
    kind, width = group[0].format, len(group)
    if any(signal.format != kind for signal in group):
        raise BadInput("one file mixes formats", fix="Convert the record", code="unsupported-format")
    if kind == "16":
        flat = body[: len(body) // 2 * 2].view("<i2").astype(np.int64)
    elif kind == "80":
        flat = body.astype(np.int64) - 128
    else:
        flat = _twelve_bits(body)
    if samples is None:
        samples = len(flat) // width
    if len(flat) < samples * width or not samples:
        raise _cut()
    return flat[: samples * width].reshape(samples, width)


def _twelve_bits(body: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Format 212: two samples of 12 bits, two's complement, in three bytes."""
    padded = np.concatenate([body, np.zeros(-len(body) % 3, np.uint8)]).reshape(-1, 3).astype(np.int64)
    first = padded[:, 0] | (padded[:, 1] & 0x0F) << 8
    second = padded[:, 2] | (padded[:, 1] & 0xF0) << 4
    both = np.stack([first, second], axis=1).ravel()
    both = np.where(both > 2047, both - 4096, both)
    return both[: len(body) * 2 // 3]


def read_beats(data: bytes) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Sample numbers and symbols of the beats in an annotation file; rhythm changes and the like are left out.

    Raises
    ------
    Unreadable
        ``truncated``.
    """
    words = np.frombuffer(data[: len(data) // 2 * 2], "<u2").astype(np.int64).tolist()
    at, now = 0, 0
    places: list[int] = []
    symbols: list[str] = []
    while True:
        if at >= len(words):
            raise _cut()  # every file ends with a zero
        code, interval = words[at] >> 10, words[at] & 0x3FF
        at += 1
        if code == 0 and interval == 0:
            break
        if code == _SKIP:
            if at + 1 >= len(words):
                raise _cut()
            jump = words[at] << 16 | words[at + 1]
            now += jump - (1 << 32) if jump >= 1 << 31 else jump
            at += 2
        elif code == _AUX:
            at += (interval + 1) // 2
        elif code not in {_NUM, _SUB, _CHN}:
            now += interval
            if code in SYMBOLS:
                places.append(now)
                symbols.append(SYMBOLS[code])
    return np.array(places, np.int64), tuple(symbols)


def _bad_header() -> Unreadable:
    return Unreadable("the header cannot be read", fix="Give a WFDB header (.hea)", code="bad-header")


def _cut() -> Unreadable:
    return Unreadable(
        "the record is damaged or cut short", fix="Fetch the whole file again", code="truncated"
    )
