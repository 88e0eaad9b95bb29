"""What is made of predictions and outcomes: how right the model is, and what detectors find."""

from __future__ import annotations

from collections import defaultdict
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import apache_beam as beam

from driftline.config.detectors import Signal
from driftline.config.errors import ConfigError, Problem
from driftline.outcomes.travelling_features import FeatureLayout
from driftline.signals.alarm_limits import FEWEST_VALUES
from driftline.signals.alarm_limits_measure import PART, is_calibrated
from driftline.signals.signal_state import parameters_in_job
from driftline.tables.detections import FEATURE, LEARNING_GAP, LOSS
from driftline.transforms.decide.calibration import Calibration
from driftline.transforms.decide.detect_changes import (
    DetectChanges,
    FeatureSignals,
    OutcomeSignals,
    StatisticSignals,
)
from driftline.transforms.looks import SLICE
from driftline.transforms.outcomes.learn_online import LearnOnline
from driftline.transforms.outcomes.monitor_performance import MonitorPerformance
from driftline.transforms.outcomes.performance_references import BaselineReferences

if TYPE_CHECKING:
    from driftline.baseline import Baseline
    from driftline.config import Config
    from driftline.config.labels import Labels
    from driftline.transforms.spine.baseline_source import BaselineSource

_BLOCK = tuple[tuple[str, str], bytes]


def monitor_performance(
    config: Config, labels: Labels, baseline: BaselineSource, lateness: int | None
) -> MonitorPerformance:
    """Make the step from outcomes to the rows of the table `performance`.

    Parameters
    ----------
    baseline
        Gives what rows are compared with.
    lateness
        How late rows may come, microseconds; None for bounded input.
    """
    windows = config.windows
    return MonitorPerformance(
        config.model,
        labels.measure,
        windows.size,
        windows.every,
        labels.wait if labels.source is not None else 0,  # what comes with the events is known at once
        lateness,
        config.tests.min_n,
        BaselineReferences(baseline),
    )


def check_learning(config: Config) -> None:
    """Refuse to learn online without scikit-learn, before anything starts.

    Raises
    ------
    ConfigError
        If a detector watches `learning_gap` and scikit-learn is not installed.
    """
    if find_spec("sklearn") is not None:
        return
    remedy = "pip install 'driftline[online]', here and on the workers; or remove the detector"
    problems = [
        Problem(
            f"detectors.{number}.signal", "needs scikit-learn, which is not installed", remedy, LEARNING_GAP
        )
        for number, watch in enumerate(config.detectors)
        if watch.signal == LEARNING_GAP
    ]
    if problems:
        raise ConfigError(config.name, problems)


def learnt_features(config: Config) -> FeatureLayout | None:
    """Say which features travel with predictions to their labels.

    Returns
    -------
    FeatureLayout or None
        All features but the prediction; None where no detector watches `learning_gap`.
    """
    if all(watch.signal != LEARNING_GAP for watch in config.detectors):
        return None
    return FeatureLayout.of({name: feature.kind for name, feature in config.features.items()})


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
    baseline
        Gives the monitored segments.
    lateness
        How late rows may come, microseconds; None for bounded input.
    events, results
        Record batches of normalised events, and of result rows.
    outcomes
        Record batches of `OUTCOMES`, with features if a detector watches `learning_gap`; None without labels.

    Returns
    -------
    PCollection of pyarrow.RecordBatch
        Rows of the table `detections`.
    """
    watches: dict[str, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
    for watch in config.detectors:
        errors = watch.signal == LOSS and config.labels is not None and config.labels.loss == "zero_one"
        parameters = parameters_in_job(watch.detector, watch.parameters, errors=errors)
        watches[watch.signal].append((watch.detector, parameters))
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
    layout = learnt_features(config)
    if layout is not None:
        assert outcomes is not None
        sources.append(outcomes | "LearnOnline" >> LearnOnline(layout, lateness, SLICE))
    statistics = [str(signal) for signal in signals if signal.feature and signal.kind != FEATURE]
    if statistics:
        made = beam.ParDo(StatisticSignals(statistics)).with_output_types(_BLOCK)
        sources.append(results | "StatisticSignals" >> made)
    hold_back = {LOSS: SLICE, LEARNING_GAP: 2 * SLICE}
    detect = DetectChanges(
        config.model, watches, lateness, hold_back=hold_back, calibration=_calibration(config, baseline)
    )
    return sources | "Signals" >> beam.Flatten() | "DetectChanges" >> detect


def check_calibration(config: Config, baseline: Baseline) -> None:
    """Refuse a baseline that cannot calibrate detectors for which the configuration says ``true``.

    Raises
    ------
    ConfigError
        If it was built without labels, from too few, or by an earlier release.
    """
    if is_calibrated(baseline.of_part(PART.name)):
        return
    remedy = f"build the baseline again with {FEWEST_VALUES:,} labels or more, or remove calibrated"
    problems = [
        Problem(
            f"detectors[{number}].calibrated", "has nothing to calibrate on", remedy, config.baseline.path
        )
        for number, watch in enumerate(config.detectors)
        if watch.calibrated
    ]
    if problems:
        raise ConfigError(config.name, problems)


def calibration_of_detectors(config: Config, baseline: Baseline) -> list[str]:
    """Say which segments are without calibrated detectors, where they are wanted."""
    entries = baseline.of_part(PART.name)
    if not calibrated_detectors(config):
        return []
    if not is_calibrated(entries):
        remark = (
            "note: detectors of the loss are not calibrated, so each storm is a detection: the baseline has "
            f"fewer than {FEWEST_VALUES:,} labels, or an earlier release built it; build it again, or set "
            "calibrated: false"
        )
        return [remark]
    silent = [segment for segment in baseline.segments if segment not in entries]
    if not silent:
        return []
    named = ", ".join(silent[:3]) + (", ..." if len(silent) > 3 else "")
    remark = (
        f"note: calibrated detectors of the loss are silent in {len(silent)} of {len(baseline.segments)} "
        f"segments ({named}): fewer than {FEWEST_VALUES:,} labels in the reference"
    )
    return [remark]


def calibrated_detectors(config: Config) -> list[str]:
    """Name the detectors of the loss that are calibrated where the baseline can."""
    return [
        watch.detector for watch in config.detectors if watch.signal == LOSS and watch.calibrated is not False
    ]


def _calibration(config: Config, baseline: BaselineSource) -> Calibration | None:
    names = calibrated_detectors(config)
    return Calibration(baseline, {LOSS: names}, config.tests.false_alarms) if names else None
