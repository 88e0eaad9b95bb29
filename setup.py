"""What Beam's stager builds the workers' source distribution from; the metadata is in pyproject.toml."""

from setuptools import setup

setup()
