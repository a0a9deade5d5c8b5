"""Patients of the record, followed: what was stored or changed since the last look moves their risk.

Each look that finds something new stores one RiskAssessment with its Provenance, in one transaction with the
ledger's entry.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from suwen.core.errors import SuwenError
from suwen.core.prediction import Prediction, Scores
from suwen.core.sample import Sample
from suwen.core.variables import Variable
from suwen.formats.risk_assessment import risk_assessment
from suwen.formats.signals.fhir_observations import hours_since
from suwen.formats.signals.observations import Observations
from suwen.lifecycle.live import Live, Moment
from suwen.lifecycle.models import Loaded
from suwen.lifecycle.patient_data import PatientData, admitted, data_of, latest_assessment, resources_of
from suwen.lifecycle.predict import predict_samples
from suwen.lifecycle.write_back import write_back

if TYPE_CHECKING:
    from suwen.records.record import Record


FRESH_H = 24.0
"""Hours after which an alarm that nobody was told of is history, when a patient is followed for the first time."""


@dataclass(frozen=True, kw_only=True)
class Followed:
    """What one look at a patient found.

    Attributes
    ----------
    patient
        Logical id.
    data
        Everything of the patient that the task reads, as of now.
    prediction
        The batch answer over it, the one that is stored.
    moments
        Times that are new, or all of them after a replay.
    replayed
        Whether something came late, was corrected or withdrawn.
    gap
        Largest difference between the streamed and the batch risk; ``None`` where they are not alike.
    fhir
        The stored bundle.
    stored
        What went into the record, as ``Type/id/_history/version``.
    """

    patient: str
    data: PatientData
    prediction: Prediction
    moments: tuple[Moment, ...]
    replayed: bool
    gap: float | None
    fhir: dict[str, Any]
    stored: tuple[str, ...]

    @property
    def alarms(self) -> tuple[Moment, ...]:
        """Alarms that are heard now."""
        return tuple(moment for moment in self.moments if moment.heard)


class Follower:
    """Keeps the risks of patients up to date with the record.

    Parameters
    ----------
    loaded
        The model in service.
    record
        An open record.
    actor
        Who asks, for the ledger.
    keep
        Whether results are stored in the record.
    """

    def __init__(self, loaded: Loaded, record: Record, *, actor: str, keep: bool = True) -> None:
        self.loaded, self.record, self.actor, self.keep = loaded, record, actor, keep
        self.live = Live.of(loaded)
        self.variables: tuple[Variable, ...] = getattr(loaded.task, "variables", ())
        self.mark: str | None = None
        self._fed: dict[str, Observations] = {}
        self._turn = threading.Lock()

    def follow(
        self,
        patient: str,
        *,
        since: datetime | None = None,
        now: datetime | None = None,
        anew: bool = True,
    ) -> Followed | None:
        """Bring one patient's risk up to date.

        Parameters
        ----------
        patient
            Logical id.
        since
            Hour 0; by default when the latest stay began, else the first observation.
        now
            The present; what is later has not happened.
        anew
            Whether the first look answers even where the record holds an assessment of this very moment.

        Returns
        -------
        Followed or None
            ``None`` where nothing is new since the last look.

        Raises
        ------
        NotFound
            ``unknown-patient``.
        """
        with self._turn:
            present = now or datetime.now(UTC)
            start = since or admitted(self.record, patient, actor=self.actor)
            data = data_of(
                self.record,
                patient,
                self.variables,
                actor=self.actor,
                since=start,
                now=present,
                descriptors=getattr(self.loaded.task, "descriptors", ()),
            )
            return self._take_in(patient, data, present, anew=anew)

    def once(self, *, now: datetime | None = None) -> list[Followed]:
        """Everybody of whom something was stored or changed since the last look; the first look takes all."""
        changed: dict[str, None] = {}
        newest = self.mark
        for resource in resources_of(self.record, self.variables, actor=self.actor, updated=self.mark):
            reference = str((resource.get("subject") or {}).get("reference", ""))
            if reference.startswith("Patient/"):
                changed[reference.removeprefix("Patient/")] = None
            stamp = str((resource.get("meta") or {}).get("lastUpdated", ""))
            newest = max(newest or "", stamp) or None
        self.mark = newest
        found = []
        for patient in changed:
            try:
                followed = self.follow(patient, now=now, anew=False)
            except SuwenError:
                continue  # a patient who was erased or never stored; the others go on
            if followed is not None:
                found.append(followed)
        return found

    def run(self, stop: threading.Event, *, every_s: float = 5.0) -> Iterator[Followed]:
        """Look again and again until ``stop`` is set."""
        while not stop.is_set():
            yield from self.once()
            stop.wait(every_s)

    def _take_in(self, patient: str, data: PatientData, present: datetime, *, anew: bool) -> Followed | None:
        seen, fed = data.observations, self._fed.get(patient)
        if fed is not None and len(fed) == len(seen) and _same(fed, seen):
            return None
        late = fed is not None and not _same(fed, seen)
        if fed is None:
            told = self._told(patient, data)
            known = max(-math.inf if told is None else told, _history(seen, present))
            self.live.begin(patient, seen.static, told_until=known)
            moments = self.live.arrive(patient, seen)
            if not anew and told is not None and moments and told >= moments[-1].hour:
                self._fed[patient] = seen
                return None
        elif late:
            moments = self.live.replay(patient, seen)
        else:
            moments = self.live.arrive(patient, _tail(seen, len(fed)))
        self._fed[patient] = seen
        return self._answer(patient, data, moments, replayed=late)

    def _answer(
        self, patient: str, data: PatientData, moments: tuple[Moment, ...], *, replayed: bool
    ) -> Followed:
        task = self.loaded.task
        sample = Sample(subject_id=patient, inputs={task.inputs[0].name: data.observations})
        (prediction,) = predict_samples(self.loaded, [sample])
        risk, gap = self.live.risk(patient), None
        if isinstance(prediction.output, Scores) and risk is not None:
            gap = abs(prediction.output.probability - risk)
        bundle = risk_assessment(
            prediction,
            task,
            patient=patient,
            basis=data.latest_references,
            at=data.readings[-1].at if data.readings else None,
            reasons=[said(moment) for moment in moments if moment.heard],
        )
        stored: list[str] = []
        if self.keep:
            document = {"results": [{"fhir": bundle}]}
            stored = write_back(self.record, document, patient, actor=self.actor)
        return Followed(
            patient=patient,
            data=data,
            prediction=prediction,
            moments=moments,
            replayed=replayed,
            gap=gap,
            fhir=bundle,
            stored=tuple(stored),
        )

    def _told(self, patient: str, data: PatientData) -> float | None:
        """Hour of the latest assessment in the record: alarms up to then were heard before this program ran."""
        at = latest_assessment(self.record, patient, self.loaded.task.name, actor=self.actor)
        start = data.observations.start
        if at is None or start is None:
            return None
        return hours_since(at, datetime.fromisoformat(start))


def _history(seen: Observations, present: datetime) -> float:
    """Hour up to which alarms are history."""
    if seen.start is None:
        return -math.inf
    return hours_since(present, datetime.fromisoformat(seen.start)) - FRESH_H


def said(moment: Moment) -> str:
    """An alarm in one sentence."""
    why = "; ".join(moment.reasons)
    return f"alarm at hour {moment.hour:.4g}, risk {moment.risk:.3g}" + (f": {why}" if why else "")


def _same(fed: Observations, seen: Observations) -> bool:
    """Whether what was fed before still is how the stay begins: observations, hour 0 and descriptors."""
    fixed = fed.start == seen.start and repr(sorted(fed.static.items())) == repr(sorted(seen.static.items()))
    return fixed and all(
        np.array_equal(getattr(fed, name), getattr(seen, name)[: len(fed)])
        for name in ("hours", "variable", "values")
    )


def _tail(seen: Observations, start: int) -> Observations:
    """What comes after the first ``start`` observations."""
    return replace(seen, hours=seen.hours[start:], variable=seen.variable[start:], values=seen.values[start:])
