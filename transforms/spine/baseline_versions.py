"""The versions of a baseline that one process holds, while the file is replaced under a running job."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from apache_beam.io.filesystems import FileSystems

from driftline.baseline import Baseline, BaselineError, decode_baseline
from driftline.transforms.counters import BASELINE_REFUSED, count
from driftline.transforms.spine.parts import fingerprint_of

if TYPE_CHECKING:
    from collections.abc import Callable

    Stamp = tuple[int, float, str]

#: the file that a new baseline replaces is kept under the path and this
PREVIOUS = ".previous"

#: seconds between two looks at the file
LOOK_EVERY = 1.0

_MOST_VERSIONS = 3
_LOG = logging.getLogger(__name__)


def read_baseline(path: str) -> Baseline:
    """Read a baseline from any Beam filesystem.

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


def stamp_of(path: str) -> Stamp:
    """Tell a file from the one that replaces it, without reading either.

    Returns
    -------
    tuple
        Size, time of change and, where the filesystem knows no such time, checksum.

    Raises
    ------
    BeamIOError
        If there is no such file.
    """
    found = FileSystems.get_filesystem(path).metadata(path)
    changed = found.last_updated_in_seconds
    return found.size_in_bytes, changed, "" if changed else str(FileSystems.checksum(path))


@dataclass(frozen=True)
class LoadedBaseline:
    """A baseline, and the fingerprint of profiles made for it.

    Parameters
    ----------
    fingerprint
        What `fingerprint_of` says of its layout and monitored segments.
    """

    baseline: Baseline
    fingerprint: str

    @staticmethod
    def of(baseline: Baseline) -> LoadedBaseline:
        """Take the fingerprint of a baseline."""
        return LoadedBaseline(baseline, fingerprint_of(baseline.layout, baseline.monitored))


class BaselineVersions:
    """Up to three versions of one baseline, newest first; safe to use from any thread.

    Parameters
    ----------
    misfits
        Says what keeps a baseline from this job, one sentence each.

    Raises
    ------
    BaselineError
        If neither the file nor the one it replaced can be used.
    """

    def __init__(self, path: str, misfits: Callable[[Baseline], list[str]]) -> None:
        self._path = path
        self._misfits = misfits
        self._lock = threading.Lock()
        self._loaded: tuple[LoadedBaseline, ...] = ()  # replaced as a whole: readers need no lock
        self._stamp: Stamp | None = None
        self._stamp_of_previous: Stamp | None = None
        self._refused = ""
        self._look_at = 0.0
        self._unknown: dict[str, float] = {}
        self._begin()

    @property
    def newest(self) -> LoadedBaseline:
        """What to profile and judge with from now on."""
        return self._loaded[0]

    def refresh(self) -> None:
        """Take the file if it was replaced; looks at most once a second, and never waits for another."""
        if monotonic() >= self._look_at and self._lock.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._lock.release()

    def of_layout(self, fingerprint: str) -> Baseline | None:
        """Find the newest version whose profiles have a fingerprint.

        Returns
        -------
        Baseline or None
            None if neither a version held, nor the file, nor the one it replaced has it.
        """
        found = self._find(fingerprint)
        if found is None and monotonic() >= self._unknown.get(fingerprint, 0.0):
            with self._lock:
                # another process may have seen the new file first
                self._look()
                if self._find(fingerprint) is None:
                    self._look_at_previous()
                found = self._find(fingerprint)
                self._remember(fingerprint, known=found is not None)
        return found

    def _find(self, fingerprint: str) -> Baseline | None:
        return next((held.baseline for held in self._loaded if held.fingerprint == fingerprint), None)

    def _remember(self, fingerprint: str, *, known: bool) -> None:
        if known:
            self._unknown.pop(fingerprint, None)
            return
        if fingerprint not in self._unknown:
            _LOG.error(
                "profiles of layout %s belong neither to %s nor to %s%s: they are not judged; the counter "
                "`unjudged` says how many rows",
                fingerprint,
                self._path,
                self._path,
                PREVIOUS,
            )
        self._unknown[fingerprint] = monotonic() + LOOK_EVERY

    def _begin(self) -> None:
        try:
            if FileSystems.exists(self._path):
                self._stamp = stamp_of(self._path)
            self._take(self._read(self._path))
        except (BaselineError, OSError) as error:
            # a worker that starts again must find what the others work with
            self._look_at_previous()
            if not self._loaded:
                raise
            self._refuse(error)

    def _look(self) -> None:
        self._look_at = monotonic() + LOOK_EVERY
        try:
            stamp = stamp_of(self._path)
            if stamp == self._stamp:
                return
            self._stamp = stamp
            self._take(self._read(self._path))
            _LOG.info("%s is version %s now", self._path, self.newest.baseline.version)
        except BaselineError as error:  # the same file will be no better
            self._refuse(error)
        except Exception as error:  # noqa: BLE001  (filesystems raise what they like, and the job goes on)
            self._stamp = None
            self._refuse(error)

    def _look_at_previous(self) -> None:
        path = self._path + PREVIOUS
        try:
            if not FileSystems.exists(path):
                return
            stamp = stamp_of(path)
            if stamp == self._stamp_of_previous:
                return
            previous = LoadedBaseline.of(self._read(path))
            self._stamp_of_previous = stamp
        except Exception as error:  # noqa: BLE001  (as above)
            _LOG.warning("%s cannot be used: %s", path, error)
            return
        if all(held.baseline.version != previous.baseline.version for held in self._loaded):
            self._loaded = (*self._loaded[:1], previous, *self._loaded[1:])[:_MOST_VERSIONS]

    def _read(self, path: str) -> Baseline:
        baseline = read_baseline(path)
        problems = self._misfits(baseline)
        if problems:
            raise BaselineError(
                f"the baseline {path} does not fit the configuration: {'; '.join(problems)}. "
                "Build a new one with `driftline baseline CONFIG`"
            )
        return baseline

    def _take(self, baseline: Baseline) -> None:
        older = [held for held in self._loaded if held.baseline.version != baseline.version]
        self._loaded = (LoadedBaseline.of(baseline), *older)[:_MOST_VERSIONS]
        self._refused = ""

    def _refuse(self, error: Exception) -> None:
        why = str(error)
        if why == self._refused:
            return
        self._refused = why
        count(BASELINE_REFUSED)
        _LOG.error(
            "the job goes on with baseline version %s, because of the new file: %s",
            self.newest.baseline.version,
            why,
        )
