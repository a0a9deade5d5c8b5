"""The one life cycle: collect, prepare, train, evaluate, deploy, then predict and explain."""
