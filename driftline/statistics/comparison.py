"""What a window's comparison with its reference found, whatever the kind of feature."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline.statistics.multiple import cauchy_combination
from driftline.statistics.null.season_arrays import SEASON
from driftline.statistics.season import HOUR, WEEK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from driftline.statistics.null import BlockNull
    from driftline.statistics.statistic import Statistic

    Floats = NDArray[np.float64]

MISSING: Final = "missing"
"""The statistic of either kind that decides together with the one of the values."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Statistics and p-values of F features in one window; nan where undefined.

    Attributes
    ----------
    columns : mapping of str to ndarray of float64, shape (F,) or (F, K)
        Statistics and their calibrated p-values (``<name>_p``), also to be had as attributes. ``missing_p``
        is about the share of rows without a value, of numbers without a finite one.
    p_value : ndarray of float64, shape (F,)
        The p-values of the deciding statistics combined; ``missing_p`` alone where no value is present.
    p_iid : ndarray of float64, shape (F,)
        The same as if rows were independent.
    trusted : ndarray of bool, shape (F,)
        Whether `p_value` rests on enough reference windows to be acted on.
    extrapolated : ndarray of bool, shape (F,)
        Whether the window has fewer or more rows than any reference window, so that p is a bound.
    """

    columns: Mapping[str, Floats]
    p_value: Floats
    p_iid: Floats
    trusted: NDArray[np.bool_]
    extrapolated: NDArray[np.bool_]

    def __getattr__(self, name: str) -> Floats:
        """Give a column."""
        if name == "columns" or name not in self.columns:
            raise AttributeError(f"the comparison has no {name!r}; it has {sorted(self.columns)}")
        return self.columns[name]


_HOURS: Final = np.arange(0, WEEK, HOUR) + HOUR // 2


def _squared(statistic: Statistic, pair: Any, arrays: Mapping[str, NDArray[Any]]) -> Floats:
    """Compute a squared statistic; if it has a season and the window no time, by the hour it fits best."""
    if SEASON not in arrays or pair.when is not None:
        return statistic.squared(pair, arrays)
    found: Floats = statistic.squared(replace(pair, when=_HOURS[:1]), arrays)
    for hour in _HOURS[1:, None]:
        found = np.fmin(found, statistic.squared(replace(pair, when=hour), arrays))
    return found


@dataclass(frozen=True, eq=False)
class Tested:
    """Calibrated p-values of F features, and what each rests on.

    Attributes
    ----------
    p : mapping of str to ndarray of float64, shape (F,)
        By statistic; nan where undefined or without a null of that name.
    trusted, extrapolated : mapping of str to ndarray of bool, shape (F,)
        Whether there are windows enough to act on it, and whether it is a bound.
    standardised : mapping of str to ndarray of float64, shape (F,) or (F, K)
        What the statistics report in units of normal windows, by column.
    """

    p: Mapping[str, Floats]
    trusted: Mapping[str, NDArray[np.bool_]]
    extrapolated: Mapping[str, NDArray[np.bool_]]
    standardised: Mapping[str, Floats] = field(default_factory=dict)

    @classmethod
    def of(cls, pair: Any, statistics: Sequence[Statistic], null: BlockNull | None) -> Tested:
        """Look up the p-values of a window.

        Parameters
        ----------
        null : BlockNull or None
            Without it every p-value is 1, and none is trusted.
        """
        rows = {each.name: each.rows(pair) for each in statistics}
        if null is None:
            no = np.zeros(len(pair.some), dtype=bool)
            p = {name: np.where(defined, 1.0, np.nan) for name, (_, defined) in rows.items()}
            return cls(p, dict.fromkeys(rows, no), dict.fromkeys(rows, no))
        null = null.only(rows)
        by_name = {each.name: each for each in statistics}
        squared = np.stack(
            [_squared(by_name[name], pair, null.arrays[name]) for name in null.statistics], axis=1
        )
        n = np.stack([rows[name][0] for name in null.statistics], axis=1)
        found, trusted, extrapolated = null.p_values(squared, n), null.trusted, null.extrapolated(n)
        place = {name: j for j, name in enumerate(null.statistics)}
        nowhere = np.full(len(n), np.nan)
        return cls(
            {
                name: np.where(defined, found[:, place[name]], np.nan) if name in place else nowhere
                for name, (_, defined) in rows.items()
            },
            {name: trusted[:, j] for name, j in place.items()},
            {name: extrapolated[:, j] for name, j in place.items()},
            {
                column: values
                for name in null.statistics
                for column, values in by_name[name].standardised(pair, null.arrays[name]).items()
            },
        )

    def first(self, name: str, *, of: str) -> Tested:
        """Take another test's p-values for those of a name, where there are any.

        Parameters
        ----------
        name : str
            Statistic that has them from then on.
        of : str
            Statistic that is asked first.
        """
        if of not in self.trusted:
            return self
        better = ~np.isnan(self.p[of])

        def taken(flags: Mapping[str, Any]) -> dict[str, Any]:
            return {**flags, name: np.where(better, flags[of], flags[name])}

        return replace(
            self, p=taken(self.p), trusted=taken(self.trusted), extrapolated=taken(self.extrapolated)
        )

    def combined(
        self,
        values: Mapping[str, Floats],
        *,
        by: Mapping[str, float],
        idle: Mapping[str, NDArray[np.bool_]],
        p_iid: Floats,
    ) -> Comparison:
        """Put a comparison together.

        Parameters
        ----------
        values : mapping of str to ndarray of float64, shape (F,)
            Statistics by column.
        by : mapping of str to float
            Names of the statistics that decide together, and how much each counts.
        idle : mapping of str to ndarray of bool, shape (F,)
            Where a statistic has nothing to say and does not take part: its p-value is 1, and would only make
            the others count less.
        p_iid : ndarray of float64, shape (F,)
            The combined p-value as if rows were independent.
        """
        each = np.stack(
            [np.where(idle[name], np.nan, self.p[name]) if name in idle else self.p[name] for name in by]
        )
        # what can be trusted is the test that says most
        first = np.where(np.isnan(each), np.inf, each).argmin(0)
        no = np.zeros(each.shape[1], dtype=bool)

        def of_the_first(flags: Mapping[str, NDArray[np.bool_]]) -> NDArray[np.bool_]:
            found: NDArray[np.bool_] = np.choose(first, [flags.get(name, no) for name in by])
            return found

        return Comparison(
            {**values, **self.standardised, **{f"{name}_p": p for name, p in self.p.items()}},
            p_value=cauchy_combination(list(each), list(by.values())),
            p_iid=p_iid,
            trusted=of_the_first(self.trusted),
            extrapolated=of_the_first(self.extrapolated),
        )
