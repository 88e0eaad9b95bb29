"""Losses as a person writes them."""

from __future__ import annotations

import math

from driftline.report.wording import number, rate

_NAMES = {
    "zero_one": "Error rate",
    "log": "Mean log-loss",
    "absolute": "Mean absolute error",
    "squared": "Mean squared error",
}


def loss_name(loss: str) -> str:
    """Name the mean of a loss.

    Examples
    --------
    >>> loss_name("zero_one"), loss_name("absolute"), loss_name("")
    ('Error rate', 'Mean absolute error', 'Mean loss')
    """
    return _NAMES.get(loss, "Mean loss")


def loss_text(loss: str, value: float) -> str:
    """Write a mean loss.

    Examples
    --------
    >>> loss_text("zero_one", 0.1213), loss_text("log", 0.41234)
    ('12.1%', '0.412')
    """
    return rate(value) if loss == "zero_one" else number(value)


def losses_against(loss: str, now: float, normal: float, *, of_reference: bool) -> str:
    """Write a mean loss and what it was.

    Parameters
    ----------
    now, normal : float
        What is not finite is left out.
    of_reference : bool
        `normal` is of the reference; else of the time before a change.

    Examples
    --------
    >>> losses_against("zero_one", 0.121, 0.098, of_reference=True)
    'Error rate 12.1% against 9.8% of the reference'
    >>> losses_against("log", 0.5, 0.25, of_reference=False)
    'Mean log-loss 0.5 against 0.25 before'
    """
    if not math.isfinite(now):
        return f"{loss_name(loss)} unknown"
    text = f"{loss_name(loss)} {loss_text(loss, now)}"
    if not math.isfinite(normal):
        return text
    return f"{text} against {loss_text(loss, normal)} {'of the reference' if of_reference else 'before'}"
