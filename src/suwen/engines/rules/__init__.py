"""Published clinical scores: tables applied as they stand. Nothing is learned, everything is checked."""

from suwen.engines.rules.engine import engine
from suwen.engines.rules.task import RulesTask

__all__ = ["RulesTask", "engine"]
