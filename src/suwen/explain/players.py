"""Explanations of a sample laid open as players: variables in periods of time, columns of a table."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.engine import Players
from suwen.core.errors import UnknownSetting, nearest
from suwen.core.prediction import Explanation
from suwen.explain.owen import owen
from suwen.explain.shapley import ADDITIVITY, shapley

Floats = NDArray[np.float64]

METHODS = ("shapley", "shap", "lime")
"""Names :func:`explain_players` knows; a model may bring ``contributions`` of its own trees."""
FEW = 10
"""Up to here every coalition is asked for, and the values are exact."""
OPENED, ORDERS = 12, 8
"""Variables whose periods are told apart, and orders drawn, beyond that."""


def explain_players(players: Players, method: str, *, seed: int = 0) -> Explanation:
    """Explain the headline output, and every other output beside it.

    Parameters
    ----------
    players
        The sample laid open.
    method
        One of :data:`METHODS`, or one the model brings itself.
    seed
        Of the orders drawn; the same seed gives the same explanation.

    Returns
    -------
    Explanation
        ``values`` holds ``base``, ``output`` (both of the headline), ``outputs`` (names of the K outputs),
        ``headline`` and ``rows``, strongest first: ``variable``, ``from_h``, ``to_h`` (null: the whole stay),
        ``shown``, ``value``, ``standard_error`` and ``by_output`` (K values). Where base and values miss the
        output by more than 1e-3 ``rows`` is empty and ``passed`` false: values that do not add up are not
        shown.

    Raises
    ------
    UnknownSetting
        When neither this module nor the model knows the method.
    MissingExtra
        When the method's package is not installed.
    """
    if method in players.own:
        return _own(players, method)
    if method == "shapley":
        return _shapley(players, seed)
    if method in {"shap", "lime"}:
        return _packaged(players, method, seed)
    known = (*METHODS, *players.own)
    raise UnknownSetting(
        f"there is no explanation method '{method}' for this task",
        where="method",
        fix=nearest(method, known),
    )


def _shapley(players: Players, seed: int) -> Explanation:
    count = len(players.variables)
    if count <= FEW:
        found = shapley(players.answer, count, seed=seed, output=players.said)
        lines = [] if found.values is None else [
            _row(players, at, found.values[at], found.standard_error[at]) for at in range(count)
        ]  # fmt: skip
    else:
        names = list(dict.fromkeys(players.variables))
        group = [names.index(name) for name in players.variables]
        nested = owen(
            players.answer, group, opened=OPENED, permutations=ORDERS, seed=seed, output=players.said
        )
        found, lines = nested.groups, []
        for number, name in enumerate(names):
            if found.values is None:
                break
            if number in nested.inside:
                members, values, error = nested.inside[number]
                lines += [_row(players, int(at), values[i], error[i]) for i, at in enumerate(members)]
                continue
            mine = [at for at in range(count) if players.variables[at] == name]
            line = _row(players, mine[0], found.values[number], found.standard_error[number])
            if len(mine) > 1:
                line |= {"from_h": None, "to_h": None, "shown": f"{len(mine)} periods"}
            lines.append(line)
    return _made(
        players, "shapley", lines, found.base, found.output, found.additivity_gap,
        {"evaluations": float(found.evaluations)},
    )  # fmt: skip


def _made(
    players: Players,
    method: str,
    lines: list[dict[str, Any]],
    base: Floats,
    output: Floats,
    gap: float,
    more: dict[str, float],
) -> Explanation:
    lines.sort(key=lambda line: -abs(line["value"]))
    return Explanation(
        method=method,
        values={
            "base": float(base[players.headline]),
            "output": float(output[players.headline]),
            "outputs": list(players.outputs),
            "headline": players.headline,
            "rows": lines,
        },
        unit=players.unit,
        faithfulness=None,
        checks={"additivity_gap": gap, "additivity_limit": ADDITIVITY, **more},
        passed=bool(gap <= ADDITIVITY),
    )


def _row(players: Players, at: int, values: Floats, error: Floats | None) -> dict[str, Any]:
    period = players.periods[at]
    return {
        "variable": players.variables[at],
        "from_h": None if period is None else period[0],
        "to_h": None if period is None else period[1],
        "shown": players.shown[at],
        "value": float(values[players.headline]),
        "standard_error": None if error is None else float(error[players.headline]),
        "by_output": [float(value) for value in values],
    }


def _own(players: Players, method: str) -> Explanation:
    """Exact contributions of the model's own trees: their base value, one value per player."""
    found = players.own[method]()
    values, base, output = found["values"], float(found["base"]), float(found["output"])
    gap = abs(base + float(values.sum()) - output)
    lines = [
        {
            "variable": name, "from_h": None, "to_h": None, "shown": shown, "value": float(value),
            "standard_error": 0.0, "by_output": [float(value)],
        }
        for name, shown, value in zip(found["names"], found["shown"], values, strict=True)
        if gap <= ADDITIVITY
    ]  # fmt: skip
    one = np.zeros(players.headline + 1)
    return _made(players, method, lines, one + base, one + output, gap, {})


def _packaged(players: Players, method: str, seed: int) -> Explanation:
    """SHAP or LIME by their packages, over whole variables: present, or not observed."""
    from suwen.explain.tabular import Vector

    names = list(dict.fromkeys(players.variables))
    group = np.array([names.index(name) for name in players.variables])

    def answer(rows: Floats) -> Floats:
        out: Floats = players.answer((rows > 0.5)[:, group])[:, players.headline]
        return out

    whole = float(answer(np.ones((1, len(names))))[0])
    vector = Vector(
        values=np.ones(len(names)), names=names, answer=answer, background=np.zeros((1, len(names))),
        unit=players.unit, output=whole,
    )  # fmt: skip
    if method == "shap":
        from suwen.explain.tabular_shap import shap_explanation

        found = shap_explanation(vector, seed=seed)
    else:
        from suwen.explain.tabular_lime import lime_explanation

        found = lime_explanation(vector, seed=seed)
    base = float(found.checks["base"])
    first = {name: players.variables.index(name) for name in names}
    lines: list[dict[str, Any]] = [
        {
            "variable": name, "from_h": None, "to_h": None, "shown": players.shown[first[name]],
            "value": float(value), "standard_error": None, "by_output": [float(value)],
        }
        for name, value in found.values.items()
    ]  # fmt: skip
    lines.sort(key=lambda line: -abs(line["value"]))
    return Explanation(
        method=method,
        values={
            "base": base, "output": whole, "outputs": [players.outputs[players.headline]], "headline": 0,
            "rows": lines,
        },
        unit=found.unit,
        faithfulness=found.faithfulness,
        checks=found.checks,
        passed=found.passed,
    )  # fmt: skip
