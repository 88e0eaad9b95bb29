"""Flink: the options that a driftline job needs on any cluster, and its workers."""
