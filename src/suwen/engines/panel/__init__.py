"""The panel: every fitting learner trains on the same folds, and the measured winner is deployed."""

from suwen.engines.panel.engine import engine
from suwen.engines.panel.task import PanelTask

__all__ = ["PanelTask", "engine"]
