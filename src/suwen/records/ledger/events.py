"""What the ledger says: one event for every access, as compact JSON with nothing of a patient in clear."""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, NamedTuple

import orjson

from suwen.core.errors import BadInput, Untrusted

DATA_ACTIONS = frozenset(
    {"create", "update", "patch", "delete", "read", "vread", "history", "search", "everything", "validate"}
    | {"predict", "plan", "view", "export", "import"}
)
"""Actions on resources."""
KEY_ACTIONS = frozenset({"key-create", "key-rotate", "key-retire", "erase"})
"""Actions on keys: their ``seq`` numbers a data key, not a write."""
ACTIONS = DATA_ACTIONS | KEY_ACTIONS | {"login", "anchor", "head", "verify"}
OUTCOMES = frozenset({"ok", "refused", "failed"})


class Event(NamedTuple):
    """One thing that happened, as it becomes a leaf.

    Parameters
    ----------
    action
        One of `ACTIONS`.
    at_us
        When, in microseconds since 1970, UTC. Of a write: the version's ``updated``.
    actor
        Who: an account or a program. Never a patient's name.
    ref
        The resource, as its keyed hash (``resource.ref``); 0 for none. Of ``erase``: the patient.
    seq
        Of a write, whatever its action: the row of ``version`` it made. Of `KEY_ACTIONS`: the ``owner`` of
        the data key; every ``erase`` must name the one it destroyed.
    version
        Of a write or a read: which version of the resource.
    digest
        Of a write: SHA-256 of the stored ciphertext; empty for a deletion. Of ``anchor``: of the receipt. Of
        ``plan``: head of the plan's chain.
    subjects
        Keyed hashes of the patients whose data were touched, where they are not ``ref`` itself.
    count
        How many resources were given out, written or destroyed.
    outcome
        ``ok``, ``refused`` or ``failed``.
    note
        A few words without patient data: a model's name, an error's code.
    query
        Keyed digest of a search's parameters: equal searches can be told, not read.
    """

    action: str
    at_us: int
    actor: str
    ref: int = 0
    seq: int = 0
    version: int = 0
    digest: bytes = b""
    subjects: tuple[int, ...] = ()
    count: int = 0  # type: ignore[assignment]  # nobody counts values in an event
    outcome: str = "ok"
    note: str = ""
    query: bytes = b""

    @property
    def wrote(self) -> int:
        """The row of ``version`` this event made; 0 when it made none."""
        return 0 if self.action in KEY_ACTIONS else self.seq


def encode(event: Event) -> bytes:
    """Canonical bytes of an event: fields in a fixed order, defaults left out, ASCII only.

    Raises
    ------
    BadInput
        When the action or the outcome is not a known one (code ``unknown-event``).
    """
    action, at_us, actor, ref, seq, version, digest, subjects, count, outcome, note, query = event
    if action not in ACTIONS or outcome not in OUTCOMES:
        raise BadInput("the ledger knows no such action or outcome", where=action, code="unknown-event")
    text = f'{{"action":"{action}","at_us":{at_us:d},"actor":{_quoted(actor)}'
    if ref:
        text += f',"ref":{ref:d}'
    if seq:
        text += f',"seq":{seq:d}'
    if version:
        text += f',"version":{version:d}'
    if digest:
        text += f',"digest":"{b2a_base64(digest, newline=False).decode()}"'
    if subjects:
        text += f',"subjects":[{",".join(map(str, subjects))}]'
    if count:
        text += f',"count":{count:d}'
    if outcome != "ok":
        text += f',"outcome":"{outcome}"'
    if note:
        text += f',"note":{_quoted(note)}'
    if query:
        text += f',"query":"{b2a_base64(query, newline=False).decode()}"'
    return (text + "}").encode("ascii")


def _quoted(text: str) -> str:
    """A JSON string; what UTF-8 cannot say (half a surrogate pair) becomes a question mark."""
    return quoted(text if text.isascii() else text.encode("utf-8", "replace").decode())


def decode(entry: bytes) -> Event:
    """Return the event whose bytes these are.

    Raises
    ------
    Untrusted
        When they are not those of an event (code ``bad-event``).
    """
    try:
        fields: dict[str, Any] = orjson.loads(entry)
        for name, value in fields.items():
            if type(value) is not _TYPES[name]:
                raise TypeError
        if "digest" in fields:
            fields["digest"] = a2b_base64(fields["digest"], strict_mode=True)
        if "query" in fields:
            fields["query"] = a2b_base64(fields["query"], strict_mode=True)
        if "subjects" in fields:
            fields["subjects"] = tuple(fields["subjects"])
            if any(type(one) is not int for one in fields["subjects"]):
                raise TypeError
        return Event(**fields)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Untrusted("an entry of the ledger is not an event", code="bad-event") from None


_TYPES: dict[str, type] = {
    **dict.fromkeys(("action", "actor", "digest", "outcome", "note", "query"), str),
    **dict.fromkeys(("at_us", "ref", "seq", "version", "count"), int),
    "subjects": list,
}
"""What each field is in JSON."""
