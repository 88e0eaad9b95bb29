"""List the names that running jobs hold on to: step labels, states, timers, coders, tags, versions.

``python -m tests.contract.state_names > tests/contract/state_names.txt`` accepts a change of them.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from unittest.mock import patch

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.transforms.userstate import BagStateSpec, StateSpec, TimerSpec

import driftline
from driftline.config import parse_config
from driftline.framing import Head
from driftline.pipelines.configured_sources import event_reader, label_reader
from driftline.pipelines.stream import lay_out_stream
from driftline.schemas.fields import RowSchema
from driftline.transforms.sources.kafka.partition import Partition

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

HEADER = """\
# What running jobs hold on to. A job that goes on from a savepoint finds its state by step label and state
# name, reads it with the coder, and knows the bytes by tag and version: a change here breaks savepoints.
# Where one is meant, say so in CHANGELOG.md with what a user must do, and accept it:
#     python -m tests.contract.state_names > tests/contract/state_names.txt
"""
EVENTS = """
model: m
event_time: {column: at, unit: ms}
request_id: id
prediction: score
segments: [s]
features: {x: numeric, c: categorical}
source:
  kafka: {brokers: ["b:9092"], topic: events, format: json, deduplicate: %s}
baseline: {path: b.avro}
sinks:
  - kafka: {brokers: ["b:9092"], results: r, performance: p, detections: d, dead_letters: l}
  - files: {path: out}
"""
LABELS = """
labels:
  column: y
  source: {kafka: {brokers: ["b:9092"], topic: labels, format: json, event_time: record}}
"""
LABELS_OF_FILES = """
labels: {column: y, time: known, source: {files: {pattern: labels.jsonl}}}
"""
A_LABEL = '{"id": "a", "y": 1, "known": "2024-01-01T00:00:00Z"}'
LABELS_IN_EVENTS = """
labels: {column: y}
"""
DETECTORS = """
detectors:
  - {signal: loss, detector: adwin}
  - {signal: learning_gap, detector: adwin}
  - {signal: feature.x, detector: page_hinkley}
  - {signal: psi.x, detector: kswin}
"""
LAYOUTS = {
    "everything, labels from Kafka": (EVENTS % "true" + LABELS + DETECTORS, False),
    "everything, labels from files": (EVENTS % "true" + LABELS_OF_FILES + DETECTORS, False),
    "labels in the events, duplicates kept": (EVENTS % "false" + LABELS_IN_EVENTS + DETECTORS, False),
    "no labels, no detectors": (EVENTS % "false", False),
    "everything, on the local runner": (EVENTS % "true" + LABELS + DETECTORS, True),
}
"""Streams that hold every step between them, and whether this process reads them."""

BEAMS_LINE = re.compile(r"(?<=core\.py):\d+")
"""Where in Beam's own code a step of `Create` stands, which its next release may change."""

STARTING = "driftline.transforms.sources.kafka.positions.starting_partitions"
"""What asks the broker."""

FORMAT_NAME = re.compile(r"_?([A-Z]+_)*(TAG|MAGIC|VERSION|FORMAT)$")
"""Constants that bytes begin with."""


