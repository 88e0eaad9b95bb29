"""A reference of a simulated stream that judges many windows at once, as the job does and as if iid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from driftline.statistics import (
    BlockNull,
    CategoricalCounts,
    CategoricalReference,
    NumericCounts,
    NumericReference,
    compare_categorical,
    compare_numeric,
    fit_categorical,
    fit_numeric,
    ks,
    psi,
    rates,
    wasserstein,
)
from driftline.statistics.chi_square import two_sample
from driftline.statistics.coincidence import coincidences
from driftline.statistics.null.pooling import sum_groups
from driftline.statistics.quadratic import quadratic_form
from driftline.statistics.score_moments import independent_rows, normal_scores, score_moments

ALPHA, PSI_LARGE, WASSERSTEIN_LARGE = 0.01, 0.25, 0.1
RATE_CHANGE, RATE_RATIO = 0.1, 2.0


@dataclass(frozen=True)
class Judged:
    """Arrays (V,) by name: our p-values, those of independent rows, statistics, and what is large."""

    p: dict[str, np.ndarray]
    plain: dict[str, np.ndarray]
    statistic: dict[str, np.ndarray]
    large: dict[str, np.ndarray]

    def drifted(self, label):
        """Significant and large, one feature alone."""
        p = self.p if label == "ours" else self.plain
        return {
            f"{kind} drifted": (p[f"{kind} p_value"] <= ALPHA) & large for kind, large in self.large.items()
        }


class Judge:
    """A reference of one stream.

    Parameters
    ----------
    stream
        From `streams.all_streams`.
    reference
        Its window histograms.
    """

    def __init__(self, stream, reference):
        self.numbers = stream.numbers
        nothing = np.zeros_like(reference.missing)
        self.numeric = fit_numeric(reference.values, reference.missing, nothing, stream.numbers.gap)
        cardinality, pairs = _distinct(reference.categories)
        self.categorical = fit_categorical(
            reference.categories, reference.categories_missing, cardinality=cardinality, coincidences=pairs
        )
        self.values = reference.values.sum(0)
        self.missing = reference.missing.sum()
        self.categories = reference.categories.sum(0)
        self.categories_missing = reference.categories_missing.sum()

    def __call__(self, live):
        """Judge V windows."""
        count = len(live.missing)

        def same(x):
            return np.broadcast_to(x, (count, *np.shape(x)))

        zero = np.zeros(count, dtype=np.int64)
        current = NumericCounts(live.values, live.missing, zero)
        base = NumericCounts(same(self.values), same(self.missing), zero)
        gap, iqr, atoms = same(self.numbers.gap), same(self.numbers.iqr), same(self.numbers.atoms)
        reference = NumericReference(base, gap, iqr, np.ones(count), atoms)
        number = compare_numeric(current, reference, BlockNull.stack([self.numeric]).repeated(0, count))
        cardinality, _ = _distinct(live.categories)
        cat_current = CategoricalCounts(live.categories, live.categories_missing, cardinality=cardinality)
        cat_base = CategoricalCounts(same(self.categories), same(self.categories_missing))
        null = BlockNull.stack([self.categorical]).repeated(0, count)
        category = compare_categorical(cat_current, CategoricalReference(cat_base), null)
        return Judged(
            p={
                "smooth": number.smooth_p,
                "ks": number.ks_p,
                "psi": number.psi_p,
                "wasserstein": number.wasserstein_p,
                "chi2": category.chi2_p,
                "cardinality": category.cardinality_p,
                "missing": number.missing_p,
                "numeric p_value": number.p_value,
                "categorical p_value": category.p_value,
            },
            plain=self._plain(current, reference, number)
            | {
                "chi2": two_sample(cat_current.all, cat_base.all)[1],
                "numeric p_value": number.p_iid,
                "categorical p_value": category.p_iid,
            },
            statistic={
                "ks": number.ks,
                "psi": self._psi_form(current, base),
                "wasserstein": number.wasserstein,
                "chi2": self._chi2_form(cat_current, cat_base),
            },
            large={
                "numeric": _large(number) | (number.wasserstein_iqr > WASSERSTEIN_LARGE),
                "categorical": _large(category),
            },
        )

    def _psi_form(self, current, base):
        fitted = self.numeric["psi"].arrays
        ends = np.broadcast_to(fitted["ends"], (len(current.rows), 10))
        difference = current.coarse(ends) / current.rows[:, None] - base.coarse(ends) / base.rows[:, None]
        return quadratic_form(difference, fitted["scale"])

    def _chi2_form(self, current, base):
        difference = current.all / current.rows[:, None] - base.all / base.rows[:, None]
        fitted = self.categorical["chi2"].arrays
        return quadratic_form(sum_groups(difference, fitted["group"], len(fitted["scale"])), fitted["scale"])

    def _plain(self, current, reference, number):
        """p-values of the numeric feature as if rows were independent."""
        base = reference.counts
        bins = ((current.coarse(reference.decile_ends) + reference.coarse) > 0).sum(1)
        m, n = base.present[0], np.maximum(current.present, 1)  # a window without values has no distance
        # one simulation serves all sizes: the distance scales with the root of 1/n + 1/m
        scaled = number.wasserstein / np.sqrt((1 / n + 1 / m) / 2)
        difference = current.fractions - base.fractions
        scores = normal_scores(base.values[0])
        combinations = independent_rows(base.values[0], scores)
        moved = score_moments(current.fractions, scores) - score_moments(base.fractions[0], scores)
        squared = ((moved @ combinations.T) ** 2).sum(-1) * n * m / (n + m)
        return {
            "smooth": stats.chi2.sf(squared, max(combinations.any(1).sum(), 1)),
            "ks": ks.iid_p_value(difference, current.present, base.present, reference.spread_mass),
            "psi": psi.iid_p_value(number.psi, current.rows, base.rows, bins),
            "wasserstein": wasserstein.iid_p_value(
                scaled, base.fractions[0], reference.gap[0], 1, 1, draws=10_000
            ),
            "missing": rates.iid_p_value(current.absent, current.rows, base.absent, base.rows),
        }


def _distinct(categories):
    """Distinct categories of windows, *other* as one, and pairs of rows that are alike."""
    nowhere = np.zeros((len(categories), 1))
    return (categories > 0).sum(1).astype(float), coincidences(categories, nowhere)


def _large(compared):
    """Tell which windows are large by PSI or by a rate, (V,)."""
    by_rate = (compared.rate_change > RATE_CHANGE) | (compared.rate_ratio > RATE_RATIO)
    return (compared.psi > PSI_LARGE) | by_rate
