"""Lightning's training loop as the house uses it: quiet, resumable at every epoch, deterministic."""
