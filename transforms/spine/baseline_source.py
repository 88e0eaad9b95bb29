"""Where workers get the baseline: read once a process, and again when a stream is to follow the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apache_beam.utils.shared import Shared

from driftline.baseline import Baseline, BaselineError
from driftline.transforms.spine.baseline_versions import BaselineVersions, LoadedBaseline, read_baseline

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BaselineSource", "read_baseline"]


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
        The version a bounded job was checked against; None takes whatever is there.
    follow
        For a stream, which goes on with a new version when the file is replaced: says what keeps a baseline
        from this job, one sentence each. It travels to the workers by pickle.
    """

    def __init__(
        self,
        path: str,
        version: str | None = None,
        *,
        follow: Callable[[Baseline], list[str]] | None = None,
    ) -> None:
        self.path = path
        self._version = version
        self._follow = follow
        self._shared = Shared()
        self._held: _Pinned | BaselineVersions | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Travel without the baseline."""
        return self.__dict__ | {"_held": None}

    def get(self) -> Baseline:
        """Give the newest baseline, read at the first call in a process.

        Raises
        ------
        BaselineError
            If it cannot be read, or is not followed and no longer the one the job began with: its bins may
            be others.
        """
        return self.newest.baseline

    @property
    def newest(self) -> LoadedBaseline:
        """The newest baseline and its fingerprint; raises as `get` does."""
        return self._versions.newest

    def refresh(self) -> None:
        """Look, at most once a second, whether the file was replaced: call it when a bundle starts."""
        self._versions.refresh()

    def of_layout(self, fingerprint: str) -> Baseline | None:
        """Find the baseline that profiles were made for.

        Returns
        -------
        Baseline or None
            The newest one that fits them, None if it is lost: it was replaced twice.

        Raises
        ------
        BaselineError
            If the baseline is not followed and they were made for another.
        """
        return self._versions.of_layout(fingerprint)

    @property
    def _versions(self) -> _Pinned | BaselineVersions:
        if self._held is None:
            self._held = self._shared.acquire(self._read)
        return self._held

    def _read(self) -> _Pinned | BaselineVersions:
        if self._follow is not None:
            return BaselineVersions(self.path, self._follow)
        return _Pinned(self.path, self._version)


class _Pinned:
    """The one baseline of a bounded job."""

    def __init__(self, path: str, version: str | None) -> None:
        baseline = read_baseline(path)
        if version not in {None, baseline.version}:
            raise BaselineError(
                f"{path} is version {baseline.version}, the job began with {version}: "
                "it was replaced while the job ran; start the job again"
            )
        self._path = path
        self.newest = LoadedBaseline.of(baseline)

    def refresh(self) -> None:
        """Stay."""

    def of_layout(self, fingerprint: str) -> Baseline:
        if fingerprint != self.newest.fingerprint:
            raise BaselineError(
                f"{self._path} is version {self.newest.baseline.version}, profiles were made for another: "
                "it was replaced while the job ran; start the job again"
            )
        return self.newest.baseline
