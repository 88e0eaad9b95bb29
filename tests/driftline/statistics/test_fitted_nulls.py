"""The null of a reference is the one it has always been: p-values do not move unnoticed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.driftline.statistics.fitted_nulls import fitted_nulls

KNOWN = json.loads(Path(__file__).with_name("fitted_nulls.json").read_text())


@pytest.fixture(scope="module")
def now():
    return fitted_nulls()


def test_there_are_no_others(now):
    assert list(now) == list(KNOWN)


@pytest.mark.parametrize("name", KNOWN)
def test_it_is_as_ever(now, name):
    for statistic, known in KNOWN[name].items():
        for key, value in known.items():
            found = now[name][statistic][key]
            np.testing.assert_allclose(found, value, rtol=1e-4, atol=2e-4, err_msg=f"{statistic} {key}")
