"""Servers and launchers for the tests, benchmarks and demos of this repository; no part of the package."""
