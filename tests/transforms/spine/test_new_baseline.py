"""A stream whose baseline is replaced while it runs: windows before, astride and after the switch.

Windows are 30 minutes long, one every 15; the file is replaced between the two batches of a test::

    minute     0         15        30        45        60
    window     [--------- w0 ------]
                         [--------- w15 ------]
                                   [--------- w30 ------]
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import apache_beam as beam
import pyarrow as pa
import pytest
from apache_beam.metrics import MetricsFilter
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.testing.test_stream import TestStream
from apache_beam.utils.timestamp import Timestamp

from driftline.baseline import decode_baseline
from driftline.baseline.compatibility import Wanted, misfits
from driftline.config import parse_config
from driftline.pipelines.monitor import judge_events
from driftline.tables import standing_rows
from driftline.transforms.coders import RecordBatchCoder
from driftline.transforms.counters import BASELINE_REFUSED, NAMESPACE, TALLY, UNJUDGED
from driftline.transforms.spine import baseline_versions
from driftline.transforms.spine.baseline_source import BaselineSource
from tests.transforms.spine.test_late_data import CONFIG, _keep, of
from tests.transforms.timelines import MINUTE, encoded_baseline, events, reference_events

HEADLESS = events([], [])


@pytest.fixture(scope="module")
def editions():
    return [encoded_baseline(reference_events(seed=seed, windows=10, rows=100)) for seed in range(3)]


@pytest.fixture(autouse=True)
def always_look(monkeypatch):
    monkeypatch.setattr(baseline_versions, "LOOK_EVERY", 0.0)


def version(data):
    return decode_baseline(data, "b").version


class Play(beam.PTransform):
    """Judge a timeline of events in which the baseline's file is written now and then."""

    def __init__(self, config, path):
        self.config, self.path = config, path

    def expand(self, batches):
        source = BaselineSource(self.path, follow=partial(misfits, wanted=Wanted.by(self.config)))
        return judge_events(batches | "Swap" >> beam.Map(_swap), self.config, source, streaming=True)


def _swap(batch):
    """Write what the batch carries instead of rows."""
    for name, data in (batch.schema.metadata or {}).items():
        Path(name.decode()).write_bytes(data)
    return batch.replace_schema_metadata(None)


def play(path, steps):
    """Play batches (RecordBatch), watermarks (minutes) and new baselines (bytes); give rows and counters."""
    stream = TestStream(coder=RecordBatchCoder())
    current = Path(path).read_bytes()
    for step in steps:
        if isinstance(step, bytes):
            written = {path + ".previous": current, path: step}
            marker = HEADLESS.replace_schema_metadata(written)
            stream = stream.add_elements([beam.window.TimestampedValue(marker, Timestamp(0))])
            current = step
        elif isinstance(step, pa.RecordBatch):
            at = Timestamp(micros=int(min(step["time"].to_numpy())))
            stream = stream.add_elements([beam.window.TimestampedValue(step, at)])
        else:
            stream = stream.advance_watermark_to(Timestamp(micros=int(step * MINUTE)))
    stream = stream.advance_watermark_to_infinity()
    options = PipelineOptions([])
    options.view_as(StandardOptions).streaming = True
    with TemporaryDirectory() as directory:
        pipeline = beam.Pipeline("BundleBasedDirectRunner", options=options)
        results = pipeline | stream | "Judge" >> Play(parse_config(CONFIG % path), path)
        _ = results | "Keep" >> beam.Map(_keep, directory)
        result = pipeline.run()
        result.wait_until_finish()
        emitted = sorted(Path(directory).iterdir())
        rows = [row for name in emitted for row in RecordBatchCoder().decode(name.read_bytes()).to_pylist()]
    return rows, result


@pytest.fixture
def path(tmp_path, editions):
    (tmp_path / "b.avro").write_bytes(editions[0])
    return str(tmp_path / "b.avro")


