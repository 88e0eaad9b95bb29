"""The settings of one source, and what a job asks of them."""

from __future__ import annotations

from driftline.config.value_types import Section


class SourceSettings(Section):
    """Settings of a source; the docstring of a subclass describes the source in the reference."""

    @property
    def drops_duplicates(self) -> bool:
        """Whether events that repeat a request id are dropped; asked for with the key `deduplicate`."""
        return False

    @property
    def has_record_times(self) -> bool:
        """Whether every record has a time of its own, so that no column needs to hold one."""
        return False

    @property
    def reads_files(self) -> str | None:
        """Glob pattern of the files that are read, into which no job may write."""
        return None

    def reads(self, place: str) -> bool:  # noqa: ARG002  # a source that shares no place with a sink
        """Say whether what the sink of the same name writes to is read, so that no job may write there.

        Parameters
        ----------
        place : str
            Name of one of the sink's `places`, such as that of a topic.
        """
        return False
