"""What the delay table is measured on: windows in which nothing changes, and the same with a fault."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shuffled_flights
from alarm_rules import Judged
from followed_features import Categories, Numbers
from scipy import special, stats
from streams import BINS

from driftline.statistics import BlockNull, CategoricalCounts, NumericCounts, NumericReference, fit_numeric
from driftline.statistics.season import season_for

CHANGES = {"+.1 sd": (0.1, 1.0), "+.25 sd": (0.25, 1.0), "+.5 sd": (0.5, 1.0), "spread x 1.25": (0.0, 1.25)}
ONE_VALUE, SWAPPED = "5 % one value", "5 points swapped"
FAULTS = (*CHANGES, ONE_VALUE, SWAPPED)
_TRAFFIC = 1.5  # windows have so many times more or fewer rows


@dataclass(frozen=True)
class Plan:
    """How a stream is followed; all but the number of references is in windows.

    Parameters
    ----------
    size
        Length of a window, microseconds.
    references, windows
        How many references there are, and how many windows each has.
    live
        Windows after a reference in which nothing changes.
    starts
        Where changes begin.
    before, after
        Windows before a change that rules see, and after it.
    season
        As in `baseline.season`.
    """

    size: int
    references: int
    windows: int
    live: int
    starts: range
    before: int
    after: int
    season: str = "none"

    def season_of_reference(self):
        """Give the season that the windows of a reference have, the first at midnight; None if none."""
        starts = np.arange(self.windows) * self.size
        season, _ = season_for(self.season, size=self.size, starts=starts)
        return season and season.of(starts, self.size)

    def middles(self):
        """Give the middles of the windows after a reference, microseconds."""
        return (self.windows + np.arange(self.live)) * self.size + self.size // 2

    def changed(self):
        """Places of all windows that are changed, those of a start after those of another."""
        return (np.array(self.starts)[:, None] + np.arange(self.after)).ravel()


@dataclass(frozen=True)
class Case:
    """A feature after a reference: windows in which nothing changes, and by fault those that are changed."""

    feature: Numbers | Categories
    usual: Judged
    changed: dict[str, Judged]

    def runs(self, fault, plan):
        """Yield for each start the windows before a change and after it."""
        for place, start in enumerate(plan.starts):
            after = slice(place * plan.after, (place + 1) * plan.after)
            before = self.usual.take(slice(start - plan.before, start))
            yield Judged.joined([before, self.changed[fault].take(after)])


def bins_moved(shift, times):
    """Shares of each bin's rows that other bins get, where x becomes times * x + shift."""
    edges = np.concatenate([[-np.inf], stats.norm.ppf(np.arange(1, BINS) / BINS), [np.inf]])
    from_edges = (edges - shift) / times
    low = np.maximum(from_edges[None, :-1], edges[:-1, None])
    high = np.minimum(from_edges[None, 1:], edges[1:, None])
    shares = np.maximum(special.ndtr(high) - special.ndtr(low), 0.0)
    return shares / shares.sum(1, keepdims=True)


def one_value(share):
    """A share of the rows becomes the 90 % point."""
    moved = np.eye(BINS) * (1 - share)
    moved[:, int(0.9 * BINS)] += share
    return moved


def swapped(present, points):
    """Rows of the most frequent category become the second, so many points of all."""
    moved = np.eye(len(present))
    first, second = np.argsort(-present)[:2]
    share = points / present[first]
    moved[first, first], moved[first, second] = 1 - share, share
    return moved


def counted(values, missing):
    """Counts with the moments of the bins' centres, and rows in what Doane's bins are of these."""
    centres = stats.norm.ppf((np.arange(BINS) + 0.5) / BINS)
    n = np.maximum(values.sum(1), 1)
    mean = values @ centres / n
    counts = NumericCounts(values, missing, np.zeros_like(missing), mean, values @ centres**2 / n - mean**2)
    sample = stats.norm.ppf((np.arange(100_000) + 0.5) / 100_000)
    bins = np.searchsorted(np.histogram_bin_edges(sample, "doane"), centres)
    return counts, values @ (bins[:, None] == np.unique(bins)).astype(np.int64)


