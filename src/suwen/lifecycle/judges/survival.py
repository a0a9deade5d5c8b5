"""The judge of the time to an event: a calibrated curve, a time that nine of ten outlive, and the figures of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from suwen.core.documents import plain
from suwen.core.endpoint import TimeToEvent
from suwen.core.engine import Fitted, Raw, Units
from suwen.core.errors import BadInput
from suwen.core.prediction import Output, Survival
from suwen.core.report import Report
from suwen.core.sample import Sample
from suwen.core.target import Outcome
from suwen.core.task import Task
from suwen.engines.survival.curves import recalibrated, risk, survival, time_of
from suwen.engines.survival.grid import time_grid
from suwen.lifecycle.evaluation.arrays import Bools, Floats
from suwen.lifecycle.evaluation.conformal import ALPHA
from suwen.lifecycle.evaluation.operating_point import parse_rule
from suwen.lifecycle.evaluation.survival_calibration import fit_calibration
from suwen.lifecycle.evaluation.survival_censoring import censoring, kaplan_meier
from suwen.lifecycle.evaluation.survival_conformal import Scored, bound, held_out_coverage
from suwen.lifecycle.evaluation.survival_figures import Curves
from suwen.lifecycle.evaluation.survival_report import Facts, build_report
from suwen.lifecycle.judges import Judged
from suwen.lifecycle.judges.classes import columns

NONE = "none"
"""The rule of the operating point: a curve is answered, nothing is decided."""


class SurvivalJudge:
    """See :class:`suwen.lifecycle.judges.Judge`."""

    def check(self, task: Task, samples: Sequence[Sample]) -> None:
        """Refuse targets without follow-up, and too few events (``not-follow-up``, ``too-few-events``)."""
        outcomes = [sample.target for sample in samples if isinstance(sample.target, Outcome)]
        if len(outcomes) < len(samples):
            raise BadInput(
                "survival is learned from times and events",
                fix="Give each row its time, and whether the event happened",
                code="not-follow-up",
            )
        time_grid(
            np.array([one.time for one in outcomes], np.float64),
            np.array([one.event for one in outcomes], bool),
        )

    def rule(self, text: str) -> None:
        """Refuse what is no rule; no rule is used."""
        if text.strip().lower() != NONE:
            parse_rule(text)

    def decision(self, task: Task, fitted: Fitted, settings: Mapping[str, Any], seed: int) -> dict[str, Any]:
        """Slope and offsets of the hazard, distribution of censoring, and the bound, on held-out subjects."""
        time, event = _follow_up(fitted.units)
        subjects = [sample.subject_id for sample in fitted.samples]
        grid = time_grid(time, event)
        scores = np.asarray(fitted.logits, np.float64)
        if scores.shape != (len(time), len(grid)):
            raise BadInput(
                f"the hazards have the shape {scores.shape} beside {len(time)} subjects, {len(grid)} times"
            )
        calibration = fit_calibration(scores, grid, time, event)
        uncensored = censoring(time, event)
        hazards = recalibrated(scores, calibration)
        found = {
            "calibration": calibration,
            "follow_up": {
                "grid": grid,
                "horizon": float(np.quantile(time[event], 0.5, method="inverted_cdf")),
                "reference": kaplan_meier(time, event).at(grid),
                "censoring": uncensored.document(),
            },
            "operating_point": {"rule": NONE, "threshold": None},
            "conformal": {
                "alpha": ALPHA,
                "quantile": Scored.of(hazards, grid, time, event, uncensored).quantile(),
                "held_out_coverage": held_out_coverage(hazards, grid, time, event, subjects, seed=seed),
            },
            "baselines": {
                name: fit_calibration(np.asarray(one, np.float64), grid, time, event)
                for name, one in fitted.baselines.items()
            },
        }
        document: dict[str, Any] = plain(found)
        return document

    def report(self, task: Task, manifest: Mapping[str, Any], judged: Judged) -> Report:
        """Concordance, error over time, calibration and bounds, everyone beside the model, each recalibrated."""
        time, event = _follow_up(judged.units)
        return build_report(
            task=task,
            split=judged.split,
            facts=Facts.read(manifest["follow_up"]),
            time=time,
            event=event,
            subjects=[sample.subject_id for sample in judged.samples],
            columns=columns(judged.samples),
            curves=Curves.of(
                judged.scores, manifest["calibration"], float(manifest["conformal"]["quantile"])
            ),
            baselines={
                name: Curves.of(one, manifest["baselines"].get(name) or {})
                for name, one in judged.baselines.items()
            },
            warnings=judged.warnings,
            data_fingerprint=judged.data_fingerprint,
            seed=judged.seed,
        )

    def decide(self, task: Task, manifest: Mapping[str, Any], raw: Raw) -> Output:
        """The curve of one subject, its median, and the time that nine of ten like it outlive."""
        facts = Facts.read(manifest["follow_up"])
        hazards = recalibrated(np.atleast_2d(np.asarray(raw.logits, np.float64)), manifest["calibration"])
        median = float(time_of(hazards, facts.grid, float(np.log(2)))[0])
        return Survival(
            event=_endpoint(task).event,
            times=tuple(facts.grid.tolist()),
            probabilities=tuple(survival(hazards)[0].tolist()),
            median=median if np.isfinite(median) else None,
            risk=float(risk(hazards)[0]),
            bounds=float(bound(hazards, facts.grid, float(manifest["conformal"]["quantile"]))[0]),
        )

    def document(self, task: Task, output: Output | None) -> dict[str, Any]:
        """The keys of an answer: ``survival`` with the curve, its median, the bound and the risk."""
        if not isinstance(output, Survival):
            return {}
        lower = output.bounds
        said = f"median time to {output.event} " + (
            f"{output.median:.4g}" if output.median is not None else f"beyond {output.times[-1]:.4g}"
        )
        return {
            "survival": {
                "event": output.event,
                "times": output.times,
                "probabilities": output.probabilities,
                "median": output.median,
                "lower_bound_90": lower,
                "risk": output.risk,
            },
            "said": said
            + (f"; nine of ten outlive {lower:.4g}" if lower is not None else "")
            + f"; probability without it at {output.times[-1]:.4g}: {output.probabilities[-1]:.3f}",
        }


def _endpoint(task: Task) -> TimeToEvent:
    if not isinstance(task.endpoint, TimeToEvent):
        raise BadInput(f"{task.name} does not ask for the time to an event")
    return task.endpoint


def _follow_up(units: Units | None) -> tuple[Floats, Bools]:
    """Times and events of every row.

    Raises
    ------
    BadInput
        ``not-follow-up`` where a row has none.
    """
    target = None if units is None else np.asarray(units.target, np.float64)
    if target is None or target.ndim != 2 or not np.isfinite(target).all():
        raise BadInput("survival is judged on times and events, and a row has none", code="not-follow-up")
    return target[:, 0], target[:, 1] == 1


judge = SurvivalJudge()
