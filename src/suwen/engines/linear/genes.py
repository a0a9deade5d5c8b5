"""Linear classifiers for far more genes than samples; every choice is made inside the training fold.

All of them see normal scores of ranks (:mod:`suwen.engines.linear.expression`), choose genes and strengths
by inner cross-validation on the fold's own samples, and end as weights on genes. None keeps a training
sample, as nearest neighbours would: a bundle holds no patient.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from suwen.core.engine import Progress, Units
from suwen.core.sample import Sample
from suwen.engines.linear.expression import Expression, f_ratio, normal_scores
from suwen.engines.linear.inner import parts, smooth_loss, temperature
from suwen.engines.linear.member import LinearMember, load, save
from suwen.engines.linear.solve import fit_path, spread_out
from suwen.engines.linear.table import Table, TableOf, rows

if TYPE_CHECKING:
    from suwen.engines.panel.task import PanelTask

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Weighed = tuple[Expression, Floats, Floats]
"""Chosen genes, weights (k, classes), bias (classes,)."""


LEAST_SHARE = 0.02
"""Shares, of the best choice's, below which a choice is left out."""


def mixed(scores: Floats, models: Sequence[Weighed], shares: Floats) -> Weighed:
    """One linear model that is the weighted sum of several, on the genes that any of them uses."""
    if len(models) == 1:
        genes, weights, bias = models[0]
        return genes, weights * shares[0], bias * shares[0]
    union = Expression.fit(scores, np.unique(np.concatenate([genes.genes for genes, _, _ in models])))
    total, bias = np.zeros((len(union.genes), models[0][1].shape[1])), np.zeros(models[0][1].shape[1])
    for (genes, weights, own_bias), share in zip(models, shares, strict=True):
        place = np.searchsorted(union.genes, genes.genes)
        # The same gene may be standardised by another scale in each; its mean is the same in all.
        total[place] += share * weights * (union.scale[place] / genes.scale)[:, None]
        bias += share * own_bias
    return union, total, bias


@dataclass(frozen=True, kw_only=True)
class GeneLearner:
    """What the gene learners share: designs, inner choice, calibrated scale, files.

    Attributes
    ----------
    table
        Samples to rows.
    inner
        Inner folds.
    averaged
        Whether the choices are averaged by how well they fared instead of the best being taken.
    """

    table: TableOf = rows
    name: str = "genes"
    inner: int = 5
    averaged: bool = True
    family: str = "linear"
    packages: ClassVar[tuple[str, ...]] = ("sklearn",)

    @property
    def choices(self) -> tuple[Any, ...]:
        """What is tried, the simplest first."""
        raise NotImplementedError

    def weigh(self, scores: Floats, labels: Ints, classes: int, choices: Sequence[Any]) -> list[Weighed]:
        """One model per choice from training normal scores (n, d)."""
        raise NotImplementedError

    def design(self, task: PanelTask, samples: Sequence[Sample]) -> Table:
        """The samples' rows, as measured."""
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
        """Judge every choice by inner cross-validation, then learn the ones kept from every labelled sample.

        Each is judged at its best temperature. Averaged, a choice's share is proportional to its held-out
        likelihood (pseudo Bayesian model averaging: Yao et al., Bayesian Analysis 13:917, 2018): with a few
        dozen samples the best choice is hardly better than the next, and their mean is steadier than either.
        """
        known = units.target >= 0
        scores, labels = normal_scores(design.x[known]), units.target[known]
        classes = len(context["classes"])
        held = np.zeros((len(self.choices), len(labels), classes))
        for inside, outside in parts(labels, self.inner, seed):
            models = self.weigh(scores[inside], labels[inside], classes, self.choices)
            for number, (genes, weights, bias) in enumerate(models):
                held[number, outside] = genes.standardised(scores[outside]) @ weights + bias
        warmth = np.array([temperature(one, labels) for one in held])
        losses = np.array([smooth_loss(one / t, labels) for one, t in zip(held, warmth, strict=True)])
        share = np.exp(-len(labels) * (losses - losses.min()))
        share = share * (share > LEAST_SHARE if self.averaged else losses == losses.min())
        kept = np.flatnonzero(share)
        kept = kept if self.averaged else kept[:1]
        share = share[kept] / share[kept].sum()
        models = self.weigh(scores, labels, classes, [self.choices[number] for number in kept])
        genes, weights, bias = mixed(scores, models, share / warmth[kept])
        member = LinearMember(names=design.names, preparation=genes, weights=weights, bias=bias)
        said = {
            "choices": [self.choices[number] for number in kept],
            "shares": share.round(4).tolist(),
            "genes": len(genes.genes),
        }
        save(folder, member, said)
        first = said["choices"][int(share.argmax())]
        progress(f"{self.name}: {first} first of {len(kept)}, {len(genes.genes)} genes")

    def open(self, task: PanelTask, folder: Path, prefix: str, context: Mapping[str, Any]) -> LinearMember:
        """Open what :meth:`fit` wrote."""
        return load(folder, prefix)


