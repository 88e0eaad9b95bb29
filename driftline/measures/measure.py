"""What a measure is: the one protocol of all that is profiled, merged and judged by segment and window."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import numpy as np

from driftline.profiles.layout import Part

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from driftline.feature_spec import FeatureSpec
    from driftline.measures.reference_distribution import ReferenceDistribution
    from driftline.measures.window_histograms import ReferenceWindows, WindowHistograms
    from driftline.profiles.row_groups import RowGroups

    Floats = NDArray[np.float64]

AnyPart = TypeVar("AnyPart", bound=Part)


@dataclass(frozen=True)
class JudgedWindow:
    """The segment and window that a profile is of, and what its rows say of both.

    Parameters
    ----------
    start, end
        Microseconds since the epoch.
    min_n
        Fewest rows a window is judged on.
    timed
        Whether start and end are of time: a table in memory may be of any.
    """

    model: str
    segment: str
    start: int
    end: int
    baseline_version: str
    min_n: int
    timed: bool = True

    @property
    def when(self) -> NDArray[np.int64] | None:
        """Middle of the window, microseconds since the epoch, shape (1,); None if it has no time."""
        return np.array([(self.start + self.end) // 2]) if self.timed else None


@dataclass(frozen=True, eq=False)
class Entry:
    """What a baseline knows of one (segment, part).

    Parameters
    ----------
    profile
        Profile of the whole reference, as `Measure.decode` gives it.
    null
        What `Measure.read_null` gives; None where there is no calibration.
    """

    profile: Any
    null: Any = None


class Measure(ABC, Generic[AnyPart]):
    """A mergeable summary of events, with its reference, null and rows.

    The spine moves its bytes and knows nothing of them: events are profiled by segment and slice, profiles of
    a (segment, part) merge to windows, each window is judged against the baseline's entry of the same
    (segment, part). What a part holds is the measure's business: a block of feature columns, or whole rows.

    Attributes
    ----------
    name : str
        Kind of its parts. Features are of the kinds ``numeric`` and ``categorical`` only, each the measure of
        that name; every other one looks at whole rows.
    tag : bytes
        Three bytes that its profiles begin with.
    settings : type or None
        Of a measure that is asked for under `measures` in the configuration: the `Section` of its keys there.
        None for those that come with features.
    tables : tuple of str
        Tables that its rows go to.
    """

    name: ClassVar[str]
    tag: ClassVar[bytes]
    settings: ClassVar[type | None] = None
    tables: ClassVar[tuple[str, ...]] = ("results",)

    def check(self, settings: Any, config: Any) -> None:
        """Refuse settings that do not go with the rest of a configuration.

        Parameters
        ----------
        settings : Section
            What the configuration says below `measures`, each key right by itself.
        config : Config
            All of it; `config.feature_specs` has the features.

        Raises
        ------
        PydanticCustomError
            For the first mistake, as `driftline.config.value_types.mistake` makes it; its `below` names the
            key of the settings.
        """

    def survey(self, events: Any, features: Sequence[FeatureSpec], settings: Any) -> bytes:  # noqa: ARG002
        """Look at events of the reference before its parts are decided.

        Parameters
        ----------
        events : pyarrow.Table
            Normalised events: ``time``, ``segment.<column>``, ``feature.<name>``.
        features : sequence of FeatureSpec
            The configured features, of every kind.
        settings : Section or None
            What the configuration says below `measures`.

        Returns
        -------
        bytes
            A survey; nothing where nothing needs to be known.
        """
        return b""

    def merge_surveys(self, surveys: Sequence[bytes]) -> bytes:
        """Merge surveys of disjoint events, one or more."""
        return surveys[0]

    def parts(
        self,
        survey: bytes,  # noqa: ARG002
        features: Sequence[FeatureSpec],  # noqa: ARG002
        settings: Any,  # noqa: ARG002
    ) -> Sequence[AnyPart]:
        """Decide what its profiles hold.

        Parameters
        ----------
        survey : bytes
            Of all the reference.
        features, settings
            As for `survey`.

        Returns
        -------
        sequence of Part
            Kept in the baseline: bins, projections, all that must be the same in every profile.
        """
        return ()

    def profile(self, part: AnyPart, events: Any, groups: RowGroups) -> Iterator[bytes]:
        """Profile events of one slice and segment after the other.

        Parameters
        ----------
        events : pyarrow.RecordBatch or pyarrow.Table
            Normalised events.
        groups : RowGroups
            Which rows belong together.

        Yields
        ------
        bytes
            One profile for each group, in their order.
        """
        raise NotImplementedError(f"measure {self.name} profiles no events")

    @abstractmethod
    def merge(self, profiles: Sequence[bytes]) -> bytes:
        """Merge two or more profiles of one part: any split, any order, same result."""

    @abstractmethod
    def decode(self, profile: bytes) -> Any:
        """Read a profile.

        Raises
        ------
        ValueError
            If the bytes are no profile of this measure, are damaged, or of a newer version.
        """

    def rows(self, profile: bytes) -> int:  # noqa: ARG002
        """Count the events of a profile, for the counter of those that no baseline fits."""
        return 0

    def for_calibration(self, profile: bytes) -> bytes:
        """Keep what calibration needs of a slice's profile: all of a reference gather in one place."""
        return profile

    def fit(
        self,
        part: AnyPart,  # noqa: ARG002
        profile: bytes,  # noqa: ARG002
        slices: Mapping[int, bytes],  # noqa: ARG002
        windows: ReferenceWindows,  # noqa: ARG002
    ) -> tuple[bytes | None, WindowHistograms | None]:
        """Calibrate the null of one segment on the windows of the reference.

        Parameters
        ----------
        profile : bytes
            Of the segment in the whole reference.
        slices : mapping of int to bytes
            What `for_calibration` left of its slices, by slice start, microseconds. Not empty.

        Returns
        -------
        bytes or None
            The null; None where there is none.
        WindowHistograms or None
            What it was calibrated on, for the sidecar file of the baseline.
        """
        return None, None

    def refit(
        self,
        part: AnyPart,  # noqa: ARG002
        profile: bytes,  # noqa: ARG002
        histograms: WindowHistograms,  # noqa: ARG002
        *,
        overlap: float,  # noqa: ARG002
        min_n: int,  # noqa: ARG002
    ) -> bytes | None:
        """Calibrate the null of one segment anew on what `fit` kept for the sidecar.

        Parameters
        ----------
        overlap : float
            Window length over the distance between windows; 1 if they do not overlap.
        min_n : int
            Fewest rows a live window is ever judged on.

        Returns
        -------
        bytes or None
            The null; None leaves the one there is.
        """
        return None

    def read_null(self, null: bytes) -> Any:
        """Read what `fit` wrote, in this or an earlier version; statistics of unknown names are left out."""
        return null

    def reference(self, part: AnyPart, entry: Entry) -> Any:  # noqa: ARG002
        """Make of an entry of the baseline what windows are compared with; once, and kept."""
        return entry.profile

    def judge(
        self, part: AnyPart, profile: Any, entry: Entry | None, reference: Any, window: JudgedWindow
    ) -> Mapping[str, pa.RecordBatch]:
        """Compare one window's profile with the baseline.

        Parameters
        ----------
        profile : object
            The window's profile, as `decode` gives it.
        entry : Entry or None
            What the baseline knows of the (segment, part); None if nothing.
        reference : object
            What `reference` made of the entry; None without one.
        window : JudgedWindow
            Where it belongs.

        Returns
        -------
        mapping of str to pyarrow.RecordBatch
            Rows by table. Those of `results` leave to the settling of the window what is decided of all tests
            together: `coverage`, `p_adjusted`, `drifted`, `pane`, `pane_index` and `emitted_at` are null.
        """
        raise NotImplementedError(f"measure {self.name} judges no windows")

    def vectors(
        self,
        part: AnyPart,  # noqa: ARG002
        entry: Entry,  # noqa: ARG002
        reference: Any,  # noqa: ARG002
        rows: Any,  # noqa: ARG002
    ) -> Mapping[str, Floats]:
        """Give what trends follow of windows that were judged.

        Parameters
        ----------
        entry : Entry
            What the baseline knows of the (segment, part).
        reference : object
            What `reference` made of it.
        rows : pyarrow.RecordBatch
            Result rows of the (segment, part), of any of its features and of any windows; R of them.

        Returns
        -------
        mapping of str to ndarray of float64, shape (R, K)
            By statistic: deviations from what is normal, of lengths that normal vectors have.
        """
        return {}

    def without_data(
        self,
        part: AnyPart,  # noqa: ARG002
        entry: Entry,  # noqa: ARG002
        window: JudgedWindow,  # noqa: ARG002
    ) -> pa.RecordBatch | None:
        """Give the result rows of a window in which a segment of the baseline has no events, if any."""
        return None

    def features(self, part: AnyPart) -> tuple[str, ...]:  # noqa: ARG002
        """Name the features whose result rows a part makes; the first one tells whether a window has them."""
        return ()

    def describe(
        self,
        part: AnyPart,  # noqa: ARG002
        profile: Any,  # noqa: ARG002
    ) -> Iterable[tuple[str, ReferenceDistribution]]:
        """Describe the reference as the report draws it, by feature."""
        return ()
