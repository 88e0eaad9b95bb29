"""Silence means that nothing drifted only where something could be told."""

from __future__ import annotations

import itertools

import pytest

from driftline.tables import Status
from driftline.verdicts.untold import Lack, ModelLack, lacking, lacking_of_model

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


ALL = {"rows": True, "labelled": True, "reference": True, "judged": True, "tested": True, "watched": False}


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ([], None),
        (["rows", "labelled", "reference", "judged", "tested"], ModelLack.ROWS),
        (["labelled", "reference", "judged", "tested"], ModelLack.LABELS),
        (["reference", "judged", "tested"], ModelLack.REFERENCE),
        (["judged", "tested"], ModelLack.ENOUGH_LABELS),
        (["tested"], ModelLack.REFERENCE_WINDOWS),
    ],
)
def test_the_first_thing_a_model_lacks_is_named(missing, expected):
    assert lacking_of_model(**ALL | dict.fromkeys(missing, False)) is expected


def test_detectors_make_up_for_windows_of_the_reference_and_for_nothing_else():
    assert lacking_of_model(**ALL | {"tested": False, "watched": True}) is None
    assert lacking_of_model(**ALL | {"judged": False, "watched": True}) is ModelLack.ENOUGH_LABELS
    assert lacking_of_model(**ALL | {"reference": False, "watched": True}) is ModelLack.REFERENCE
