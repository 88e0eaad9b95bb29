"""Drift detection on tables in memory: the job's own profiles, tests and decisions, without Beam."""
