"""How event time is cut, and what is late."""
