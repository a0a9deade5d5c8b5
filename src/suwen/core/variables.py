"""Clinical variables: name, unit, what is possible, what is usual; units are converted or refused, and said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from suwen.core.errors import BadInput

Bound = float | None


@dataclass(frozen=True, kw_only=True)
class Variable:
    """One quantity that is observed of a patient.

    Attributes
    ----------
    name
        Key in the data, e.g. ``HR``.
    title
        What a clinician calls it.
    unit
        UCUM unit of every stored value.
    plausible
        Lowest and highest value a living patient can have; anything outside is missing, and counted.
    reference
        Usual adult range, for the page a clinician looks at; ``None`` where a side has no bound.
    loinc
        LOINC codes under which a FHIR Observation carries it.
    snomed
        SNOMED CT codes of the same, where it is coded so.
    coded
        Words and codes that a value may arrive as (lower case), to the stored value: ``alert``, ``248234008``.
    convertible
        Other units it may arrive in: unit to ``(factor, offset)`` with ``stored = given * factor + offset``.
    modifiable
        Whether treatment or behaviour can change it, for counterfactual questions.
    """

    name: str
    title: str
    unit: str
    plausible: tuple[float, float]
    reference: tuple[Bound, Bound] = (None, None)
    loinc: tuple[str, ...] = ()
    snomed: tuple[str, ...] = ()
    coded: Mapping[str, float] = field(default_factory=dict)
    convertible: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    modifiable: bool = False

    def convert(self, value: float, unit: str | None) -> float:
        """The value in :attr:`unit`; without a unit it is taken to be in it already.

        Raises
        ------
        BadInput
            ``wrong-unit`` for a unit that this quantity cannot have.
        """
        if unit is None or unit == self.unit:
            return value
        if unit not in self.convertible:
            known = ", ".join([self.unit, *self.convertible])
            raise BadInput(
                f"{self.title} cannot be given in '{unit}'",
                where=self.name,
                fix=f"Known units: {known}",
                code="wrong-unit",
            )
        factor, offset = self.convertible[unit]
        return value * factor + offset

    def decoded(self, word: str) -> float | None:
        """The stored value that a word or code stands for; ``None`` where it stands for none."""
        return self.coded.get(word.strip().lower())

    def possible(self, value: float) -> bool:
        """Whether a living patient can have this value; NaN is not possible."""
        low, high = self.plausible
        return low <= value <= high
