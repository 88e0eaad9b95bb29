"""driftline from schemaless Avro bytes to result rows on the DirectRunner, and its stages one by one.

Usage: driftline_pipeline.py ROUNDS. Prints one line of JSON. A round is half an hour of events.
"""

from __future__ import annotations

import time

PROCESS_START = time.perf_counter()

import json
import subprocess
import sys
from pathlib import Path

import apache_beam as beam
import pyarrow as pa
import yaml
from sampling import StackSampler
from scenario import Messages, Scenario, Seconds, make

from driftline.config import parse_config
from driftline.decoding.event_schema import EventSchema
from driftline.decoding.events import decode_events
from driftline.decoding.formats import MessageFormat
from driftline.measures.slicing import profile_events
from driftline.pipelines.monitor import judge_events
from driftline.transforms.sources.decode import DecodeMessages, MessageBatch
from driftline.transforms.spine.baseline_source import BaselineSource, read_baseline

BATCH = 5_000
ROOT = Path(__file__).parents[1]


class ReadMessages(beam.DoFn):
    """(batch, round) to batches of messages."""

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
            chosen = messages[first : first + BATCH]
            yield MessageBatch(chosen, "benchmark", range(len(chosen)))


def results_of(messages, scenario, config):
    """From batches of messages to result rows: the one place that names driftline's composition."""
    message_format = MessageFormat("avro", json.dumps(scenario.schema))
    decode = DecodeMessages(config.model, EventSchema.of(config), message_format)
    events = messages | beam.ParDo(decode).with_output_types(pa.RecordBatch)
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
    """Wall and CPU seconds of one run, and the result rows it gave."""
    CountRows.rows = 0
    start = Seconds()
    with beam.Pipeline("FnApiRunner") as pipeline:
        messages = pipeline | beam.Create(places, reshuffle=False) | beam.ParDo(ReadMessages(scenario))
        _ = results_of(messages, scenario, config) | beam.ParDo(CountRows())
    return start.spent(), CountRows.rows


def stages(scenario, config):
    """CPU microseconds a row of each stage alone, on the first messages, in a plain loop."""
    baseline, schema = read_baseline(config.baseline.path), EventSchema.of(config)
    decoder = MessageFormat("avro", json.dumps(scenario.schema)).decoder(schema)
    stored = Messages(scenario)
    spent = dict.fromkeys(("read messages", "decode and normalise", "profile (the kernel)"), 0.0)
    rows, events = 0, []
    for batch in range(min(stored.batches, 7)):
        start = Seconds()
        messages = stored.read(batch, 1)
        spent["read messages"] += start.spent()[1]
        start = Seconds()
        for first in range(0, len(messages), BATCH):
            events += [decode_events(decoder, messages[first : first + BATCH], schema).events]
        spent["decode and normalise"] += start.spent()[1]
        rows += len(messages)
    start = Seconds()
    for _ in profile_events(
        pa.Table.from_batches(events), baseline.layout, baseline.monitored, config.windows.every
    ):
        pass
    spent["profile (the kernel)"] = start.spent()[1]
    return {name: 1e6 * seconds / rows for name, seconds in spent.items()}


def main(rounds):
    """Start-up, the real run, then the stages."""
    imported = time.perf_counter() - PROCESS_START, time.process_time()
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
