"""How to launch a driftline job on each Beam runner."""
