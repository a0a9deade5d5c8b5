"""Electrodes together: as by trying all, also where the first list does not prove it, and a real number of them."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from suwen.engines.trajectory import electrodes
from suwen.engines.trajectory.electrodes import choose_together, segment_distance


def _ways(seed: int, counts: tuple[int, ...], spread_mm: float) -> tuple[list[Any], list[Any], list[Any]]:
    """Targets near each other, entries on a dome above them, scores that get worse with the way."""
    rng = np.random.default_rng(seed)
    entries, targets, scores = [], [], []
    for count in counts:
        target = rng.normal(size=3) * spread_mm
        way = rng.normal(size=(count, 3))
        way[:, 2] = np.abs(way[:, 2])
        entry = 80 * way / np.linalg.norm(way, axis=1, keepdims=True)
        entries.append(entry)
        targets.append(np.broadcast_to(target, entry.shape))
        scores.append(rng.random(count) + 0.01 * np.linalg.norm(entry - target, axis=1))
    return entries, targets, scores


def _by_trying_all(entries: Any, targets: Any, scores: Any, separation_mm: float) -> tuple[float, Any]:
    free = {
        (i, j): segment_distance(entries[i][:, None], targets[i][:, None], entries[j][None], targets[j][None])
        >= separation_mm
        for i in range(len(scores))
        for j in range(i + 1, len(scores))
    }
    best, chosen = np.inf, ()
    for pick in product(*(range(len(one)) for one in scores)):
        if all(apart[pick[i], pick[j]] for (i, j), apart in free.items()):
            total = sum(float(one[at]) for one, at in zip(scores, pick, strict=True))
            if total < best:
                best, chosen = total, pick
    return best, chosen


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("shortlist", [200, 2])
def test_chosen_as_by_trying_all(seed: int, shortlist: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(electrodes, "SHORTLIST", shortlist)
    given = _ways(seed, (7, 5, 8, 6), 7.0)
    got = choose_together(*given, separation_mm=9.0)
    best, chosen = _by_trying_all(*given, 9.0)
    assert got.proven
    assert got.chosen == chosen
    assert got.total == pytest.approx(best)
    firsts = tuple(int(one.argmin()) for one in given[2])
    if chosen:
        assert got.moved == tuple(at for at in range(4) if chosen[at] != firsts[at])
        assert got.cost == pytest.approx(best - sum(float(one.min()) for one in given[2]))
        assert bool(got.moved) == bool(got.conflicts)


def test_some_are_in_the_way_and_some_are_not() -> None:
    seeds = [choose_together(*_ways(seed, (7, 5, 8, 6), 7.0), separation_mm=9.0) for seed in range(10)]
    assert any(one.conflicts and one.chosen for one in seeds)
    assert any(not one.conflicts for one in seeds) or any(not one.chosen for one in seeds)


def test_targets_that_are_too_near_are_named() -> None:
    entries, targets, scores = _ways(1, (20, 20, 20), 30.0)
    targets[2] = targets[0] + (0.5, 0, 0)
    got = choose_together(entries, targets, scores, separation_mm=3.0)
    assert got.chosen == ()
    assert np.isinf(got.total)
    assert got.proven
    assert got.blocked == ((0, 2),)


def _crowd(count: int) -> tuple[list[Any], list[Any], list[Any]]:
    """Electrodes that all want to come in by the same few of three hundred entries."""
    rng = np.random.default_rng(0)
    way = rng.normal(size=(300, 3))
    way[:, 2] = np.abs(way[:, 2])
    entry = 80 * way / np.linalg.norm(way, axis=1, keepdims=True)
    favour = np.linalg.norm(entry - (30, 20, 70), axis=1) / 80
    targets = [rng.normal(size=3) * 15 for _ in range(count)]
    scores = [favour + 0.01 * np.linalg.norm(entry - target, axis=1) for target in targets]
    return [entry] * count, [np.broadcast_to(target, entry.shape) for target in targets], scores


def test_eight_electrodes_that_want_the_same_place_are_proven() -> None:
    given = _crowd(8)
    got = choose_together(*given, separation_mm=5.0)
    assert got.proven
    assert len(got.conflicts) > 8
    assert got.moved
    assert got.cost > 0
    ends = [(given[0][at][chosen], given[1][at][chosen]) for at, chosen in enumerate(got.chosen)]
    for one in range(8):
        for two in range(one):
            assert segment_distance(*ends[one], *ends[two]) >= 5.0
    assert choose_together(*given, separation_mm=5.0) == got


def test_a_search_that_is_cut_short_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = choose_together(*_crowd(8), separation_mm=5.0)
    monkeypatch.setattr(electrodes, "MOST_NODES", 1)
    got = choose_together(*_crowd(8), separation_mm=5.0)
    assert not got.proven
    assert got.total >= whole.total
