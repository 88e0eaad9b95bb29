"""Where workers get the baseline: read once a process from any Beam filesystem."""

from __future__ import annotations

from apache_beam.io.filesystems import FileSystems
from apache_beam.utils.shared import Shared

from driftline.baseline import Baseline, BaselineError, decode_baseline


def read_baseline(path: str) -> Baseline:
    """Read a baseline from any Beam filesystem.

    Parameters
    ----------
    path
        Path of the file.

    Returns
    -------
    Baseline

    Raises
    ------
    BaselineError
        If there is no such file, or it is no baseline this release can read.
    """
    if not FileSystems.exists(path):
        msg = f"no baseline at {path}: build it with `driftline baseline CONFIG`, or correct baseline.path"
        raise BaselineError(msg)
    with FileSystems.open(path, compression_type="uncompressed") as file:
        return decode_baseline(file.read(), path)


class BaselineSource:
    """A baseline that steps of one process share.

    The steps of a job must be given one and the same object, so that a worker process holds the baseline
    once. It is read where it is used and not passed as a side input: portable Flink streaming cannot
    checkpoint side inputs.

    Parameters
    ----------
    path
        Path of the baseline, on any Beam filesystem the workers reach.
    version
        The version the job was checked against; None takes whatever is there.
    """

    def __init__(self, path: str, version: str | None = None) -> None:
        self.path = path
        self._version = version
        self._shared = Shared()

    def get(self) -> Baseline:
        """Give the baseline, read at the first call in a process.

        Returns
        -------
        Baseline

        Raises
        ------
        BaselineError
            If it cannot be read, or is no longer the one the job began with: its bins may be others.
        """
        baseline: Baseline = self._shared.acquire(self._read)
        return baseline

    def _read(self) -> Baseline:
        baseline = read_baseline(self.path)
        if self._version not in {None, baseline.version}:
            raise BaselineError(
                f"{self.path} is version {baseline.version}, the job began with {self._version}: "
                "it was replaced while the job ran; start the job again"
            )
        return baseline
