"""The measure of coverage: which units of time hold events of the model; one for all of it, with no rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from driftline.measures.measure import Measure
from driftline.profiles.coverage import Coverage

if TYPE_CHECKING:
    from collections.abc import Sequence


class CoverageMeasure(Measure[Any]):
    """Merges; windows are settled by it."""

    name = "coverage"
    tag = Coverage.TAG
    tables = ()

    def merge(self, profiles: Sequence[bytes]) -> bytes:
        """Unite."""
        return Coverage.merge_all(profiles).to_bytes()

    def decode(self, profile: bytes) -> Coverage:
        """Read a coverage."""
        return Coverage.from_bytes(profile)


COVERAGE: Final = CoverageMeasure()
