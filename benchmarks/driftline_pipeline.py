"""driftline from schemaless Avro bytes to result rows on the DirectRunner, and its stages one by one.

Usage: driftline_pipeline.py ROUNDS. Prints one line of JSON. A round is half an hour of events.
"""

from __future__ import annotations

import time

PROCESS_START = time.perf_counter()

import json  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

import apache_beam as beam  # noqa: E402
import pyarrow as pa  # noqa: E402
import yaml  # noqa: E402
from sampling import StackSampler  # noqa: E402
from scenario import Messages, Scenario, make  # noqa: E402

from driftline.config import parse_config  # noqa: E402
from driftline.decoding.event_schema import EventSchema  # noqa: E402
from driftline.decoding.events import decode_events  # noqa: E402
from driftline.decoding.formats import MessageFormat  # noqa: E402
from driftline.slicing import profile_events  # noqa: E402
from pipelines.monitor import judge_events  # noqa: E402
from transforms.baseline_source import BaselineSource, read_baseline  # noqa: E402

BATCH = 5_000
ROOT = Path(__file__).parents[1]


class ReadMessages(beam.DoFn):
    """(batch, round) to lists of messages."""

    def __init__(self, scenario):
        """Keep the scenario."""
        self._scenario = scenario

    def setup(self):
        """Map the file."""
        self._messages = Messages(self._scenario)

    def process(self, place):
        """Hand over what a poll would."""
        messages = self._messages.read(*place)
        for first in range(0, len(messages), BATCH):
            yield messages[first : first + BATCH]


class DecodeMessages(beam.DoFn):
    """Lists of messages to normalised events."""

    def __init__(self, message_format, schema):
        """Keep the format and the columns."""
        self._format, self._schema = message_format, schema

    def setup(self):
        """Make the decoder."""
        self._decoder = self._format.decoder(self._schema)

    def process(self, messages):
        """Decode."""
        decoded = decode_events(self._decoder, messages, self._schema)
        assert not decoded.rejects
        yield from decoded.events if isinstance(decoded.events, (list, tuple)) else [decoded.events]


def results_of(messages, scenario, config):
    """From lists of messages to result rows: the one place that names driftline's composition."""
    schema = EventSchema.of(config)
    events = messages | beam.ParDo(DecodeMessages(MessageFormat("avro", json.dumps(scenario.schema)), schema))
    return judge_events(events, config, BaselineSource(config.baseline.path), streaming=False)


def prepare(scenario, **changes):
    """The scenario's configuration, with its data and its baseline made where they are missing."""
    folder = make(scenario)
    text = yaml.safe_dump(scenario.config(**changes))
    config = folder / "config.yaml"
    config.write_text(text)
    if not (folder / "baseline.avro").exists():
        command = [Path(sys.executable).with_name("driftline"), "baseline", config]
        subprocess.run(command, check=True, cwd=ROOT, stdout=sys.stderr)
    return parse_config(text)


class CountRows(beam.DoFn):
    """Counts result rows without keeping them; the runner shares the process."""

    rows = 0

    def process(self, batch):
        """Count one batch."""
        CountRows.rows += batch.num_rows


def run(scenario, config, places):
    """Seconds of one run, and the result rows it gave."""
    CountRows.rows = 0
    start = time.perf_counter()
    with beam.Pipeline("FnApiRunner") as pipeline:
        messages = pipeline | beam.Create(places, reshuffle=False) | beam.ParDo(ReadMessages(scenario))
        _ = results_of(messages, scenario, config) | beam.ParDo(CountRows())
    return time.perf_counter() - start, CountRows.rows


def stages(scenario, config):
    """Microseconds a row of each stage alone, on the first messages, in a plain loop."""
    baseline, schema = read_baseline(config.baseline.path), EventSchema.of(config)
    decoder = MessageFormat("avro", json.dumps(scenario.schema)).decoder(schema)
    stored = Messages(scenario)
    spent = dict.fromkeys(("read", "decode", "kernel"), 0.0)
    rows, events = 0, []
    for batch in range(min(stored.batches, 7)):
        begin = time.perf_counter()
        messages = stored.read(batch, 1)
        read = time.perf_counter()
        for first in range(0, len(messages), BATCH):
            events += [decode_events(decoder, messages[first : first + BATCH], schema).events]
        spent["read"] += read - begin
        spent["decode"] += time.perf_counter() - read
        rows += len(messages)
    table = pa.Table.from_batches(events)
    begin = time.perf_counter()
    for _ in profile_events(table, baseline.layout, baseline.monitored, config.windows.every):
        pass
    spent["kernel"] = time.perf_counter() - begin
    return {name: 1e6 * seconds / rows for name, seconds in spent.items()}


def main(rounds):
    """Start-up, the real run, then the stages."""
    imported = time.perf_counter() - PROCESS_START
    scenario = Scenario()
    config = prepare(scenario)
    batches = Messages(scenario).batches
    startup, _ = run(scenario, config, [(0, 0)])
    places = [(batch, turn) for turn in range(rounds) for batch in range(batches)]
    with StackSampler() as sampler:
        seconds, results = run(scenario, config, places)
    report = {"rows": scenario.rows * rounds, "import_s": imported, "startup_s": startup, "run_s": seconds}
    report |= {"results": results, "shares": sampler.shares, "stages_us": stages(scenario, config)}
    print(json.dumps(report))


if __name__ == "__main__":
    main(int(sys.argv[1]))
