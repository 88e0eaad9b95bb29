"""The measure of categorical features: chi-square, PSI, new categories and the missing rate of blocks."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from driftline.measures.categorical.categorical_survey import CategoricalSurvey
from driftline.measures.counts_of_rows import (
    bin_counts,
    followed_vectors,
    invalid_rows,
    middles,
    places,
    share_of_rows,
)
from driftline.measures.measure import Entry, JudgedWindow, Measure
from driftline.measures.reference_distribution import ReferenceDistribution
from driftline.measures.result_rows import judged_rows, ragged, rows_without_data
from driftline.measures.window_histograms import ReferenceWindows, WindowHistograms, window_histograms
from driftline.profiles import categorical
from driftline.profiles.bins import BINS
from driftline.profiles.categorical import CategoricalProfile
from driftline.profiles.encoding import Encoding
from driftline.profiles.layout import blocks_of
from driftline.statistics import (
    BlockNull,
    CategoricalCounts,
    CategoricalReference,
    compare_categorical,
    fit_categorical,
)
from driftline.statistics.categorical_comparison import CategoricalPair
from driftline.statistics.statistic_registry import statistics_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from driftline.feature_spec import FeatureSpec
    from driftline.profiles.binned_features import CategoricalFeature
    from driftline.profiles.layout import Block
    from driftline.profiles.row_groups import RowGroups

    Floats = NDArray[np.float64]

_MOST_NEW = 5


class CategoricalMeasure(Measure["Block"]):
    """Counts of categories, cardinality and what is new."""

    name = "categorical"
    tag = categorical.TAG

    def survey(self, events: Any, features: Sequence[FeatureSpec], settings: Any) -> bytes:  # noqa: ARG002
        """Count categories."""
        names = [feature.name for feature in features if feature.kind == self.name]
        return CategoricalSurvey.of(events, names).to_bytes()

    def merge_surveys(self, surveys: Sequence[bytes]) -> bytes:
        """Merge counts of the same features."""
        return CategoricalSurvey.merge_all(list(map(CategoricalSurvey.from_bytes, surveys))).to_bytes()

    def parts(self, survey: bytes, features: Sequence[FeatureSpec], settings: Any) -> list[Block]:  # noqa: ARG002
        """Give the largest categories of each feature a bin of their own."""
        known = CategoricalSurvey.from_bytes(survey).features
        asked = [each for each in features if each.kind == self.name]
        return blocks_of(
            self.name, [known[each.name].feature(each.name, each.bins or BINS) for each in asked]
        )

    def profile(self, part: Block, events: Any, groups: RowGroups) -> Iterator[bytes]:
        """Profile all features of a block at once."""
        columns = [events.column(f"feature.{name}") for name in part.names]
        encoding = Encoding.of(part, columns, groups.order)
        invalid = invalid_rows(part, events, groups)
        for g, (start, end) in enumerate(pairwise(groups.bounds.tolist())):
            yield CategoricalProfile.of_rows(encoding, start, end, invalid[:, g]).to_bytes()

    def merge(self, profiles: Sequence[bytes]) -> bytes:
        """Merge profiles of one block."""
        return CategoricalProfile.merge_all(profiles).to_bytes()

    def decode(self, profile: bytes) -> CategoricalProfile:
        """Read a profile."""
        return CategoricalProfile.from_bytes(profile)

    def rows(self, profile: bytes) -> int:
        """Count its events."""
        return self.decode(profile).rows

    def fit(
        self,
        part: Block,
        profile: bytes,
        slices: Mapping[int, bytes],
        windows: ReferenceWindows,
    ) -> tuple[bytes | None, WindowHistograms]:
        """Calibrate every statistic of every feature."""
        histograms = window_histograms(slices, windows, self.decode)
        if not len(windows.starts):
            return None, histograms
        overlap = windows.size / windows.stride
        null = self.null_of(part, self.decode(profile), histograms, overlap=overlap, min_n=windows.min_n)
        return null.to_bytes(), histograms

    def null_of(
        self,
        part: Block,
        profile: CategoricalProfile,  # noqa: ARG002
        histograms: WindowHistograms,
        *,
        overlap: float,
        min_n: int,
    ) -> BlockNull:
        """Calibrate every feature of a block, from its slices or from the sidecar of a baseline.

        Parameters
        ----------
        profile
            Profile of the whole reference.
        histograms
            Of the reference's windows, at least one.
        overlap
            Window length over the distance between windows; 1 if they do not overlap.
        min_n
            Fewest rows a live window is ever judged on.
        """
        distinct, pairs = histograms.cardinality, histograms.coincidences
        return BlockNull.stack(
            [
                fit_categorical(
                    histograms.counts[:, row, : feature.bins],
                    histograms.missing[:, row],
                    overlap=overlap,
                    smallest=min_n,
                    rare_categories=_rare(feature),
                    cardinality=None if distinct is None else distinct[:, row],
                    coincidences=None if pairs is None else pairs[:, row],
                    season=histograms.season,
                    invalid=None if histograms.invalid is None else histograms.invalid[:, row],
                )
                for row, feature in enumerate(part.categorical)
            ]
        )

    def refit(
        self, part: Block, profile: bytes, histograms: WindowHistograms, *, overlap: float, min_n: int
    ) -> bytes:
        """Calibrate every statistic of every feature anew."""
        return self.null_of(part, self.decode(profile), histograms, overlap=overlap, min_n=min_n).to_bytes()

    def read_null(self, null: bytes) -> BlockNull:
        """Read nulls; those of statistics that are not installed are left out."""
        return BlockNull.from_bytes(null).only([each.name for each in statistics_of(self.name)])

    def reference(self, part: Block, entry: Entry) -> CategoricalReference:
        """Give counts."""
        profile: CategoricalProfile = entry.profile
        counts = CategoricalCounts(
            profile.counts, profile.missing, buckets=profile.buckets, invalid=profile.invalid
        )
        bins = np.array([feature.bins for feature in part.features])
        return CategoricalReference(counts, bins, np.array([_rare(each) for each in part.categorical]))

    def judge(
        self,
        part: Block,
        profile: CategoricalProfile,
        entry: Entry | None,
        reference: CategoricalReference | None,
        window: JudgedWindow,
    ) -> dict[str, pa.RecordBatch]:
        """Compare the counts."""
        tests = None
        if entry is not None and reference is not None:
            known = np.array([feature.known is not None for feature in part.categorical])
            new = np.where(known, profile.unknown, np.nan)
            counts = CategoricalCounts(
                *(profile.counts, profile.missing, new, profile.cardinality, profile.buckets),
                invalid=profile.invalid,
            )
            tests = compare_categorical(counts, reference, entry.null, window.when)
        return {"results": judged_rows(window, part, _described(profile, part), entry, tests)}

    def vectors(
        self, part: Block, entry: Entry, reference: CategoricalReference, rows: Any
    ) -> dict[str, Floats]:
        """Compare the counts that the rows hold."""
        place = places(rows, part.names)
        counts = CategoricalCounts(
            bin_counts(rows, part.width),
            share_of_rows(rows, "missing_rate"),
            invalid=share_of_rows(rows, "invalid_rate"),
        )
        return followed_vectors(
            self.name, CategoricalPair(counts, reference.of(place), middles(rows)), entry.null, place, rows
        )

    def without_data(self, part: Block, entry: Entry, window: JudgedWindow) -> pa.RecordBatch:
        """Give rows that say so."""
        return rows_without_data(window, part, entry)

    def features(self, part: Block) -> tuple[str, ...]:
        """Name the features of the block."""
        return part.names

    def describe(
        self,
        part: Block,
        profile: CategoricalProfile,
    ) -> Iterable[tuple[str, ReferenceDistribution]]:
        """Give categories and counts."""
        missing, invalid = (each / max(profile.rows, 1) for each in (profile.missing, profile.invalid))
        for row, feature in enumerate(part.categorical):
            yield (
                feature.name,
                ReferenceDistribution(
                    self.name,
                    profile.counts[row, : feature.bins],
                    categories=feature.categories,
                    missing_rate=float(missing[row]),
                    invalid_rate=float(invalid[row]),
                ),
            )


CATEGORICAL: Final = CategoricalMeasure()


def _rare(feature: CategoricalFeature) -> int:
    """Count the categories of the reference that are not counted by name; 0 if there are too many to know."""
    return 0 if feature.vocabulary is None else feature.vocabulary - len(feature.categories)


def _described(profile: CategoricalProfile, block: Block) -> dict[str, Any]:
    """Describe the window by itself: cardinality and new categories."""
    values = profile.rows - profile.missing - profile.invalid
    known = np.array([feature.known is not None for feature in block.categorical])
    with np.errstate(invalid="ignore", divide="ignore"):
        new_rate = np.where(known & (values > 0), profile.unknown / values, np.nan)
    return {
        "n": profile.rows,
        "missing_rate": profile.missing / max(profile.rows, 1),
        "invalid_rate": profile.invalid / max(profile.rows, 1),
        "cardinality": pa.array(np.rint(profile.cardinality).astype(np.int64)),
        "new_category_rate": new_rate,
        "bin_counts": ragged(profile.counts, [feature.bins for feature in block.features]),
        "new_categories": pa.array(
            [
                profile.new_categories(block, row, _MOST_NEW) if known[row] else None
                for row in range(len(block.features))
            ],
            pa.list_(pa.string()),
        ),
    }
