"""What the record knows of one patient, as a task reads it: Observations, age and sex; every look is audited."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from suwen.core.errors import NotFound
from suwen.core.variables import Variable
from suwen.formats.signals.fhir_observations import LOINC, SNOMED, Reading, assemble, moment, readings
from suwen.formats.signals.observations import Observations

if TYPE_CHECKING:
    from suwen.records.record import Record

PAGE = "1000"
STAYS = frozenset({"IMP", "ACUTE", "NONAC", "EMER", "OBSENC", "SS"})
"""Classes of Encounter (HL7 v3 ActCode) in which a patient stays and is watched."""
YEAR_DAYS = 365.25


@dataclass(frozen=True, kw_only=True)
class PatientData:
    """One patient as a task sees them.

    Attributes
    ----------
    patient
        Logical id.
    observations
        What was observed, hour 0 at ``observations.start``.
    readings
        The same one by one, each with the resource it came from.
    sex, age_years
        As the Patient resource says; ``None`` where it does not.
    """

    patient: str
    observations: Observations
    readings: tuple[Reading, ...]
    sex: str | None
    age_years: float | None

    @property
    def references(self) -> tuple[str, ...]:
        """``Observation/ID`` of everything used, in order of time, each once."""
        return tuple(dict.fromkeys(one.reference for one in self.readings))

    @property
    def latest_references(self) -> tuple[str, ...]:
        """``Observation/ID`` of the latest value of each variable."""
        latest = {one.variable: one.reference for one in self.readings}
        return tuple(dict.fromkeys(latest[place] for place in sorted(latest)))


def observations_of(
    record: Record, patient: str, variables: Sequence[Variable], *, actor: str, since: datetime | None = None
) -> Observations:
    """Observations of one patient for these variables; see :func:`data_of`."""
    return data_of(record, patient, variables, actor=actor, since=since).observations


def data_of(
    record: Record,
    patient: str,
    variables: Sequence[Variable],
    *,
    actor: str,
    since: datetime | None = None,
    until: datetime | None = None,
    now: datetime | None = None,
    coarse: bool = False,
    descriptors: Sequence[Variable] = (),
) -> PatientData:
    """Everything the record holds of one patient that these variables read.

    Parameters
    ----------
    record
        An open record; what is read is in its ledger before this returns.
    patient
        Logical id.
    variables
        What the task reads.
    actor
        Who looks.
    since
        Hour 0, and the earliest time that counts; the first observation where not said.
    until
        Up to when the stay is known; later observations are left out.
    now
        The present; later observations are counted as ``future``.
    coarse
        Whether a date without a time of day will do.
    descriptors
        What does not change during a stay, beside age and sex: its first value in the stay, or the latest from
        before it.

    Raises
    ------
    NotFound
        ``unknown-patient`` where the record has no such patient.
    """
    person = _patient(record, patient, actor)
    dropped: Counter[str] = Counter()
    moment_now = now or datetime.now(UTC)
    found = readings(
        resources_of(record, variables, actor=actor, patient=patient, since=since),
        variables,
        now=moment_now,
        dropped=dropped,
        coarse=coarse,
    )
    kept = [one for one in found if (since is None or one.at >= since) and (until is None or one.at <= until)]
    born, end = _born(person), (kept[-1].at if kept else moment_now)
    age = (end - born).days / YEAR_DAYS if born else None
    sex = person.get("gender")
    static = _described(record, patient, descriptors, actor, since, moment_now) | {
        "Age": float("nan") if age is None else float(int(age)),
        "Gender": {"male": 1.0, "female": 0.0}.get(str(sex), float("nan")),
    }
    return PatientData(
        patient=patient,
        observations=assemble(
            kept,
            variables,
            start=since,
            until=until,
            static=static,
            dropped={k: n for k, n in dropped.items() if n},
        ),
        readings=tuple(kept),
        sex=str(sex) if sex else None,
        age_years=age,
    )


def _described(
    record: Record,
    patient: str,
    descriptors: Sequence[Variable],
    actor: str,
    since: datetime | None,
    now: datetime,
) -> dict[str, float]:
    """Values of descriptors that the record codes; NaN where it has none."""
    static = {one.name: float("nan") for one in descriptors}
    coded = [one for one in descriptors if (one.loinc or one.snomed) and one.name not in {"Age", "Gender"}]
    if not coded:
        return static
    found = readings(
        resources_of(record, coded, actor=actor, patient=patient),
        coded,
        now=now,
        dropped=Counter(),
        coarse=True,
    )
    for place, variable in enumerate(coded):
        mine = [one for one in found if one.variable == place]
        before = [one for one in mine if since is not None and one.at < since]
        stay = [one for one in mine if since is None or one.at >= since]
        chosen = stay[0] if stay else before[-1] if before else None
        if chosen is not None:
            static[variable.name] = chosen.value
    return static


def resources_of(
    record: Record,
    variables: Sequence[Variable],
    *,
    actor: str,
    patient: str | None = None,
    since: datetime | None = None,
    updated: str | None = None,
) -> Iterator[dict[str, Any]]:
    """Observations that carry any of these variables.

    Parameters
    ----------
    patient
        Only of this one; of everybody where not said.
    since
        Only those made from then on.
    updated
        Only those stored or changed from this instant on.
    """
    query = [("combo-code", ",".join(_codes(variables))), ("_count", PAGE)]
    if patient is not None:
        query.append(("patient", patient))
    if since is not None:
        query.append(("date", f"ge{since.isoformat()}"))
    if updated is not None:
        query.append(("_lastUpdated", f"ge{updated}"))
    return _search(record, "Observation", query, actor)


def admitted(record: Record, patient: str, *, actor: str) -> datetime | None:
    """When the patient's latest stay began: hour 0 of a task about a stay; ``None`` where there was none."""
    starts = []
    for encounter in _search(record, "Encounter", [("patient", patient), ("_count", PAGE)], actor):
        stays = (encounter.get("class") or {}).get("code") in STAYS
        began = (encounter.get("period") or {}).get("start")
        at = moment({"effectiveDateTime": began}) if stays and began else None
        if at is not None and encounter.get("status") not in {"entered-in-error", "cancelled", "planned"}:
            starts.append(at)
    return max(starts, default=None)


