"""DeepSurv: networks under Cox's partial likelihood (Katzman et al., BMC Med. Res. Methodol. 18:24, 2018).

Several networks learn side by side, each from its own three quarters of the patients, and their log hazards are
averaged; the patients that a network has not seen say by how much the average exaggerates.
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
from suwen.engines.survival.baseline import ProportionalMember, log_baseline
from suwen.engines.survival.encoding import Encoding
from suwen.engines.survival.files import load, save
from suwen.engines.survival.follow_up import FollowUp, follow_up
from suwen.engines.survival.risk_sets import RiskSets, best_scale

if TYPE_CHECKING:
    from suwen.engines.panel.task import PanelTask
    from suwen.engines.survival.network import Networks

Floats = NDArray[np.float64]
GRAPH = "networks.onnx"


@dataclass(frozen=True, kw_only=True)
class DeepSurvLearner:
    """Multilayer perceptrons for the log relative hazard.

    Attributes
    ----------
    table
        Samples to rows.
    rho
        See :mod:`suwen.engines.survival.risk_sets`.
    members
        Networks averaged.
    width, depth
        Hidden units of a layer, and hidden layers.
    dropout, weight_decay, learning_rate
        As their names say; the learning rate is the peak of one cycle.
    epochs
        Passes over all rows, each one step.
    share
        Of the patients that a network learns from.
    """

    table: TableOf = rows
    name: str = "deepsurv"
    family: str = "survival"
    packages: tuple[str, ...] = ("torch", "onnx")
    rho: float = 1.0
    members: int = 12
    width: int = 32
    depth: int = 2
    dropout: float = 0.3
    weight_decay: float = 0.1
    learning_rate: float = 0.01
    epochs: int = 100
    share: float = 0.75

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
        """Train the networks, scale their mean by what it is worth on patients unseen, write the graph."""
        from suwen.engines.survival.network import export

        data = follow_up(design, units)
        encoding = Encoding.fit(data.x, splines=False)
        terms = encoding.of(data.x)
        networks, answers, seen = self._train(terms, data, settings, seed)
        unseen = ~seen
        held = unseen.any(0)
        mean = (answers * unseen).sum(0)[held] / unseen.sum(0)[held]
        scale = best_scale([(mean, RiskSets.of(data.time[held], data.event[held]))])
        export(networks, folder / GRAPH)
        baseline = log_baseline(scale * answers.mean(0), data.time, data.event, np.asarray(context["grid"]))
        facts = {"columns": list(design.names), "scale": scale, "rho": self.rho, "members": self.members}
        save(folder, facts, {"baseline": baseline, **encoding.arrays()})
        progress(f"{self.name}: {self.members} networks, {terms.shape[1]} terms, scale {scale:.2f}")

    def _train(
        self, terms: Floats, data: FollowUp, settings: Mapping[str, Any], seed: int
    ) -> tuple[Networks, Floats, NDArray[np.bool_]]:
        """Networks, their answers (members, n), and whom each of them has learned from."""
        import torch

        from suwen.engines.survival.network import Networks

        sets = RiskSets.of(data.time, data.event, self.rho)
        group = data.groups()
        drawn = np.random.default_rng(seed).random((self.members, int(group.max()) + 1)) < self.share
        seen = drawn[:, group]
        width = int(settings.get("width") or self.width)
        epochs = int(settings.get("epochs") or self.epochs)
        torch.manual_seed(seed)
        torch.set_num_threads(int(settings.get("threads") or 1))
        networks = Networks(self.members, (terms.shape[1], *[width] * self.depth, 1), self.dropout, seed)
        optimiser, schedule = networks.optimiser(
            learning_rate=float(settings.get("learning_rate") or self.learning_rate),
            weight_decay=self.weight_decay,
            steps=epochs,
        )
        x = torch.from_numpy(terms[sets.order].astype(np.float32))
        last = torch.from_numpy(sets.last)
        taking_part = torch.from_numpy(seen[:, sets.order].astype(np.float32))
        weight = torch.from_numpy(sets.weight.astype(np.float32)) * taking_part
        weight = weight / weight.sum(1, keepdim=True).clamp_min(1e-9)
        absent = torch.log(taking_part + 1e-12)
        networks.train()
        for _ in range(epochs):
            risk = networks(x)[..., 0]
            at_risk = torch.logcumsumexp(risk + absent, dim=1)[:, last]
            loss = ((at_risk - risk) * weight).sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        networks.eval()
        with torch.no_grad():
            answers = networks(torch.from_numpy(terms.astype(np.float32)))[..., 0].numpy()
        return networks, answers.astype(np.float64), seen

    def open(
        self, task: PanelTask, folder: Path, prefix: str, context: Mapping[str, Any]
    ) -> ProportionalMember:
        """Open what :meth:`fit` wrote."""
        facts, arrays = load(folder, prefix)
        encoding, scale = Encoding.from_arrays(arrays), float(facts["scale"])
        session = open_session(folder / f"{prefix}{GRAPH}")

        def risk(x: NDArray[Any]) -> Floats:
            (answers,) = session.run(None, {"terms": encoding.of(x).astype(np.float32)})
            out: Floats = scale * answers[..., 0].mean(0).astype(np.float64)
            return out

        return ProportionalMember(names=tuple(facts["columns"]), risk=risk, baseline=arrays["baseline"])