@dataclass
class Step:
    """A step that does work, as a runner sees it."""

    label: str
    keyed: str = ""
    states: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Write it down: the label, then what it keeps."""
        keyed = [f"takes {self.keyed}"] if self.keyed else []
        return [self.label, *(f"    {line}" for line in [*keyed, *self.states])]


def specs_of(dofn: type[beam.DoFn] | beam.DoFn) -> list[str]:
    """States and timers of a DoFn: kind, name, coder or time domain."""
    found = inspect.getmembers(dofn, lambda value: isinstance(value, (StateSpec, TimerSpec)))
    return sorted(_described(spec) for _, spec in found)


def _described(spec: StateSpec | TimerSpec) -> str:
    if isinstance(spec, TimerSpec):
        return f"timer {spec.name.removeprefix(spec.prefix)}: {spec.time_domain}"
    kind = "bag" if isinstance(spec, BagStateSpec) else type(spec).__name__.removesuffix("StateSpec")
    return f"{kind} {spec.name}: {spec.coder}"


class _Steps(beam.pipeline.PipelineVisitor):
    """Collects what is no composite."""

    def __init__(self) -> None:
        self.found: list[Step] = []

    def visit_transform(self, node: beam.pipeline.AppliedPTransform) -> None:
        step = Step(BEAMS_LINE.sub("", node.full_label))
        if isinstance(node.transform, beam.ParDo):
            step.states = specs_of(node.transform.dofn)
        if step.states or isinstance(node.transform, beam.GroupByKey):
            (collection,) = node.main_inputs.values()
            # Flink stores the key with the state, and what a GroupByKey takes
            step.keyed = str(beam.coders.registry.get_coder(collection.element_type))
        self.found.append(step)


@cache
def steps_of(text: str, *, in_process: bool) -> list[Step]:
    """Steps of a stream, in the order in which they are laid out; nothing is read or run."""
    pipeline = beam.Pipeline(options=PipelineOptions(["--streaming"]))
    with (
        patch(STARTING, lambda *_, **__: [Partition("t", 0, 0)]),
        TemporaryDirectory() as folder,
    ):
        path = Path(folder, "labels.jsonl")
        path.write_text(A_LABEL)
        config = parse_config(text.replace(path.name, str(path)), environ={})
        reader = event_reader(config, bounded=False, in_process=in_process)
        labels = label_reader(config, bounded=False, in_process=in_process)
        lay_out_stream(pipeline, config, reader, labels)
    steps = _Steps()
    pipeline.visit(steps)
    return steps.found


def modules(package: ModuleType) -> Iterator[ModuleType]:
    """A package and all below it."""
    yield package
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)


def stateful_dofns() -> dict[str, list[str]]:
    """What each stateful DoFn of the package keeps, by its class."""
    found = {
        value.__qualname__: specs_of(value)
        for module in modules(driftline)
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, beam.DoFn) and value.__module__ == module.__name__
    }
    return {name: specs for name, specs in sorted(found.items()) if specs}


def formats() -> dict[str, dict[str, bytes | int]]:
    """Tags and versions of bytes, by the module, or the class of a module, that says them."""
    found: dict[str, dict[str, bytes | int]] = {}
    for module in modules(driftline):
        tree = ast.parse(inspect.getsource(module))
        heads, constants = dict(_heads(module)), dict(_constants(tree.body))
        again = [name for name, value in constants.items() if name == "TAG" and value in heads.values()]
        found[module.__name__] = {name: constants[name] for name in constants if name not in again} | heads
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                found[f"{module.__name__}.{node.name}"] = dict(_constants(node.body))
    return {where: found[where] for where in sorted(found) if found[where]}


def _heads(module: ModuleType) -> Iterator[tuple[str, bytes | int]]:
    """Tags and versions of the fixed heads of a module."""
    for name, head in vars(module).items():
        if isinstance(head, Head):
            yield f"{name.strip('_')} VERSION", head._version
            yield f"{name.strip('_')} TAG", head._tag


def _constants(body: list[ast.stmt]) -> Iterator[tuple[str, bytes | int]]:
    """Constants of formats that are written out, not those that repeat another one."""
    for statement in body:
        if not isinstance(statement, (ast.Assign, ast.AnnAssign)) or statement.value is None:
            continue
        target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
        pairs = [(target, statement.value)]
        if isinstance(target, ast.Tuple) and isinstance(statement.value, ast.Tuple):
            pairs = list(zip(target.elts, statement.value.elts, strict=True))
        for name, value in pairs:
            if not (isinstance(name, ast.Name) and FORMAT_NAME.match(name.id)):
                continue
            if isinstance(value, ast.Constant) and isinstance(value.value, (bytes, int)):
                yield name.id.strip("_"), value.value


def row_schemas() -> list[str]:
    """Name and version of the rows of every table."""
    found = {
        f"{value.name} {value.version}"
        for module in modules(driftline)
        for value in vars(module).values()
        if isinstance(value, RowSchema)
    }
    return sorted(found)


def listed() -> str:
    """Everything, as it is checked in."""
    lines = [HEADER.rstrip()]
    known: set[str] = set()
    for title, (text, in_process) in LAYOUTS.items():
        new = [step for step in steps_of(text, in_process=in_process) if step.label not in known]
        known |= {step.label for step in new}
        lines += ["", f"## steps: {title}" + (", what is not above" if title != next(iter(LAYOUTS)) else "")]
        lines += [line for step in new for line in step.lines()]
    lines += ["", "## tags and versions of bytes"]
    for where, values in formats().items():
        lines.append(where + ": " + ", ".join(f"{name} {value!r}" for name, value in values.items()))
    lines += ["", "## rows and their versions", *row_schemas()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(listed(), end="")  # noqa: T201
