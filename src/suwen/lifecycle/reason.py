"""Why the model answered so: one explanation of one prediction, tested before it is shown."""

from __future__ import annotations

from suwen.core.errors import UnknownSetting, nearest
from suwen.core.prediction import Explanation, Prediction
from suwen.core.sample import Sample
from suwen.lifecycle.models import Loaded

METHOD = "cam"


def explain_sample(
    loaded: Loaded, sample: Sample, prediction: Prediction, method: str = METHOD
) -> Explanation | None:
    """Explain the class decided on; ``None`` where the model abstained.

    Raises
    ------
    UnknownSetting
        For an unknown method, naming the nearest.
    MissingExtra
        For LIME without its package.
    """
    from suwen.explain.methods import METHODS, explain

    if method not in METHODS:
        raise UnknownSetting(
            f"there is no explanation method '{method}'", where="method", fix=nearest(method, METHODS)
        )
    if prediction.output is None:
        return None
    classes = loaded.task.endpoint.classes
    surface = loaded.served.open_up(sample, classes.index(prediction.output.decision))
    return explain(surface, method)
