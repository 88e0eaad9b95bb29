"""What every sink's keys have in common: they name places that nothing else may write to or read."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from driftline.config.value_types import Section

if TYPE_CHECKING:
    from collections.abc import Mapping


class Place(NamedTuple):
    """Where a sink writes.

    Parameters
    ----------
    what : str
        Such as ``topic``.
    of : frozenset of str
        What it belongs to, such as the brokers of a cluster.
    """

    what: str
    name: str
    of: frozenset[str] = frozenset()


class SinkSettings(Section):
    """The keys of one sink."""

    @property
    def places(self) -> Mapping[str, Place]:
        """Places that belong to this sink alone, by the key that names each.

        Two sinks of a configuration may not share one. Where a source has the name of the sink, its settings
        are asked ``reads(place.name)``: a job must not read what it writes.
        """
        return {}
