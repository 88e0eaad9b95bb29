"""Sums over tails and scales are those that their definition has, however they are laid out."""

from __future__ import annotations

import numpy as np
import pytest

from driftline.statistics.null import predictive_tail as tail
from driftline.statistics.null.lookup_grid import P_GRID


@pytest.mark.parametrize("df", [1.0, 5.0, 60.0])
def test_a_mixed_survival_is_the_sum_over_all_places_of_a_draw(df):
    shape = np.random.default_rng(1).chisquare(df, 4000) / df
    mass = tail._mass(shape)
    known = [
        [mass @ row[place : place + len(mass)][::-1] for place in range(len(tail._PLACES))]
        for row in tail._scale_survival()
    ]
    np.testing.assert_allclose(tail.mixed_survival(shape), known, rtol=1e-10, atol=1e-300)


def test_averaged_quantiles_are_of_the_sum_over_all_scales_and_tails():
    rng = np.random.default_rng(2)
    weight = rng.dirichlet(np.ones(len(tail._TAILS) * len(tail._SCALES))).reshape(len(tail._TAILS), -1)
    survival = tail.f_survival(3.0)
    half, places = len(tail._SCALES) // 2, np.arange(len(tail._PLACES))
    p = np.zeros(len(places))
    for k in range(len(tail._SCALES)):
        p += weight[:, k] @ survival[:, np.clip(places - (k - half), 0, len(places) - 1)]
    known = np.interp(-np.log(P_GRID), -np.log(p), tail._PLACES)
    np.testing.assert_allclose(tail.averaged_quantiles(weight, survival), known, rtol=1e-9)