def standing(rows):
    table = standing_rows(pa.Table.from_pylist(rows))
    return {
        (row["segment"], row["feature"], row["window_start"].timestamp() // 60): row
        for row in table.to_pylist()
    }


def test_windows_after_the_switch_are_judged_by_the_new_version(path, editions):
    first, second = (version(data) for data in editions[:2])
    before = TALLY.snapshot().get(UNJUDGED, 0)
    rows, _ = play(path, [events([5] * 60, "A" * 60), 61, editions[1], events([65] * 60, "A" * 60), 120])
    judged_by = {row["window_start"].timestamp() // 60: row["baseline_version"] for row in rows}
    assert judged_by == {-15: first, 0: first, 45: second, 60: second}
    assert TALLY.snapshot().get(UNJUDGED, 0) == before


def test_the_rows_after_a_switch_are_those_of_a_job_that_began_with_the_new_version(path, editions):
    batch = events([65] * 40 + [70] * 60, "AB" * 50, x=[0.1 * i for i in range(100)])
    switched, _ = play(path, [events([5] * 60, "A" * 60), 61, editions[1], batch, 120])
    fresh, _ = play(path, [batch, 120])  # the file is still the second
    own = ("emitted_at",)
    late = {key: row for key, row in standing(switched).items() if key[2] >= 45}
    assert {key: {n: v for n, v in row.items() if n not in own} for key, row in late.items()} == {
        key: {n: v for n, v in row.items() if n not in own} for key, row in standing(fresh).items()
    }


@pytest.mark.parametrize(("before", "after"), [(60, 200), (200, 60)])
def test_of_a_window_astride_the_switch_the_version_with_more_rows_stands(path, editions, before, after):
    settled = TALLY.snapshot().get("windows", 0)
    rows, _ = play(
        path, [events([16] * before, "A" * before), editions[1], events([28] * after, "A" * after), 120]
    )
    # once for each version, as docs/how-to/metrics.md says: no step sees both
    assert TALLY.snapshot()["windows"] - settled == 4
    assert {row["window_start"].timestamp() // 60 for row in rows} == {0, 15}
    astride = of(rows, start=15)
    assert {(row["baseline_version"], row["n"]) for row in astride} == {
        (version(editions[0]), before),
        (version(editions[1]), after),
    }
    assert {row["pane"] for row in astride} == {"on_time"}
    assert len({row["row_id"] for row in astride}) == 1
    assert {row["coverage"] for row in astride} == {1 / 8}  # each of its own share
    stands = standing(rows)["*", "x", 15]
    assert (stands["n"], stands["baseline_version"]) == (
        max(before, after),
        version(editions[after > before]),
    )
    b = standing(rows)["s=B", "x", 15]
    assert (b["status"], b["n"]) == ("no_data", 0)


def test_a_late_row_is_judged_by_what_profiled_it_and_corrects_only_that(path, editions):
    early, late = events([16] * 60, "A" * 60), events([17] * 5, "A" * 5)
    rows, _ = play(path, [early, 31, editions[1], late, 120])
    assert {(row["n"], row["baseline_version"]) for row in of(rows, start=15)} == {
        (60, version(editions[0])),
        (5, version(editions[1])),
    }
    assert standing(rows)["*", "x", 15]["n"] == 60


def test_after_two_switches_within_a_window_every_row_is_judged(path, editions):
    steps = [events([16] * 60, "A" * 60), editions[1], events([17] * 70, "A" * 70)]
    before = TALLY.snapshot().get(UNJUDGED, 0)
    rows, _ = play(path, [*steps, editions[2], events([18] * 80, "A" * 80), 120])
    judged = {(row["n"], row["baseline_version"]) for row in of(rows, start=15)}
    assert judged == {(60, version(editions[0])), (70, version(editions[1])), (80, version(editions[2]))}
    assert TALLY.snapshot().get(UNJUDGED, 0) == before


@pytest.mark.parametrize(
    "bad",
    [b"nothing", pytest.param("cut", id="cut short"), pytest.param("model", id="of another model")],
)
def test_a_bad_file_does_not_stop_the_stream(path, editions, bad):
    files = {
        "cut": editions[1][:-9],
        "model": encoded_baseline(reference_events(windows=4, rows=60), model="z"),
    }
    steps = [events([5] * 60, "A" * 60), files.get(bad, bad), events([6] * 60, "A" * 60), 61]
    before = TALLY.snapshot().get(BASELINE_REFUSED, 0)
    rows, _ = play(path, steps)
    assert {row["baseline_version"] for row in rows} == {version(editions[0])}
    assert {row["n"] for row in of(rows, start=0)} == {120}
    assert TALLY.snapshot()[BASELINE_REFUSED] - before == 1


def test_profiles_whose_baseline_is_lost_are_counted_and_the_job_goes_on(path, editions, monkeypatch):
    monkeypatch.setattr(baseline_versions, "_MOST_VERSIONS", 1)
    steps = [events([16] * 60, "A" * 60), editions[1], editions[2], events([18] * 80, "A" * 80), 120]
    before = TALLY.snapshot().get(UNJUDGED, 0)
    rows, _ = play(path, steps)
    assert {row["n"] for row in of(rows, start=15)} == {80}
    # two blocks in two windows
    assert TALLY.snapshot()[UNJUDGED] - before == 60 * 2 * 2


def test_how_long_a_window_waits_for_its_rows_is_a_distribution(path):
    pipeline = beam.Pipeline("FnApiRunner")
    batches = pipeline | beam.Create([events([5] * 60, "A" * 60)]).with_output_types(pa.RecordBatch)
    _ = batches | Play(parse_config(CONFIG % path), path)
    result = pipeline.run()
    result.wait_until_finish()
    [delay] = result.metrics().query(MetricsFilter().with_namespace(NAMESPACE))["distributions"]
    assert delay.key.metric.name == "window_delay_ms"
    assert delay.result.count == 2
    assert delay.result.min > 50 * 365 * 86_400_000  # these events are of 1970