def latest_assessment(record: Record, patient: str, task: str, *, actor: str) -> datetime | None:
    """When the newest RiskAssessment of a task in the record is about; ``None`` where there is none."""
    query = [("patient", patient), ("_sort", "-date"), ("_count", PAGE)]
    for found in _search(record, "RiskAssessment", query, actor):
        method = str((found.get("method") or {}).get("text", ""))
        if method.partition("@")[0] == task:
            return moment({"effectiveDateTime": found.get("occurrenceDateTime")})
    return None


def _codes(variables: Sequence[Variable]) -> Iterator[str]:
    for variable in variables:
        yield from (f"{LOINC}|{code}" for code in variable.loinc)
        yield from (f"{SNOMED}|{code}" for code in variable.snomed)


def _patient(record: Record, patient: str, actor: str) -> dict[str, Any]:
    import orjson

    from suwen.records.interactions.messages import Request

    try:
        body = record.perform(Request(method="GET", path=f"Patient/{patient}", actor=actor)).body
    except NotFound:
        raise NotFound(
            "the record has no such patient",
            fix="Check the patient's id, or import the patient first",
            code="unknown-patient",
        ) from None
    person: dict[str, Any] = orjson.loads(body)
    return person


def _search(record: Record, kind: str, query: list[tuple[str, str]], actor: str) -> Iterator[dict[str, Any]]:
    """Every match of a search, page by page."""
    import orjson

    from suwen.records.interactions.messages import Request

    following: list[tuple[str, str]] | None = query
    while following is not None:
        request = Request(method="GET", path=kind, query=following, actor=actor)
        page = orjson.loads(record.perform(request).body)
        yield from (entry["resource"] for entry in page.get("entry", ()) if "resource" in entry)
        links = {link["relation"]: link["url"] for link in page.get("link", ())}
        following = parse_qsl(links["next"].partition("?")[2]) if "next" in links else None


def _born(person: dict[str, Any]) -> datetime | None:
    """Birth, at the middle of what a partial date leaves open."""
    text = str(person.get("birthDate") or "")
    try:
        return datetime.fromisoformat(text + {4: "-07-02", 7: "-15"}.get(len(text), "")).replace(tzinfo=UTC)
    except ValueError:
        return None
