"""Time to an event: Cox models, boosted Cox, DeepSurv and DeepHit; all answer with a cumulative hazard on a grid."""
