"""Plans in the ledger: the head of each one's chain, and which revision is the latest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from suwen.records.ledger.events import Event, decode

if TYPE_CHECKING:
    from suwen.records.record import Record

_SQL = "SELECT entry FROM leaf WHERE position <= ? AND position > ? ORDER BY position DESC"
_PAGE = 5000
_MARK = b'"action":"plan"'


def enter(
    record: Record, *, plan: str, revision: int, head: bytes, model: str, actor: str, patient: str | None
) -> None:
    """Write a plan into the ledger, and return once it holds it.

    Parameters
    ----------
    record
        Whose ledger.
    plan, revision
        Id of the plan, without any patient data, and number of this version of it.
    head
        SHA-256 of its chain, 32 bytes.
    model
        Which protocol made it.
    actor
        Who asked.
    patient
        Id of the patient it is about, where the record has one.
    """
    ref = 0 if patient is None else record.ref("Patient", patient)
    note = f"{plan}#{revision} {model}"
    record.logged([Event("plan", record.now(), actor, ref=ref, digest=head, note=note)])


def latest(record: Record, plan: str) -> tuple[int, bytes] | None:
    """Highest revision of a plan that the ledger knows and the head of its chain; ``None`` where it knows none."""
    best: tuple[int, bytes] | None = None
    with record.database.reading() as db:
        row = db.row("SELECT MAX(position) FROM leaf")
        at = -1 if row is None or row[0] is None else int(row[0])
        while at >= 0:
            for (entry,) in db.rows(_SQL, (at, at - _PAGE)):
                if _MARK not in bytes(entry):
                    continue
                event = decode(bytes(entry))
                name, _, number = event.note.partition(" ")[0].partition("#")
                if event.action == "plan" and name == plan and number.isdigit():
                    found = (int(number), event.digest)
                    best = found if best is None or found[0] > best[0] else best
            at -= _PAGE
    return best
