"""Streams of requests in which nothing drifts, simulated as window histograms.

Every stream has a numeric feature, a categorical one and missing values, all with the same kind of dependence
between rows. Counts are drawn directly where that is exact (rows that are independent given what ties them
together need no row-by-row simulation), so that windows of a million rows cost what windows of 200 do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import signal, special, stats

BINS = 64
MISSING = 0.05
CATEGORIES = np.array([0.25, 0.18, 0.13, 0.1, 0.08, 0.07, 0.06, 0.05, 0.03, 0.02, 0.01, 0.005, 0.015])
_CATEGORY_CUTS = stats.norm.ppf(CATEGORIES.cumsum()[:-1])
_USER_SD = 0.7  # how much of a row's variance (.49) its user explains
_USER_GROUPS = 24
_ROWS_SIMULATED = 5_000  # longer autoregressive windows have normal counts


@dataclass(frozen=True)
class Counts:
    """Window histograms: values (W, B), missing (W,), categories (W, K + 1), their missing (W,)."""

    values: np.ndarray
    missing: np.ndarray
    categories: np.ndarray
    categories_missing: np.ndarray


@dataclass(frozen=True)
class Numbers:
    """Bins of the numeric feature in the population, and its fractions after a shift in sd."""

    fractions: object  # (shift) -> (..., B)
    gap: np.ndarray
    iqr: float
    atoms: np.ndarray


def _normal_fractions(shift=0.0, sd=1.0, bins=BINS):
    edges = stats.norm.ppf(np.arange(1, bins) / bins)
    inner = special.ndtr((edges - np.asarray(shift)[..., None]) / sd)
    return np.diff(inner, prepend=0.0, append=1.0)


def _normal_categories(shift=0.0, sd=1.0):
    inner = special.ndtr((_CATEGORY_CUTS - np.asarray(shift)[..., None]) / sd)
    return np.diff(inner, prepend=0.0, append=1.0)


def _centres(ppf, bins=BINS):
    return ppf((np.arange(bins) + 0.5) / bins)


def normal_numbers():
    return Numbers(
        _normal_fractions,
        np.diff(_centres(stats.norm.ppf)),
        2 * stats.norm.ppf(0.75),
        np.zeros(BINS, bool),
    )


def zero_inflated_numbers():
    """60 % zeros, else log-normal; the shift moves the logarithm."""
    bins = 26

    def fractions(shift=0.0):
        return np.r_[0.6, 0.4 * _normal_fractions(shift, bins=bins)]

    centres = np.r_[0.0, np.exp(_centres(stats.norm.ppf, bins))]
    iqr = float(np.exp(stats.norm.ppf((0.75 - 0.6) / 0.4)))
    return Numbers(fractions, np.diff(centres), iqr, np.r_[True, np.zeros(bins, bool)])


def integer_numbers():
    """Poisson counts with mean 3."""

    def fractions(shift=0.0):
        head = stats.poisson.pmf(np.arange(11), 3 + shift * np.sqrt(3))
        return np.r_[head, 1 - head.sum()]

    return Numbers(fractions, np.ones(11), 2.0, np.ones(12, bool))


def heavy_tailed_numbers():
    """Student's t with 1.5 degrees of freedom: no variance; the shift is in normal-consistent IQR units."""
    law = stats.t(1.5)
    edges = law.ppf(np.arange(1, BINS) / BINS)
    iqr = float(law.ppf(0.75) * 2)

    def fractions(shift=0.0):
        return np.diff(law.cdf(edges - shift * iqr / 1.349), prepend=0.0, append=1.0)

    return Numbers(fractions, np.diff(_centres(law.ppf)), iqr, np.zeros(BINS, bool))


class Stream:
    """Independent rows.

    Parameters
    ----------
    name
        Of the kind of stream.
    numbers
        The numeric feature.
    """

    def __init__(self, name, numbers):
        self.name = name
        self.numbers = numbers

    def windows(self, rng, n, shift=0.0):
        """Draw windows of ``n`` (W,) rows in time order."""
        missing, categories_missing = rng.binomial(n, MISSING), rng.binomial(n, MISSING)
        return Counts(
            rng.multinomial(n - missing, self.numbers.fractions(shift)),
            missing,
            rng.multinomial(n - categories_missing, _normal_categories(shift)),
            categories_missing,
        )


