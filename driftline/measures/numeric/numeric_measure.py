"""The measure of numeric features: KS, PSI, Wasserstein and the missing rate of blocks of up to 64."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.measures.counts_of_rows import (
    bin_counts,
    followed_vectors,
    invalid_rows,
    middles,
    places,
    share_of_rows,
)
from driftline.measures.measure import Entry, JudgedWindow, Measure
from driftline.measures.numeric.numeric_survey import GroupedNumericSurvey
from driftline.measures.reference_distribution import ReferenceDistribution
from driftline.measures.result_rows import floats, judged_rows, ragged, rows_without_data
from driftline.measures.window_histograms import ReferenceWindows, WindowHistograms, window_histograms
from driftline.profiles.bin_offsets import bin_widths
from driftline.profiles.bins import BINS, bin_centers
from driftline.profiles.layout import blocks_of
from driftline.profiles.numeric import NumericProfile
from driftline.statistics import BlockNull, NumericCounts, NumericReference, compare_numeric, fit_numeric
from driftline.statistics.ks import atom_bins
from driftline.statistics.numeric_comparison import NumericPair
from driftline.statistics.statistic_registry import statistics_of
from driftline.tables import QUANTILES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from driftline.feature_spec import FeatureSpec
    from driftline.profiles.layout import Block
    from driftline.profiles.row_groups import RowGroups

    Floats = NDArray[np.float64]

_QUANTILE_TYPE = pa.struct([(name, pa.float64()) for name in QUANTILES])

# Sums of these stay finite to the fourth power; values that far apart are as far apart as can be told.
_WIDEST = 1e70


class NumericMeasure(Measure["Block"]):
    """Counts, moments, histogram and digest of numeric features."""

    name = "numeric"
    tag = NumericProfile.TAG

    def survey(self, events: Any, features: Sequence[FeatureSpec], settings: Any) -> bytes:  # noqa: ARG002
        """Learn how values spread."""
        names = [feature.name for feature in features if feature.kind == self.name]
        return GroupedNumericSurvey.of(events, names).to_bytes()

    def merge_surveys(self, surveys: Sequence[bytes]) -> bytes:
        """Merge what is known of the same features."""
        return GroupedNumericSurvey.merge_all(list(map(GroupedNumericSurvey.from_bytes, surveys))).to_bytes()

    def parts(self, survey: bytes, features: Sequence[FeatureSpec], settings: Any) -> list[Block]:  # noqa: ARG002
        """Cut every feature into bins, at quantiles and atoms."""
        bins = {each.name: each.bins or BINS for each in features if each.kind == self.name}
        cut = {feature.name: feature for feature in GroupedNumericSurvey.from_bytes(survey).features(bins)}
        return blocks_of(self.name, [cut[name] for name in bins])

    def profile(self, part: Block, events: Any, groups: RowGroups) -> Iterator[bytes]:
        """Profile all features of a block at once."""
        values = np.empty((len(part), events.num_rows))
        missing = np.zeros((len(part), len(groups.segments)), np.int64)
        for f, name in enumerate(part.names):
            column = events.column(f"feature.{name}")
            present = _numpy(column)
            if groups.order is None:
                values[f] = present
            else:
                # the other modes copy `out` once more
                np.take(present, groups.order, out=values[f], mode="clip")
            if column.null_count:
                nulls = _numpy(pc.is_null(column))
                missing[f] = np.add.reduceat(groups.arrange(nulls).astype(np.int64), groups.bounds[:-1])
        invalid = invalid_rows(part, events, groups)
        missing -= invalid
        for g, (start, end) in enumerate(pairwise(groups.bounds)):
            rows = np.ascontiguousarray(values[:, start:end])
            yield NumericProfile.of(part, rows, missing[:, g], invalid[:, g]).to_bytes()

    def merge(self, profiles: Sequence[bytes]) -> bytes:
        """Merge profiles of one block."""
        return NumericProfile.merge_all(profiles).to_bytes()

    def decode(self, profile: bytes) -> NumericProfile:
        """Read a profile."""
        return NumericProfile.from_bytes(profile)

    def rows(self, profile: bytes) -> int:
        """Count its events."""
        return self.decode(profile).rows

    def for_calibration(self, profile: bytes) -> bytes:
        """Keep the counts."""
        return self.decode(profile).only_counts().to_bytes()

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
        profile: NumericProfile,
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
        gaps = bin_gaps(part, profile)
        return BlockNull.stack(
            [
                fit_numeric(
                    histograms.counts[:, row, : feature.bins],
                    histograms.missing[:, row],
                    histograms.nonfinite[:, row],
                    gap=gaps[row, : feature.bins - 1],
                    overlap=overlap,
                    reference=profile.counts[row, : feature.bins],
                    smallest=min_n,
                    mean=None if histograms.mean is None else histograms.mean[:, row],
                    variance=None if histograms.variance is None else histograms.variance[:, row],
                    season=histograms.season,
                    invalid=None if histograms.invalid is None else histograms.invalid[:, row],
                )
                for row, feature in enumerate(part.numeric)
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

    def reference(self, part: Block, entry: Entry) -> NumericReference:
        """Give counts, and what distances and units need of the values."""
        profile: NumericProfile = entry.profile
        quartiles = profile.quantiles(np.array([0.25, 0.75]))
        atoms = np.zeros(profile.counts.shape, bool)
        for row, feature in enumerate(part.numeric):
            if len(feature.edges):  # without values in the reference there is one bin and no atom
                atoms[row, : feature.bins] = atom_bins(feature.edges)
        return NumericReference(
            _counts(profile),
            gap=bin_gaps(part, profile),
            iqr=quartiles[:, 1] - quartiles[:, 0],
            sd=np.sqrt(profile.variance),
            atoms=atoms,
            widths=bin_widths(part.edges),
        )

    def judge(
        self,
        part: Block,
        profile: NumericProfile,
        entry: Entry | None,
        reference: NumericReference | None,
        window: JudgedWindow,
    ) -> dict[str, pa.RecordBatch]:
        """Compare the histograms."""
        tests = None
        if entry is not None and reference is not None:
            tests = compare_numeric(_counts(profile), reference, entry.null, window.when)
        return {"results": judged_rows(window, part, _described(profile, part), entry, tests)}

    def vectors(self, part: Block, entry: Entry, reference: NumericReference, rows: Any) -> dict[str, Floats]:
        """Compare the histograms that the rows hold."""
        place = places(rows, part.names)
        counts = NumericCounts(
            bin_counts(rows, part.width),
            share_of_rows(rows, "missing_rate"),
            share_of_rows(rows, "nonfinite_rate"),
            invalid=share_of_rows(rows, "invalid_rate"),
        )
        return followed_vectors(
            self.name, NumericPair(counts, reference.of(place), middles(rows)), entry.null, place, rows
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
        profile: NumericProfile,
    ) -> Iterable[tuple[str, ReferenceDistribution]]:
        """Give bins, counts and quantiles."""
        missing = profile.missing / max(profile.rows, 1)
        quantiles = profile.quantiles(list(QUANTILES.values()))
        for row, feature in enumerate(part.numeric):
            yield (
                feature.name,
                ReferenceDistribution(
                    self.name,
                    profile.counts[row, : feature.bins],
                    edges=feature.edges,
                    quantiles=dict(zip(QUANTILES, quantiles[row].tolist(), strict=True)),
                    missing_rate=float(missing[row]),
                    nonfinite_rate=float(profile.nonfinite[row] / max(profile.rows, 1)),
                    invalid_rate=float(profile.invalid[row] / max(profile.rows, 1)),
                ),
            )


NUMERIC: Final = NumericMeasure()


def bin_gaps(block: Block, profile: NumericProfile) -> NDArray[np.float64]:
    """Distance between the centres of neighbouring bins, 0 behind a feature's last bin.

    Parameters
    ----------
    profile
        Profile of the reference: its extremes close the open end bins.

    Returns
    -------
    ndarray, shape (F, width - 1), float64
        In the unit of the feature.
    """
    gaps = np.zeros((len(block.features), block.width - 1))
    for row, feature in enumerate(block.numeric):
        centers = bin_centers(feature.edges, profile.minimum[row], profile.maximum[row])
        gaps[row, : len(centers) - 1] = np.diff(centers)
    return np.minimum(np.nan_to_num(gaps, nan=0.0, posinf=_WIDEST), _WIDEST)


def _counts(profile: NumericProfile) -> NumericCounts:
    variance = np.asarray(profile.variance)
    seen = (profile.counts, profile.missing, profile.nonfinite)
    return NumericCounts(*seen, profile.mean, variance, profile.invalid, profile.offsets)


def _numpy(column: Any) -> Any:
    return column.to_numpy() if isinstance(column, pa.ChunkedArray) else column.to_numpy(zero_copy_only=False)


def _described(profile: NumericProfile, block: Block) -> dict[str, Any]:
    """Describe the window by itself: moments and quantiles."""
    quantiles = profile.quantiles(np.array(list(QUANTILES.values())))
    present = ~np.isnan(profile.minimum)
    return {
        "n": profile.rows,
        "missing_rate": profile.missing / max(profile.rows, 1),
        "nonfinite_rate": profile.nonfinite / max(profile.rows, 1),
        "invalid_rate": profile.invalid / max(profile.rows, 1),
        "mean": np.where(present, profile.mean, np.nan),
        "variance": profile.variance,
        "skewness": profile.skewness,
        "min": profile.minimum,
        "max": profile.maximum,
        "quantiles": pa.StructArray.from_arrays(
            [floats(quantiles[:, i]) for i in range(len(QUANTILES))],
            fields=list(_QUANTILE_TYPE),
            mask=pa.array(~present),
        ),
        "bin_counts": ragged(profile.counts, [feature.bins for feature in block.features]),
    }
