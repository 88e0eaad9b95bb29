"""Mergeable summaries of a block of features: counts, moments, digests, sketches."""
