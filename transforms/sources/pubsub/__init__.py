"""Pub/Sub as a source."""
