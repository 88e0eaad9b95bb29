"""Silence means that nothing drifted only where something could be told."""

from __future__ import annotations

import itertools

import pytest

from driftline.tables import Status
from driftline.verdicts.untold import Lack, lacking

STATUSES = [str(status) for status in Status]


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], Lack.RESULTS),
        (["ok"], Lack.REFERENCE_WINDOWS),
        (["no_data", "ok", "partial"], Lack.REFERENCE_WINDOWS),
        (["no_baseline"], Lack.BASELINE),
        (["no_data"], Lack.DATA),
        (["insufficient"], Lack.ROWS),
        (["partial"], Lack.ENOUGH_DATA),
        (["insufficient", "no_data"], Lack.ENOUGH_DATA),
    ],
)
def test_what_is_lacking_is_named(statuses, expected):
    assert lacking(statuses, told=False) is expected


def test_where_something_can_be_told_nothing_is_lacking():
    for some in itertools.chain.from_iterable(itertools.combinations(STATUSES, n) for n in range(6)):
        assert lacking(some, told=True) is None
        assert lacking(some, told=False) is not None
