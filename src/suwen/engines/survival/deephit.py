"""DeepHit: a distribution over intervals of time, without proportional hazards (Lee et al., AAAI 2018).

The loss is the likelihood of the interval in which the event fell (or of what lies behind censoring) and a ranking
loss over pairs of an event and a subject still at risk then: ``exp((F_j(t_i) - F_i(t_i)) / sigma)``, equations 4 to 6
of the paper with a single cause. Several networks learn side by side and their distributions are averaged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.engine import Progress, Units
from suwen.core.sample import Sample
from suwen.engines.linear.table import Table, TableOf, rows
from suwen.engines.onnx.session import open_session
from suwen.engines.survival.encoding import Encoding
from suwen.engines.survival.files import load, save
from suwen.engines.survival.follow_up import FollowUp, chosen, follow_up
from suwen.engines.survival.grid import time_grid

if TYPE_CHECKING:
    from suwen.engines.panel.task import PanelTask
    from suwen.engines.survival.network import Networks

Floats = NDArray[np.float64]
GRAPH = "networks.onnx"
LEAST_SURVIVAL = 1e-4
"""Survival is kept above this where its logarithm is taken."""


@dataclass(frozen=True, kw_only=True)
class DeepHitLearner:
    """Multilayer perceptrons for the interval in which the event falls.

    Attributes
    ----------
    table
        Samples to rows.
    intervals
        Of equally many events.
    ranking
        Weight of the ranking loss beside the likelihood; more of it, or a smaller ``sigma``, ranked and calibrated
        worse on all four of DeepSurv's studies.
    sigma
        Of the ranking loss: differences of probability that matter.
    members, width, depth, dropout, weight_decay, learning_rate
        As in :class:`suwen.engines.survival.deepsurv.DeepSurvLearner`.
    epochs
        Passes over all rows.
    batch
        Rows of a step.
    """

    table: TableOf = rows
    name: str = "deephit"
    family: str = "survival"
    packages: tuple[str, ...] = ("torch", "onnx")
    intervals: int = 15
    ranking: float = 0.05
    sigma: float = 1.0
    members: int = 6
    width: int = 32
    depth: int = 2
    dropout: float = 0.4
    weight_decay: float = 0.1
    learning_rate: float = 0.01
    epochs: int = 40
    batch: int = 256

    def design(self, task: PanelTask, samples: Sequence[Sample]) -> Table:
        """The samples' rows."""
        return Table(*self.table(samples))

    def fit(
        self,
        task: PanelTask,
        design: Table,
        units: Units,
        folder: Path,
        *,
        settings: Mapping[str, Any],
        context: Mapping[str, Any],
        seed: int,
        progress: Progress,
    ) -> None:
        """Train the networks and write their graph and the ends of the intervals."""
        from suwen.engines.survival.network import export

        data = follow_up(design, units)
        encoding = Encoding.fit(data.x, splines=False)
        terms = encoding.of(data.x)
        ends = time_grid(data.time, data.event, self.intervals)
        export(self._train(terms, data, ends, settings, seed), folder / GRAPH)
        facts = {"columns": list(design.names), "members": self.members}
        save(folder, facts, {"ends": ends, **encoding.arrays()})
        progress(f"{self.name}: {self.members} networks, {len(ends)} intervals")

    def _train(
        self, terms: Floats, data: FollowUp, ends: Floats, settings: Mapping[str, Any], seed: int
    ) -> Networks:
        import torch

        from suwen.engines.survival.network import Networks

        n, count = len(data), len(ends)
        width = int(settings.get("width") or self.width)
        epochs = int(settings.get("epochs") or self.epochs)
        torch.manual_seed(seed)
        torch.set_num_threads(int(settings.get("threads") or 1))
        # One answer more than there are intervals: the event is later than all of them, or never.
        sizes = (terms.shape[1], *[width] * self.depth, count + 1)
        networks = Networks(self.members, sizes, self.dropout, seed)
        size = min(self.batch, n)
        steps = max(1, n // size)
        optimiser, schedule = networks.optimiser(
            learning_rate=float(settings.get("learning_rate") or self.learning_rate),
            weight_decay=self.weight_decay,
            steps=epochs * steps,
        )
        x = torch.from_numpy(terms.astype(np.float32))
        interval = torch.from_numpy(np.searchsorted(ends, data.time, side="left"))
        # Censored within an interval: what is known is that the intervals before it passed.
        event, time = torch.from_numpy(data.event), torch.from_numpy(data.time)
        shuffle = torch.Generator().manual_seed(seed)
        networks.train()
        for _ in range(epochs):
            order = torch.randperm(n, generator=shuffle)
            for start in range(0, steps * size, size):
                at = order[start : start + size]
                loss = self._loss(networks(x[at]), interval[at], event[at], time[at])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
        return networks.eval()

    def _loss(self, answers: Any, interval: Any, event: Any, time: Any) -> Any:
        """Loss of answers (members, b, intervals + 1), summed over members."""
        import torch

        log_p = torch.log_softmax(answers, -1)
        members, b, _ = log_p.shape
        own = interval.expand(members, b)[..., None]
        later = log_p.flip(-1).logcumsumexp(-1).flip(-1)  # of this interval or a later one
        known = torch.where(event, log_p.gather(-1, own)[..., 0], later.gather(-1, own)[..., 0])
        loss = -known.mean(1).sum()
        if self.ranking:
            happened = log_p.exp().cumsum(-1)
            rows = torch.nonzero(event)[:, 0]
            at = interval[rows]
            others = happened.index_select(-1, at)  # (members, b, events): F of each at the event's interval
            mine = happened[:, rows, at]
            pairs = time[:, None] > time[rows][None]
            gap = torch.exp((others - mine[:, None]) / self.sigma)
            loss = loss + self.ranking * ((gap * pairs).sum((1, 2)) / pairs.sum().clamp_min(1)).sum()
        return loss

    def open(self, task: PanelTask, folder: Path, prefix: str, context: Mapping[str, Any]) -> DeepHitMember:
        """Open what :meth:`fit` wrote."""
        facts, arrays = load(folder, prefix)
        return DeepHitMember(
            names=tuple(facts["columns"]),
            encoding=Encoding.from_arrays(arrays),
            ends=arrays["ends"],
            grid=np.asarray(context["grid"], np.float64),
            session=open_session(folder / f"{prefix}{GRAPH}"),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class DeepHitMember:
    """Networks opened for serving.

    Attributes
    ----------
    names
        Columns they learned from.
    encoding
        Rows to terms.
    ends
        Ends of the intervals, (K,).
    grid
        Times of the answer, (G,).
    session
        The graph.
    """

    names: tuple[str, ...]
    encoding: Encoding
    ends: Floats
    grid: Floats
    session: Any

    def scores(self, design: Table) -> Floats:
        """Log cumulative hazard (n, G); within an interval the hazard is constant."""
        if not len(design):
            return np.zeros((0, len(self.grid)))
        terms = self.encoding.of(chosen(design, self.names)).astype(np.float32)
        (answers,) = self.session.run(None, {"terms": terms})
        shifted = np.exp(answers.astype(np.float64) - answers.max(-1, keepdims=True))
        p = (shifted / shifted.sum(-1, keepdims=True)).mean(0)
        later = np.cumsum(p[:, ::-1], axis=1)[:, ::-1][:, 1:]  # survival at the end of each interval
        hazard = -np.log(np.maximum(later, LEAST_SURVIVAL))
        edges = np.concatenate([[0.0], self.ends])
        total = np.concatenate([np.zeros((len(p), 1)), hazard], axis=1)
        cell = np.clip(np.searchsorted(edges, self.grid, side="left") - 1, 0, len(self.ends) - 1)
        share = np.clip((self.grid - edges[cell]) / (edges[cell + 1] - edges[cell]), 0.0, 1.0)
        at = total[:, cell] * (1 - share) + total[:, cell + 1] * share
        out: Floats = np.log(np.maximum(at, LEAST_SURVIVAL))
        return out
