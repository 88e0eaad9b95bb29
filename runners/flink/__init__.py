"""Flink: a local cluster for tests, benchmarks and the demo, and the options a driftline job needs on any."""
