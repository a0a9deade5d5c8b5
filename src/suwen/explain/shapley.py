"""Shapley values of players that can be present or absent: exact for a few, by permutations for many.

A player's value is what it adds when it joins, averaged over all orders of joining (Shapley 1953, 'A value
for n-person games'; for predictions Strumbelj and Kononenko, JMLR 11:1, 2010). With many players some orders
are drawn, each together with its reverse (antithetic sampling; Mitchell et al., JMLR 23:43, 2022). Along an
order the gains telescope, so that the values add up to the output whatever was drawn; only how the sum is
split is estimated, and the standard error says how well.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.core.errors import BadInput
from suwen.core.prediction import Abstention

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Game = Callable[[Bools], ArrayLike]
"""Takes which players are present, (m, players); returns the outputs, (m, K)."""

ADDITIVITY = 1e-3
"""Values whose sum misses the output by more than this are withheld, in the output's own unit."""

EXACT = 10
"""Up to so many players all 2^players coalitions are asked for."""


@dataclass(frozen=True, kw_only=True)
class Attribution:
    """What each player adds to an output.

    Attributes
    ----------
    values
        Array (players, K), in the output's unit; ``None`` where they are withheld.
    base
        Array (K,): output with every player absent.
    output
        Array (K,): what was to be explained.
    standard_error
        Array (players, K), of the drawing of orders; 0 where every coalition was asked for.
    additivity_gap
        Largest of |base + sum of values - output| over the K outputs.
    evaluations
        Coalitions asked for.
    withheld
        Why there are no values, where there are none.
    """

    values: Floats | None
    base: Floats
    output: Floats
    standard_error: Floats
    additivity_gap: float
    evaluations: int
    withheld: Abstention | None = None


def shapley(
    f: Game,
    players: int,
    *,
    permutations: int = 20,
    seed: int = 0,
    batch: int = 512,
    output: ArrayLike | None = None,
) -> Attribution:
    """Shapley value of every player.

    Parameters
    ----------
    f
        The game: present players (m, players) to outputs (m, K), such as log-odds of K classes or a
        survival curve at K times. What stands in for an absent player is the caller's choice.
    players
        How many there are; 1 or more.
    permutations
        Orders drawn where there are more than 10 players: an even number, 4 or more. They cost
        ``permutations * (players - 1) + 2`` coalitions.
    seed
        Of the orders.
    batch
        Most rows handed to ``f`` at a time.
    output
        Array (K,): what the model answered in use, where the caller knows it; the sum is held against it.
        Without it, against ``f`` with everyone present.

    Raises
    ------
    BadInput
        When there is no player, the permutations are too few, or ``f`` returns another number of rows.
    """
    if players < 1:
        raise BadInput("there is nothing to attribute to: no players", where="players")
    if players <= EXACT:
        rows = (np.arange(2**players)[:, None] >> np.arange(players) & 1).astype(bool)
        reached = ask(f, rows, batch)
        return checked(_exact(rows, reached), None, reached[0], reached[-1], output, len(rows))
    orders = paired_orders(players, permutations, np.random.default_rng(seed))
    reached = walk(f, np.argsort(orders, axis=1), batch)
    gains = np.empty((permutations, players, reached.shape[2]))
    np.put_along_axis(gains, orders[:, :, None], np.diff(reached, axis=1), axis=1)
    cost = permutations * (players - 1) + 2
    return checked(*pooled(gains), reached[0, 0], reached[0, -1], output, cost)


def ask(f: Game, rows: Bools, batch: int) -> Floats:
    """Outputs (m, K) of many coalitions (m, players), a batch at a time."""
    answers = []
    for start in range(0, len(rows), batch):
        part = rows[start : start + batch]
        answer = np.asarray(f(part), dtype=np.float64)
        answer = answer[:, None] if answer.ndim == 1 else answer
        if answer.ndim != 2 or len(answer) != len(part):
            raise BadInput(f"the model gave answers of shape {answer.shape} for {len(part)} coalitions")
        answers.append(answer)
    return np.concatenate(answers)


def paired_orders(count: int, permutations: int, rng: np.random.Generator) -> Ints:
    """Random orders (permutations, count); every odd one is the reverse of the one before.

    Raises
    ------
    BadInput
        When their number is odd or below 4: two pairs are the least that a standard error needs.
    """
    if permutations < 4 or permutations % 2:
        raise BadInput(f"{permutations} permutations cannot be paired", fix="Give an even number, 4 or more")
    first = rng.permuted(np.tile(np.arange(count), (permutations // 2, 1)), axis=1)
    return np.stack([first, first[:, ::-1]], axis=1).reshape(permutations, count).astype(np.int64)


def walk(f: Game, rank: Ints, batch: int) -> Floats:
    """Outputs along orders (orders, steps + 1, K): nobody, then one step more at a time, then everyone.

    Parameters
    ----------
    rank
        Array (orders, players): at which step, from 0, each player joins; players may share a step.
    """
    orders, players = rank.shape
    steps = int(rank.max()) + 1
    ends = ask(f, np.array([[False] * players, [True] * players]), batch)
    reached = np.empty((orders, steps + 1, ends.shape[1]))
    reached[:, 0], reached[:, -1] = ends
    if steps == 1:
        return reached
    inner = np.arange(1, steps)
    at_once = max(1, batch // len(inner))  # whole orders, so that the coalitions need never all be held
    for start in range(0, orders, at_once):
        present = rank[start : start + at_once, None, :] < inner[:, None]
        answers = ask(f, present.reshape(-1, players), batch)
        reached[start : start + at_once, 1:-1] = answers.reshape(*present.shape[:2], -1)
    return reached


def pooled(gains: Floats) -> tuple[Floats, Floats]:
    """Mean of gains (orders, players, K) and its standard error over the pairs, each (players, K)."""
    pairs = gains.reshape(-1, 2, *gains.shape[1:]).mean(axis=1)
    return pairs.mean(axis=0), pairs.std(axis=0, ddof=1) / math.sqrt(len(pairs))


def checked(
    values: Floats,
    error: Floats | None,
    base: Floats,
    whole: Floats,
    output: ArrayLike | None,
    evaluations: int,
) -> Attribution:
    """Attribution whose values are withheld where they do not add up to the output."""
    said = whole if output is None else np.asarray(output, dtype=np.float64).reshape(whole.shape)
    gap = float(np.abs(base + values.sum(axis=0) - said).max())
    good = gap <= ADDITIVITY  # false for NaN
    return Attribution(
        values=values if good else None,
        base=base,
        output=said,
        standard_error=np.zeros_like(values) if error is None else error,
        additivity_gap=gap,
        evaluations=evaluations,
        withheld=None
        if good
        else Abstention(
            code="not-additive",
            reason=f"The contributions miss the output by {gap:.2g}, more than {ADDITIVITY:g}; "
            "they are not shown.",
        ),
    )


def _exact(rows: Bools, reached: Floats) -> Floats:
    """Values (players, K) from the outputs of all coalitions, row number = coalition as bits."""
    n = rows.shape[1]
    size = rows.sum(axis=1)
    values = np.empty((n, reached.shape[1]))
    share = np.array([1 / (n * math.comb(n - 1, s)) for s in range(n)])
    for player in range(n):
        without = np.flatnonzero(~rows[:, player])
        gain = reached[without | (1 << player)] - reached[without]
        values[player] = share[size[without]] @ gain
    return values