class Wobbling(Stream):
    """Window means wobble by .1 sd, and the missing rate by a fifth."""

    def windows(self, rng, n, shift=0.0):
        """Draw windows, each with means and rates of its own."""
        wobble = 0.1 * rng.standard_normal((2, len(n)))
        rates = MISSING * np.exp(0.2 * rng.standard_normal((2, len(n))))
        missing, categories_missing = rng.binomial(n, rates)
        return Counts(
            rng.multinomial(n - missing, self.numbers.fractions(shift + wobble[0])),
            missing,
            rng.multinomial(n - categories_missing, _normal_categories(shift + wobble[1])),
            categories_missing,
        )


class DailyCycle(Stream):
    """Half-hour windows whose means follow the hour by .3 sd either way; days differ by .03 sd."""

    day = 48

    def windows(self, rng, n, shift=0.0):
        """Draw windows from midnight on."""
        window = np.arange(len(n))
        days = 0.03 * rng.standard_normal((2, len(n) // self.day + 1))
        numbers, categories = 0.3 * np.sin(2 * np.pi * window / self.day) + days[:, window // self.day]
        missing, categories_missing = rng.binomial(n, MISSING), rng.binomial(n, MISSING)
        return Counts(
            rng.multinomial(n - missing, self.numbers.fractions(shift + numbers)),
            missing,
            rng.multinomial(n - categories_missing, _normal_categories(shift + categories)),
            categories_missing,
        )


class Users(Stream):
    """Rows come from users with a mean of their own; a twentieth of the users has no values."""

    def __init__(self, name, numbers):
        super().__init__(name, numbers)
        self.means = _USER_SD * stats.norm.ppf((np.arange(_USER_GROUPS) + 0.5) / _USER_GROUPS)

    def rows_by_group(self, rng, n):
        """Rows of each group of users with equal means (W, G), and of users without values (W,)."""
        users = np.maximum(n // 20, 1)
        silent = rng.binomial(users, MISSING)
        return 20 * rng.multinomial(users - silent, np.full(_USER_GROUPS, 1 / _USER_GROUPS)), 20 * silent

    def windows(self, rng, n, shift=0.0):
        """Draw windows, each of other users."""
        counted = []
        for fractions in (_normal_fractions, _normal_categories):
            rows, silent = self.rows_by_group(rng, n)
            by_group = fractions(shift + self.means, np.sqrt(1 - _USER_SD**2))
            counted += [rng.multinomial(rows, by_group).sum(1), silent]
        return Counts(*counted)


class ZipfUsers(Users):
    """Rows per user follow a power law (index 1.5), up to a tenth of the window: a few heavy users."""

    index = 1.5

    def rows_by_group(self, rng, n):
        """Rows of each group of users, and of users without values."""
        rows = np.empty((len(n), _USER_GROUPS), dtype=np.int64)
        silent = np.empty(len(n), dtype=np.int64)
        for w, size in enumerate(n):
            rows[w], silent[w] = self._window(rng, int(size))
        return rows, silent

    def _window(self, rng, n):
        cap = max(n / 10, 5.0)
        mean = self.index / (self.index - 1) * (1 - cap ** (1 - self.index)) + cap ** (1 - self.index) - 0.5
        users = max(int(n / mean), 3)
        light = max((users / 300) ** (1 / self.index), 1.0) if users > 20_000 else 1.0
        heavy = rng.binomial(users, light**-self.index) if light > 1 else users
        sizes = np.minimum(np.floor(light * rng.random(heavy) ** (-1 / self.index)), cap)
        group = rng.integers(0, _USER_GROUPS, heavy)
        group[rng.random(heavy) < MISSING] = _USER_GROUPS
        total = np.bincount(group, sizes, _USER_GROUPS + 1)
        if light > 1:  # thousands of light users in every group: their sum is normal
            k = np.arange(1, int(light) + 1)
            mass = k**-self.index - np.minimum((k + 1.0) ** -self.index, 1)
            mass[-1] = k[-1] ** -self.index - light**-self.index
            mass /= mass.sum()
            share = np.r_[np.full(_USER_GROUPS, (1 - MISSING) / _USER_GROUPS), MISSING]
            count = rng.multinomial(users - heavy, share)
            average = mass @ k
            spread = np.sqrt(count * (mass @ k**2 - average**2))
            total += np.rint(count * average + spread * rng.standard_normal(len(count)))
        total = np.maximum(total, 0).astype(np.int64)
        return total[:-1], total[-1]


class Autoregressive(Stream):
    """Consecutive rows correlate: AR(1) with coefficient .95, for values, categories and missing alike."""

    rho = 0.95

    def __init__(self, name, numbers):
        super().__init__(name, numbers)
        self._edges = stats.norm.ppf(np.arange(1, BINS) / BINS)
        self._roots = {
            edges: self._long_run_root(np.array(edges))
            for edges in map(tuple, (self._edges, _CATEGORY_CUTS, [stats.norm.ppf(MISSING)]))
        }

    def windows(self, rng, n, shift=0.0):
        """Draw windows that follow each other."""
        draw = self._simulated if n.max() <= _ROWS_SIMULATED else self._normal
        missing = draw(rng, n, np.array([stats.norm.ppf(MISSING)]), 0.0)[:, 0]
        categories_missing = draw(rng, n, np.array([stats.norm.ppf(MISSING)]), 0.0)[:, 0]
        return Counts(
            draw(rng, n - missing, self._edges, shift),
            missing,
            draw(rng, n - categories_missing, _CATEGORY_CUTS, shift),
            categories_missing,
        )

    def _simulated(self, rng, n, edges, shift):
        x = rng.standard_normal(int(n.sum())) * np.sqrt(1 - self.rho**2)
        x[0] /= np.sqrt(1 - self.rho**2)
        x = signal.lfilter([1.0], [1.0, -self.rho], x) + shift
        bins = np.searchsorted(edges, x) + np.repeat(np.arange(len(n)) * (len(edges) + 1), n)
        return np.bincount(bins, minlength=len(n) * (len(edges) + 1)).reshape(len(n), -1)

    def _normal(self, rng, n, edges, shift):
        inner = special.ndtr(edges - shift)
        expected = n[:, None] * np.diff(inner, prepend=0.0, append=1.0)
        root = self._roots[tuple(edges)]
        noise = rng.standard_normal((len(n), len(root))) @ root
        return np.maximum(np.rint(expected + np.sqrt(n)[:, None] * noise), 0).astype(np.int64)

    def _long_run_root(self, edges):
        """Root R of the long-run covariance R'R of bin indicators, by Mehler's expansion."""
        density = stats.norm.pdf(edges)
        previous, current = np.zeros_like(edges), np.ones_like(edges)  # normalised Hermite polynomials
        fractions = np.diff(special.ndtr(edges), prepend=0.0, append=1.0)
        covariance = np.diag(fractions) - np.outer(fractions, fractions)
        for m in range(1, 400):
            coefficient = np.diff(-density * current / np.sqrt(m), prepend=0.0, append=0.0)
            covariance += np.outer(coefficient, coefficient) * 2 * self.rho**m / (1 - self.rho**m)
            previous, current = current, (edges * current - np.sqrt(m - 1) * previous) / np.sqrt(m)
        values, vectors = np.linalg.eigh(covariance)
        return (vectors * np.sqrt(np.maximum(values, 0))).T


def all_streams():
    """One stream of each kind the benchmark is about."""
    return [
        Stream("iid", normal_numbers()),
        Users("clustered", normal_numbers()),
        ZipfUsers("Zipf users", normal_numbers()),
        Wobbling("wobble .1 sd", normal_numbers()),
        Autoregressive("AR(1) .95", normal_numbers()),
        Stream("zero-inflated", zero_inflated_numbers()),
        Stream("integer", integer_numbers()),
        Stream("heavy-tailed", heavy_tailed_numbers()),
    ]
