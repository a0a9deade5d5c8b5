"""Shapley values in two levels: of groups first, then of the players inside the groups that matter.

Players of a group join together in time: a group's value is its Shapley value among groups, and is split
among its players by the orders inside it (Owen 1977, 'Values of games with a priori unions'). Both levels
telescope along the same orders, so that a group's players add up to the group and the groups to the output.
A sequence has a variable as group and its blocks of time as players: 40 variables in 12 blocks are 480
players, too many for a flat order, while few variables carry most of one patient's risk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from suwen.core.errors import BadInput
from suwen.explain.shapley import (
    Attribution,
    Floats,
    Game,
    Ints,
    ask,
    checked,
    paired_orders,
    pooled,
    walk,
)


@dataclass(frozen=True, kw_only=True)
class Nested:
    """Values of groups, and of the players inside some of them.

    Attributes
    ----------
    groups
        Attribution with one row per group, in the order of their numbers.
    inside
        Group number to ``(players, values, standard_error)``: the players' own numbers (m,), and two
        arrays (m, K) whose values add up to the group's. Empty where the values are withheld.
    """

    groups: Attribution
    inside: dict[int, tuple[Ints, Floats, Floats]]


def owen(
    f: Game,
    group: Sequence[int] | Ints,
    *,
    opened: int = 10,
    permutations: int = 20,
    seed: int = 0,
    batch: int = 512,
    output: ArrayLike | None = None,
) -> Nested:
    """Values of all groups, and of the players inside the groups that matter most.

    Costs ``permutations * (groups - 1 + sum over the opened groups of (players - 1)) + 2`` coalitions.

    Parameters
    ----------
    f
        As for :func:`suwen.explain.shapley.shapley`.
    group
        Array (players,): number of each player's group, 0 to groups - 1, none left out.
    opened
        Groups that are split among their players: those of the largest absolute value, over all outputs.
    permutations, seed, batch, output
        As for :func:`suwen.explain.shapley.shapley`.

    Raises
    ------
    BadInput
        When the groups are not numbered from 0 without gaps, or the permutations are too few.
    """
    number = np.asarray(group, dtype=np.int64)
    if number.ndim != 1 or not len(number) or len(np.unique(number)) != number.max() + 1 or number.min():
        raise BadInput("groups must be numbered from 0 without gaps, one number per player", where="group")
    rng = np.random.default_rng(seed)
    count = int(number.max()) + 1
    orders = paired_orders(count, permutations, rng)
    rank = np.argsort(orders, axis=1)
    reached = walk(f, rank[:, number], batch)
    gains = np.empty((permutations, count, reached.shape[2]))
    np.put_along_axis(gains, orders[:, :, None], np.diff(reached, axis=1), axis=1)
    values, error = pooled(gains)
    weight = np.abs(values).max(axis=1)
    largest = np.argsort(-weight, kind="stable")[:opened]
    inside, more = _split(f, rank, number, largest[weight[largest] > 0], reached, rng, batch)
    cost = permutations * (count - 1) + 2 + more
    groups = checked(values, error, reached[0, 0], reached[0, -1], output, cost)
    return Nested(groups=groups, inside={} if groups.withheld else inside)


def _split(
    f: Game, rank: Ints, number: Ints, chosen: Ints, reached: Floats, rng: np.random.Generator, batch: int
) -> tuple[dict[int, tuple[Ints, Floats, Floats]], int]:
    """Players of the chosen groups with values and standard errors, and the coalitions that took.

    In every order a group's players join after the groups before theirs; the outputs just before the first
    of them and just after the last are known from the walk over groups.
    """
    permutations, outputs = len(rank), reached.shape[2]
    every, before = np.arange(permutations), rank[:, number]
    members = [np.flatnonzero(number == one) for one in chosen]
    orders = [paired_orders(len(players), permutations, rng) for players in members]
    asked = []
    for one, players, order in zip(chosen, members, orders, strict=True):
        steps = np.arange(1, len(players))[:, None]
        present = np.repeat((before < rank[:, [one]])[:, None], len(steps), axis=1)
        present[:, :, players] = np.argsort(order, axis=1)[:, None] < steps
        asked.append(present.reshape(-1, len(number)))
    # All in one go: a model is much faster on a full batch than on many small ones.
    rows = np.concatenate(asked) if asked else np.zeros((0, len(number)), bool)
    answers = ask(f, rows, batch) if len(rows) else np.zeros((0, outputs))
    parts = np.split(answers, np.cumsum([len(part) for part in asked])[:-1])
    found = {}
    for one, players, order, part in zip(chosen.tolist(), members, orders, parts, strict=bool(asked)):
        between = np.empty((permutations, len(players) + 1, outputs))
        between[:, 0], between[:, -1] = reached[every, rank[:, one]], reached[every, rank[:, one] + 1]
        between[:, 1:-1] = part.reshape(permutations, len(players) - 1, outputs)
        gains = np.empty((permutations, len(players), outputs))
        np.put_along_axis(gains, order[:, :, None], np.diff(between, axis=1), axis=1)
        found[one] = (players, *pooled(gains))
    return found, len(rows)
