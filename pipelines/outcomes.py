"""What is made of predictions and outcomes: how right the model is, and what detectors find."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import apache_beam as beam

from driftline.config.detectors import FEATURE, LOSS, Signal, whole_numbers
from transforms.detect_changes import DetectChanges, FeatureSignals, OutcomeSignals, StatisticSignals
from transforms.join_labels import SLICE as JOIN_SLICE
from transforms.monitor_performance import MonitorPerformance
from transforms.performance_references import BaselineReferences

if TYPE_CHECKING:
    from driftline.config import Config
    from driftline.config.labels import Labels
    from transforms.baseline_source import BaselineSource

_BLOCK = tuple[tuple[str, str], bytes]


def monitor_performance(
    config: Config, labels: Labels, baseline: BaselineSource, lateness: int | None
) -> MonitorPerformance:
    """Make the step from outcomes to the rows of the table `performance`.

    Parameters
    ----------
    config
        The configuration.
    labels
        Its labels.
    baseline
        Gives what rows are compared with.
    lateness
        How late rows may come, microseconds; None for bounded input.

    Returns
    -------
    MonitorPerformance
    """
    windows = config.windows
    return MonitorPerformance(
        config.model,
        labels.measure,
        windows.size,
        windows.every,
        labels.wait,
        lateness,
        config.tests.min_n,
        BaselineReferences(baseline),
    )


def detect_changes(
    config: Config,
    baseline: BaselineSource,
    lateness: int | None,
    *,
    events: beam.PCollection,
    results: beam.PCollection,
    outcomes: beam.PCollection | None,
) -> beam.PCollection:
    """Lay out the detectors of a configuration.

    Parameters
    ----------
    config
        The configuration.
    baseline
        Gives the monitored segments.
    lateness
        How late rows may come, microseconds; None for bounded input.
    events, results
        Record batches of normalised events, and of result rows.
    outcomes
        Record batches of `OUTCOMES`; None without labels.

    Returns
    -------
    PCollection of pyarrow.RecordBatch
        Rows of the table `detections`.
    """
    watches: dict[str, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
    for watch in config.detectors:
        watches[watch.signal].append((watch.detector, whole_numbers(watch.parameters)))
    signals = [Signal.parse(name) for name in watches]
    sources = []
    features = [signal.feature for signal in signals if signal.kind == FEATURE]
    if features:
        made = beam.ParDo(FeatureSignals(features, baseline)).with_output_types(_BLOCK)
        sources.append(events | "FeatureSignals" >> made)
    if LOSS in watches:
        assert config.labels is not None
        assert outcomes is not None
        made = beam.ParDo(OutcomeSignals(config.labels.measure)).with_output_types(_BLOCK)
        sources.append(outcomes | "OutcomeSignals" >> made)
    statistics = [str(signal) for signal in signals if signal.feature and signal.kind != FEATURE]
    if statistics:
        made = beam.ParDo(StatisticSignals(statistics)).with_output_types(_BLOCK)
        sources.append(results | "StatisticSignals" >> made)
    return (
        sources
        | "Signals" >> beam.Flatten()
        | "DetectChanges" >> DetectChanges(config.model, watches, lateness, hold_back={LOSS: JOIN_SLICE})
    )