def cases_of_stream(stream, rows, plan):
    """Simulate references and what follows them: cases of the numeric feature, and of the categorical one."""
    numeric, categorical = [], []
    at, season, when = plan.changed(), plan.season_of_reference(), plan.middles()
    for reference in range(plan.references):
        rng = np.random.default_rng([11, reference])
        sizes = (rows * _TRAFFIC ** rng.uniform(-1, 1, plan.windows + plan.live)).astype(np.int64)
        known = stream.windows(rng, sizes[: plan.windows])
        live = stream.windows(rng, sizes[plan.windows :])
        feature = numbers_of(stream, *counted(known.values, known.missing), season)
        kernels = {fault: bins_moved(*change) for fault, change in CHANGES.items()}
        kernels[ONE_VALUE] = one_value(0.05)
        changed = {
            fault: feature.judged(
                *counted(rng.multinomial(live.values[at], moved).sum(1), live.missing[at]), when[at]
            )
            for fault, moved in kernels.items()
        }
        numeric.append(Case(feature, feature.judged(*counted(live.values, live.missing), when), changed))
        categories = Categories(CategoricalCounts(known.categories, known.categories_missing), season)
        moved = swapped(known.categories.sum(0) / known.categories.sum(), 0.05)
        swap = CategoricalCounts(
            rng.multinomial(live.categories[at], moved).sum(1), live.categories_missing[at]
        )
        usual = categories.judged(CategoricalCounts(live.categories, live.categories_missing), when)
        categorical.append(Case(categories, usual, {SWAPPED: categories.judged(swap, when[at])}))
    return numeric, categorical


def numbers_of(stream, windows, coarse, season):
    """Make the numeric feature of a reference."""
    numbers, absent = stream.numbers, windows.nonfinite
    moments = {"mean": windows.mean, "variance": windows.variance}
    null = fit_numeric(windows.values, windows.missing, absent, numbers.gap, season=season, **moments)
    n = windows.present
    mean = (n @ windows.mean) / n.sum()
    variance = n @ (windows.variance + (windows.mean - mean) ** 2) / n.sum()
    whole = (windows.values.sum(0), windows.missing.sum(), absent.sum(), mean, variance)
    reference = NumericReference(
        NumericCounts(*(np.array(each)[None] for each in whole)),
        numbers.gap[None],
        np.array([numbers.iqr]),
        np.sqrt([variance]),
        numbers.atoms[None],
    )
    return Numbers(windows, reference, BlockNull.stack([null]), coarse)


def cases_of_flights(folder, plan):
    """Shuffle the days: cases by feature."""
    cases = {name: [] for name in shuffled_flights.FEATURES}
    for shuffled in shuffled_flights.shuffled_days(folder, plan.references):
        for name, found in cases.items():
            edges, windows, reference, null = shuffled_flights.feature_of(shuffled, name)
            known, live = ([day[name] for day in days] for days in (shuffled.reference, shuffled.live))
            values = np.concatenate(known)
            doane = np.histogram_bin_edges(values[np.isfinite(values)], "doane")

            def judged(days, edges=edges, doane=doane):
                rows = [day[np.isfinite(day)] for day in days]
                inside = np.array([np.histogram(each, doane)[0] for each in rows])
                beyond = np.array([len(each) for each in rows]) - inside.sum(1)
                return shuffled_flights.counted(days, edges), np.column_stack([inside, beyond])

            feature = Numbers(windows, reference, null, judged(known)[1])
            sd = reference.sd[0]
            changed = {
                fault: feature.judged(*judged([times * day + shift * sd for day in live])).take(
                    plan.changed()
                )
                for fault, (shift, times) in CHANGES.items()
            }
            found.append(Case(feature, feature.judged(*judged(live)), changed))
    return cases
