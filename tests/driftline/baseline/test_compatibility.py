"""Every way in which a baseline does not fit a configuration is one sentence with both values."""

from __future__ import annotations

import pytest

from driftline.baseline import BaselineError, decode_baseline
from driftline.baseline.compatibility import Wanted, check_fits, misfits
from driftline.config import parse_config
from tests.transforms.timelines import encoded_baseline, reference_events

ONE_LENGTH = "p-values are calibrated for one window length"
CONFIG = {
    "model": "m",
    "event_time": "{column: t, unit: us}",
    "segments": "[s]",
    "features": "{x: numeric, c: categorical}",
    "windows": "{size: 30m, every: 15m, allowed_lateness: 10m}",
    "source": '{files: {pattern: "*.parquet"}}',
    "baseline": "{path: b.avro}",
}


@pytest.fixture(scope="module")
def baseline():
    return decode_baseline(encoded_baseline(reference_events(windows=4, rows=60)), "b.avro")


def config(**changes):
    settings = CONFIG | changes
    return parse_config("\n".join(f"{key}: {value}" for key, value in settings.items() if value is not None))


def test_what_it_was_built_for_fits(baseline):
    assert misfits(baseline, Wanted.by(config())) == []
    check_fits(baseline, config(), "b.avro")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model": "n"}, "it was built for model 'm', the configuration is for 'n'"),
        ({"features": "{x: numeric, c: categorical, y: numeric}"}, "feature 'y' is not in it"),
        (
            {"features": "{x: categorical, c: categorical}"},
            "feature 'x' is numeric in it and categorical in the configuration",
        ),
        (
            {"features": "{x: numeric, c: numeric}"},
            "feature 'c' is categorical in it and numeric in the configuration",
        ),
        ({"features": "{x: numeric}"}, "it has feature 'c', which the configuration lacks"),
        ({"prediction": "p"}, "feature 'prediction' is not in it"),
        (
            {"tests": "{min_n: 20}"},
            "it was calibrated for windows of 50 rows and more, tests.min_n is 20",
        ),
        (
            {"windows": "{size: 1h, every: 15m}"},
            f"its windows.size is 30m, the configuration's is 1h: {ONE_LENGTH}",
        ),
        (
            {"windows": "{size: 30m, every: 10m}"},
            f"its windows.every is 15m, the configuration's is 10m: {ONE_LENGTH}",
        ),
        ({"segments": "[]"}, "its segments are ['s'], the configuration's are []"),
        ({"segments": "[s, r]"}, "its segments are ['s'], the configuration's are ['s', 'r']"),
        ({"segments": "[S]"}, "its segments are ['s'], the configuration's are ['S']"),
    ],
)
def test_each_misfit_is_one_sentence(baseline, changes, sentence):
    assert misfits(baseline, Wanted.by(config(**changes))) == [sentence]


def test_what_does_not_decide_may_differ(baseline):
    other = config(
        windows="{size: 30m, every: 15m, allowed_lateness: 3h}",
        source='{files: {pattern: "other/*.avro"}}',
        tests="{min_n: 70, alpha: 0.2}",
        event_time="when",
        features="{c: {kind: categorical, column: other}, x: numeric}",
    )
    assert misfits(baseline, Wanted.by(other)) == []


def test_windows_of_other_days_do_not_fit(baseline):
    other = config(windows="{size: 1d, every: 1d}", timezone="Europe/Berlin")
    assert misfits(baseline, Wanted.by(other))[-1] == (
        "it was built for windows from the epoch in UTC, the configuration asks for windows of days in "
        "Europe/Berlin: see timezone, and whether windows.size is in days, weeks (1w) or months (1mo)"
    )
    assert misfits(baseline, Wanted.by(config(timezone="Europe/Berlin"))) == []  # half hours follow the epoch


def test_all_misfits_are_said_at_once_with_the_file_and_the_remedy(baseline):
    with pytest.raises(BaselineError) as caught:
        check_fits(baseline, config(model="n", features="{z: numeric}", segments="[]"), "gs://b/base.avro")
    text = str(caught.value)
    assert "gs://b/base.avro does not fit" in text
    assert text.count("\n  - ") == 5
    assert "driftline baseline CONFIG" in text
    assert "baseline.path" in text
