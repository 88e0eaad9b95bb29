"""Check a configuration as far as that goes without running a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apache_beam.io.filesystems import FileSystems

from driftline.baseline.reference_windows import calibration_remarks
from driftline.decoding.event_schema import EventSchema
from driftline.pipelines.job import check_input
from driftline.pipelines.kafka import check_label_format, checked_format
from driftline.pipelines.labels import check_labels, outcome_remarks
from driftline.pipelines.monitor import fitting_baseline

if TYPE_CHECKING:
    from driftline.config import Config
    from driftline.config.sources import PubSubSource


def validate_config(config: Config) -> list[str]:
    """Check the input's columns and the baseline where they exist already.

    Parameters
    ----------
    config
        The configuration.

    Returns
    -------
    list of str
        Remarks: what was checked, what could not be yet.

    Raises
    ------
    ConfigError, BaselineError
        If something is wrong.
    """
    remarks = []
    files = config.source.files
    if files is not None and FileSystems.match([files.pattern])[0].metadata_list:
        check_input(config, files.pattern)
        remarks.append(f"input {files.pattern}: every configured column is there")
    elif files is not None:
        remarks.append(f"input {files.pattern}: no such file yet, its columns were not checked")
    kafka = config.source.kafka
    if kafka is not None:
        checked_format(config, kafka, EventSchema.of(config))
        topics = kafka.topic_pattern or ", ".join(kafka.topics)
        remarks.append(f"kafka {topics}: the format fits; the brokers were not asked")
    if config.source.pubsub is not None:
        remarks.append(_not_read(config.source.pubsub, "--input"))
    remarks += _label_remarks(config)
    if FileSystems.exists(config.baseline.path):
        baseline = fitting_baseline(config)
        remarks.append(
            f"baseline {config.baseline.path}: fits, version {baseline.version}, "
            f"{baseline.windows} reference windows"
        )
        remarks += calibration_remarks(baseline.windows)
        remarks += outcome_remarks(config, baseline)
    else:
        remarks.append(f"baseline {config.baseline.path}: not built yet, run `driftline baseline`")
    return remarks


def _not_read(pubsub: PubSubSource, option: str) -> str:
    return (
        f"pubsub {pubsub.subscription}: is not read by this release; monitor needs files or kafka, "
        f"baseline and backtest these or {option}"
    )


def _label_remarks(config: Config) -> list[str]:
    source = config.labels.source if config.labels is not None else None
    if source is None:
        return []
    if source.kafka is not None:
        check_label_format(config, source.kafka)
        return ["labels: the format fits; the brokers were not asked"]
    if source.pubsub is not None:
        return [f"labels: {_not_read(source.pubsub, '--labels')}"]
    files = source.files
    assert files is not None
    if not FileSystems.match([files.pattern])[0].metadata_list:
        return [f"labels {files.pattern}: no such file yet, its columns were not checked"]
    check_labels(config)
    return [f"labels {files.pattern}: every configured column is there"]
