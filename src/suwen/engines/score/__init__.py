"""Published clinical scores as learners: what a doctor would use, beside what was learned."""

from suwen.engines.score.learner import ScoreLearner

__all__ = ["ScoreLearner"]
