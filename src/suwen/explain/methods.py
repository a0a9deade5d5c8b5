"""The explanation methods by name, each handed over together with its checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from suwen.core.engine import Explainable
from suwen.core.errors import UnknownSetting, nearest
from suwen.core.prediction import Explanation
from suwen.explain.faithfulness import deletion_insertion
from suwen.explain.lime import lime_map
from suwen.explain.masking import Array
from suwen.explain.occlusion import occlusion_map
from suwen.explain.sanity import passes, random_weights_correlation

METHODS = ("cam", "occlusion", "lime")
"""Names :func:`explain` knows; a model may bring more of its own."""

TWINS = 3
"""Networks with random weights a map is held against: two small maps correlate by chance, three rarely."""

UNITS: Mapping[str, str] = {
    "cam": "logit contribution per cell",
    "occlusion": "log odds lost when hidden",
    "lime": "probability gained when shown",
}
"""What one value of a map means, by method."""

_GENERAL: Mapping[str, Callable[[Explainable, int], Array]] = {
    "occlusion": lambda opened, _seed: occlusion_map(opened.probability, opened.image),
    "lime": lambda opened, seed: lime_map(opened.probability, opened.image, seed=seed),
}


def explain(explainable: Explainable, method: str, *, seed: int = 0) -> Explanation:
    """Explain one probability, and test the explanation.

    Parameters
    ----------
    explainable
        The sample laid open, for the class to be explained (the decided one).
    method
        One of :data:`METHODS`, or another map the model brings itself.
    seed
        For methods that sample; the same seed gives the same explanation.

    Returns
    -------
    Explanation
        ``values`` is (H, W), float32, over the image as the model saw it; ``checks`` holds ``deletion``,
        ``insertion``, ``random_order_faithfulness`` and ``random_weights_correlation``; ``passed`` is false
        where the map is no better than a random order or does not depend on the learned weights.

    Raises
    ------
    UnknownSetting
        When neither this module nor the model knows the method.
    MissingExtra
        When the method's package is not installed.
    """
    values = _map(explainable, method, seed)
    twins = [_map(explainable.randomised(number), method, seed) for number in range(TWINS)]
    found = deletion_insertion(
        explainable.probability, explainable.image, values, direction="for", ground=explainable.ground
    )
    correlation = float(np.mean([random_weights_correlation(values, twin) for twin in twins]))
    checks = {
        "deletion": found["deletion"],
        "insertion": found["insertion"],
        "random_order_faithfulness": found["random_faithfulness"],
        "random_weights_correlation": correlation,
    }
    return Explanation(
        method=method,
        values=values,
        unit=UNITS.get(method, "contribution"),
        faithfulness=found["faithfulness"],
        checks=checks,
        passed=passes(found["faithfulness"], found["random_faithfulness"], correlation),
    )


def _map(opened: Explainable, method: str, seed: int) -> Array:
    """The map of one method over one opened sample."""
    if method in opened.own_maps:
        return np.asarray(opened.own_maps[method](opened.image), dtype=np.float32)
    if method in _GENERAL:
        return _GENERAL[method](opened, seed)
    known = {*opened.own_maps, *_GENERAL}
    raise UnknownSetting(
        f"this model has no explanation method called '{method}'",
        where="method",
        fix=nearest(method, known),
    )
