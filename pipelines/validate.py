"""Check a configuration as far as that goes without running a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apache_beam.io.filesystems import FileSystems

from driftline.baseline.reference_windows import calibration_remarks
from driftline.pipelines.configured_sources import check_sources, look_at_sources
from driftline.pipelines.joined_labels import outcome_remarks
from driftline.pipelines.monitor import fitting_baseline
from driftline.pipelines.outcomes import calibration_of_detectors

if TYPE_CHECKING:
    from driftline.config import Config


def validate_config(config: Config) -> list[str]:
    """Check the input's columns and first rows, and the baseline, where they exist already.

    Returns
    -------
    list of str
        Remarks: what was checked, what could not be yet.
    """
    remarks = [*check_sources(config), *look_at_sources(config), *config.remarks]
    if FileSystems.exists(config.baseline.path):
        baseline = fitting_baseline(config)
        remarks.append(
            f"baseline {config.baseline.path}: fits, version {baseline.version}, "
            f"{baseline.windows} reference windows"
        )
        remarks += calibration_remarks(baseline)
        remarks += outcome_remarks(config, baseline)
        remarks += calibration_of_detectors(config, baseline)
    else:
        remarks.append(f"baseline {config.baseline.path}: not built yet, run `driftline baseline`")
    return remarks