@dataclass(frozen=True, kw_only=True)
class ShrunkenCentroids(GeneLearner):
    """Nearest shrunken centroids (Tibshirani et al., PNAS 99:6567, 2002).

    Each class's centroid is drawn towards the overall one, gene by gene, in units of that gene's standard
    error; genes that arrive there no longer count.

    Attributes
    ----------
    thresholds
        How far centroids are drawn, in standard errors, furthest first: the fewest genes.
    """

    name: str = "centroids"
    averaged: bool = False
    thresholds: tuple[float, ...] = (8.0, 6.5, 5.5, 4.5, 4.0, 3.5, 3.0, 2.5, 2.0, 1.5, 1.0, 0.5, 0.0)

    @property
    def choices(self) -> tuple[float, ...]:
        """The thresholds."""
        return self.thresholds

    def weigh(self, scores: Floats, labels: Ints, classes: int, choices: Sequence[Any]) -> list[Weighed]:
        """Discriminant scores ``-sum((x - c_k)² / 2 s²) + log(prior_k)``, which are linear in x."""
        present = np.unique(labels)
        n, mean = len(labels), scores.mean(0)
        count = np.array([(labels == k).sum() for k in present])
        centre = np.stack([scores[labels == k].mean(0) for k in present])
        within = np.sum(
            [((scores[labels == k] - c) ** 2).sum(0) for k, c in zip(present, centre, strict=True)], 0
        )
        spread = np.sqrt(within / max(n - len(present), 1))
        spread = spread + np.median(spread) + 1e-9  # s + s0 of the paper
        error = np.sqrt(np.maximum(1 / count - 1 / n, 1e-12))[:, None] * spread
        distance = (centre - mean) / error
        out = []
        for threshold in choices:
            drawn = np.sign(distance) * np.maximum(np.abs(distance) - threshold, 0.0)
            genes = np.flatnonzero((drawn != 0).any(0))
            if not len(genes):  # all centroids met: the single gene that parted them furthest still counts
                genes = np.array([int(np.abs(distance).max(0).argmax())])
                drawn = distance
            chosen = Expression(genes=genes, mean=mean[genes], scale=spread[genes])
            offset = (drawn * error / spread)[:, genes]
            weights, bias = offset.T, np.log(count / n) - 0.5 * (offset**2).sum(1)
            out.append((chosen, *spread_out(weights, bias, labels, classes)))
        return out


@dataclass(frozen=True, kw_only=True)
class SelectedLogistic(GeneLearner):
    """Penalised logistic regression on the genes of largest F ratio in the fold.

    Attributes
    ----------
    counts
        Numbers of genes tried.
    penalties
        Strengths tried, strongest first.
    """

    name: str = "logistic_genes"
    counts: tuple[int, ...] = (30, 100, 300, 1000)
    penalties: tuple[float, ...] = (3.0, 1.0, 0.3, 0.1, 0.03)

    @property
    def choices(self) -> tuple[tuple[int, float], ...]:
        """Number of genes and strength."""
        return tuple((count, penalty) for count in self.counts for penalty in self.penalties)

    def weigh(self, scores: Floats, labels: Ints, classes: int, choices: Sequence[Any]) -> list[Weighed]:
        """Genes ranked once, then a path of regressions per number of genes."""
        ranked = np.argsort(-f_ratio(scores, labels), kind="stable")
        found: dict[Any, Weighed] = {}
        for count in {count for count, _ in choices}:
            genes = Expression.fit(scores, np.sort(ranked[:count]))
            penalties = [penalty for other, penalty in choices if other == count]
            path = fit_path(genes.standardised(scores), labels, classes, penalties)
            found |= {(count, penalty): (genes, *one) for penalty, one in zip(penalties, path, strict=True)}
        return [found[choice] for choice in choices]


@dataclass(frozen=True, kw_only=True)
class RidgeClasses(GeneLearner):
    """Ridge regression of class membership on many genes or all, solved among the samples.

    Attributes
    ----------
    counts
        Numbers of genes of largest F ratio tried; a number beyond what there is means all.
    penalties
        Strengths tried, as multiples of the mean squared length of a sample, strongest first.
    """

    name: str = "ridge_genes"
    counts: tuple[int, ...] = (100, 1000, 1_000_000)
    penalties: tuple[float, ...] = (3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.003)

    @property
    def choices(self) -> tuple[tuple[int, float], ...]:
        """Number of genes and strength."""
        return tuple((count, penalty) for count in self.counts for penalty in self.penalties)

    def weigh(self, scores: Floats, labels: Ints, classes: int, choices: Sequence[Any]) -> list[Weighed]:
        """With kernel G = X X', weights are ``X' (G + penalty mean(diag G) I)^-1 (Y - mean Y)``."""
        ranked, member = np.argsort(-f_ratio(scores, labels), kind="stable"), np.eye(classes)[labels]
        share = member.mean(0)
        solved: dict[int, tuple[Expression, Floats, Floats, Floats]] = {}
        out = []
        for count, penalty in choices:
            if count not in solved:
                genes = Expression.fit(scores, np.sort(ranked[:count]))
                terms = genes.standardised(scores)
                values, vectors = np.linalg.eigh(terms @ terms.T)
                solved[count] = genes, terms.T @ vectors, vectors.T @ (member - share), values
            genes, turned, projected, values = solved[count]
            strength = values + penalty * values.mean()
            out.append((genes, turned @ (projected / strength[:, None]), share))
        return out
