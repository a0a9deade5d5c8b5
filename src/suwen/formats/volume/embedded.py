"""What a NIfTI file says beside its header: names of labels, and what this package itself wrote there."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape

MARK = "suwen.volume"
"""Key of the JSON document that :func:`suwen.formats.volume.write.write_nifti` puts into a comment."""

_LABEL = re.compile(
    rb"<Label\b[^>]*?\bKey=\"(\d{1,9})\"[^>]*>\s*(?:<!\[CDATA\[(.*?)\]\]>|([^<]*))\s*</Label>", re.DOTALL
)


@dataclass(frozen=True, kw_only=True)
class Said:
    """What stands between the header and the values.

    Attributes
    ----------
    names
        Label value to name.
    frame_of_reference
        UID, where it was kept.
    simulated
        Whether the volume is marked as simulated.
    """

    names: Mapping[int, str] = field(default_factory=dict)
    frame_of_reference: str | None = None
    simulated: bool = False


def said_in(extensions: bytes) -> Said:
    """Read the header extensions: ours (JSON), else a Caret label table (XML), else nothing.

    A table that cannot be read is no reason to refuse the volume: names can be given beside it.

    Parameters
    ----------
    extensions
        The bytes from the end of the header to the first value.
    """
    start = extensions.find(b'{"' + MARK.encode())
    if start >= 0:
        return _ours(extensions[start:])
    names = {}
    for key, cdata, plain in _LABEL.findall(extensions):
        name = (cdata.decode("utf-8", "replace") or unescape(plain.decode("utf-8", "replace"))).strip()
        if name and int(key):
            names[int(key)] = name
    return Said(names=names)


def _ours(text: bytes) -> Said:
    try:
        document, _ = json.JSONDecoder().raw_decode(text.decode("utf-8", "replace"))
        said = document[MARK]
        frame = said.get("frame_of_reference")
        return Said(
            names={int(value): str(name) for value, name in said.get("names", {}).items()},
            frame_of_reference=None if frame is None else str(frame),
            simulated=said.get("simulated") is True,
        )
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return Said()
