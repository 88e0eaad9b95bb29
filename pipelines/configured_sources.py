"""The sources of a configuration: what is read, by whom, and each event once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftline.config.errors import ConfigError
from driftline.config.sources import SOURCES
from driftline.decoding.event_schema import EventSchema
from driftline.transforms.sources.drop_duplicates import DropDuplicates
from driftline.transforms.sources.source import NotThereYetError, Reading
from driftline.windows.lateness import LateRule
from driftline.windows.slices import slice_length

if TYPE_CHECKING:
    import apache_beam as beam

    from driftline.config import Config
    from driftline.config.sources import Source as Configured
    from driftline.transforms.sources.source import Reader, Source


def source_of(configured: Configured) -> Source:
    """Find the source that a configuration names."""
    found: Source = SOURCES.load(configured.kind)
    return found


def event_reader(config: Config, *, bounded: bool, in_process: bool = False, judged: bool = False) -> Reader:
    """Make what reads the events.

    Parameters
    ----------
    bounded
        Whether an endless source is read to its present end only.
    in_process
        Whether a stream is read by this process, on the local runner.
    judged
        Whether events are compared with a baseline, so that features that are gone are found by the job.

    Returns
    -------
    Reader
        However often it is applied, it reads the same events.

    Raises
    ------
    ConfigError
        If the source cannot be what the configuration describes.
    """
    reading = _event_reading(config, bounded=bounded, in_process=in_process, judged=judged)
    return _reader(config.source, reading)


def label_reader(config: Config, *, bounded: bool, in_process: bool = False) -> Reader | None:
    """Make what reads the labels, if they do not come with the events."""
    configured = config.labels.source if config.labels is not None else None
    if configured is None:
        return None
    reading = _label_reading(config, configured, bounded=bounded, in_process=in_process)
    return _reader(configured, reading)


def check_events(config: Config, *, bounded: bool) -> list[str]:
    """Refuse a source of events that a job would, as far as that can be told without a connection.

    Returns
    -------
    list of str
        What was checked.

    Raises
    ------
    NotThereYetError
        If there is nothing to read, or nothing that reads it.
    ConfigError
        If the source cannot be what the configuration describes.
    """
    return source_of(config.source).check(_event_reading(config, bounded=bounded))


def check_sources(config: Config) -> list[str]:
    """Refuse sources that cannot work; events may come later, and labels only if events do.

    Returns
    -------
    list of str
        What was checked, and what could not be yet.
    """
    remarks, there = [], True
    try:
        remarks += check_events(config, bounded=True)
    except NotThereYetError as error:
        remarks, there = [error.remark], False
    configured = config.labels.source if config.labels is not None else None
    if configured is not None:
        try:
            found = source_of(configured).check(_label_reading(config, configured))
        except NotThereYetError as error:
            if there:
                raise
            found = [error.remark]
        remarks += [f"labels: {remark}" for remark in found]
    return remarks


def look_at_sources(config: Config) -> list[str]:
    """Read some events, and some labels that are apart, as a job does; `check_sources` found nothing wrong.

    Returns
    -------
    list of str
        What they are like.

    Raises
    ------
    ConfigError
        If not one of them can be used.
    """
    readings = [(config.source, _event_reading(config, bounded=True), "")]
    labels = config.labels.source if config.labels is not None else None
    if labels is not None:
        readings.append((labels, _label_reading(config, labels), "labels: "))
    said = []
    for configured, reading, prefix in readings:
        source = source_of(configured)
        try:
            source.check(reading)
        except NotThereYetError:
            continue
        said += [f"{prefix}{remark}" for remark in source.look(reading)]
    return said


def why_unusable(config: Config) -> str:
    """Say why the first events cannot be used, where they can be looked at again; else nothing."""
    try:
        source_of(config.source).look(_event_reading(config, bounded=True))
    except ConfigError as error:
        return "; ".join(problem.message for problem in error.problems)
    return ""


def without_duplicates(events: beam.PCollection, config: Config) -> beam.PCollection:
    """Drop what a retrying producer sent twice, where the configuration asks for it.

    Parameters
    ----------
    events
        Record batches of normalised events.
    """
    if not config.source.settings.drops_duplicates:
        return events
    windows = config.windows
    # a duplicate is one within a slice: the same slices, so that a job that ends drops what a stream drops
    length = slice_length(windows.every, streaming=True)
    late_by = windows.size - length.slice + windows.allowed_lateness
    return events | "DropDuplicates" >> DropDuplicates(length, late_by)


def _reader(configured: Configured, reading: Reading) -> Reader:
    source = source_of(configured)
    source.check(reading)
    return source.reader(reading)


def _event_reading(
    config: Config, *, bounded: bool, in_process: bool = False, judged: bool = False
) -> Reading:
    source, windows = config.source, config.windows
    length = slice_length(windows.every, streaming=not bounded)
    return Reading(
        settings=source.settings,
        key=source.key("source"),
        name=config.name,
        model=config.model,
        schema=EventSchema.of(config, deduplicate=source.settings.drops_duplicates),
        late=LateRule(windows.size, length.slice, windows.allowed_lateness),
        bounded=bounded,
        in_process=in_process,
        judged=judged,
    )


def _label_reading(
    config: Config, source: Configured, *, bounded: bool = True, in_process: bool = False
) -> Reading:
    return Reading(
        settings=source.settings,
        key=source.key("labels.source"),
        name=config.name,
        model=config.model,
        schema=EventSchema.of_labels(config),
        late=LateRule.never(config.windows.allowed_lateness),  # the join decides which come too late
        bounded=bounded,
        in_process=in_process,
    )
