"""What can be wrong with a baseline."""

from __future__ import annotations


class BaselineError(ValueError):
    """A baseline cannot be read, does not fit the configuration, or cannot be built.

    The message names the file or the thing, its value and the remedy.
    """
