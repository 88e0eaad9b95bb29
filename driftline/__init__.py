"""Drift monitoring for model feature logs: profiles, statistics, baselines and guardrails, without Beam or IO."""
