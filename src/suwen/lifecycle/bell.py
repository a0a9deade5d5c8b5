"""When an alarm is heard: from its level on, and not again within the refractory time; the same live and in batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Bell:
    """The alarms of one patient.

    An alarm silences those of its own level and below for :attr:`refractory_h`; a graver one is heard at once.

    Attributes
    ----------
    refractory_h
        Hours of silence after an alarm.
    heard
        Hour of the last alarm of each level.
    """

    refractory_h: float
    heard: dict[int, float] = field(default_factory=dict)

    def ring(self, hour: float, level: int) -> bool:
        """Whether an alarm is heard at ``hour``; ``level`` is 0 where none is due."""
        if level < 1:
            return False
        silent = any(hour - when < self.refractory_h for heard, when in self.heard.items() if heard >= level)
        if not silent:
            self.heard[level] = hour
        return not silent


def alarms(hours: Sequence[float], levels: Sequence[int], refractory_h: float) -> tuple[float, ...]:
    """Hours, of these in order of time, at which an alarm is heard.

    Parameters
    ----------
    hours
        When the risk was answered.
    levels
        Level of alarm at each: 0 for none; a model with one threshold knows 0 and 1.
    refractory_h
        Hours of silence after an alarm.
    """
    bell = Bell(refractory_h=refractory_h)
    return tuple(float(hour) for hour, level in zip(hours, levels, strict=True) if bell.ring(hour, level))
