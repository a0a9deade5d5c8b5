"""Files of sequences, tables and survival: each becomes :class:`~suwen.core.sample.Samples`."""
