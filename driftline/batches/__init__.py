"""Batch against batch, in memory and without event time: the job's own profiles, tests and decisions."""
