"""Predictions and their labels: joined, profiled, compared and learnt from."""
