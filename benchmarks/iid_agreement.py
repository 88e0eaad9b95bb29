"""Does p_iid decide at .01 as scipy does on the raw values? 1,000 null trials, 1,000 at half power.

KS is judged on 64 bins with atoms against `scipy.stats.ks_2samp` on the raw values, chi-square and the
missing rate against `scipy.stats.chi2_contingency` and `fisher_exact` on the raw counts, Wasserstein's
simulated p-value against permutations of the raw values.

    python benchmarks/iid_agreement.py
"""

from __future__ import annotations

import argparse

import numpy as np
from scipy import stats
from shuffled_flights import edges_of, histogram

from driftline.statistics import chi_square, ks, rates, wasserstein

ALPHA = 0.01
M = 100_000
N = 2_000


def normal(rng, size, shift):
    return rng.normal(shift, 1, size)


def with_zeros(rng, size, shift):
    return np.where(rng.random(size) < 0.4, 0.0, rng.normal(shift, 1, size))


def counts(rng, size, shift):
    return rng.poisson(20 + shift, size).astype(float)


def ks_decisions(draw, shift, trials, rng):
    """Ours on bins and scipy's on values."""
    reference = np.sort(draw(rng, M, 0.0))
    edges = edges_of(reference)
    mass = histogram(reference, edges)[0] / M
    spread = np.where(ks.atom_bins(edges), 0.0, mass)[None]
    ours, scipy = [], []
    for _ in range(trials):
        live = draw(rng, N, shift)
        difference = histogram(live, edges)[0] / N - mass
        ours.append(ks.iid_p_value(difference[None], [N], [M], spread)[0] <= ALPHA)
        scipy.append(stats.ks_2samp(live, reference, method="asymp").pvalue <= ALPHA)
    return np.array(ours), np.array(scipy)


def chi_square_decisions(shift, trials, rng):
    p = np.array([0.3, 0.2, 0.15, 0.1, 0.1, 0.05, 0.05, 0.05])
    shifted = p + shift * np.array([1, -1, 0, 0, 0, 0, 0, 0])
    reference = rng.multinomial(M, p)
    live = rng.multinomial(N, shifted, trials)
    ours = chi_square.two_sample(live, np.broadcast_to(reference, live.shape))[1] <= ALPHA
    return ours, np.array([stats.chi2_contingency([x, reference]).pvalue <= ALPHA for x in live])


def missing_decisions(rate, shift, trials, rng):
    base = rng.binomial(M, rate)
    live = rng.binomial(N, rate + shift, trials)
    ours = rates.iid_p_value(live, N, base, M) <= ALPHA
    exact = N * rate < 5

    def scipy(x):
        table = [[x, N - x], [base, M - base]]
        test = stats.fisher_exact if exact else stats.chi2_contingency
        return test(table).pvalue if exact else test(table, correction=False).pvalue

    return ours, np.array([scipy(x) <= ALPHA for x in live])


def wasserstein_decisions(shift, trials, rng, *, n=300, m=1_500, permutations=1_000):
    """Smaller samples: permuting raw values is slow."""
    reference = rng.standard_normal(m)
    edges = edges_of(reference)
    mass = histogram(reference, edges)[0]
    sums = np.bincount(np.searchsorted(edges, reference, "right"), reference, len(mass))
    ends = np.r_[edges[0], (edges[1:] + edges[:-1]) / 2, edges[-1]]
    centres = np.where(mass > 0, sums / np.maximum(mass, 1), ends)
    gap = np.diff(centres)
    ours, permuted = [], []
    for _ in range(trials):
        live = rng.normal(shift, 1, n)
        count = histogram(live, edges)[0]
        value = wasserstein.distance(count / n - mass / m, gap)
        ours.append(wasserstein.iid_p_value(value[None], mass / m, gap, n, m, draws=10_000)[0] <= ALPHA)
        both = np.sort(np.r_[live, reference])
        first = np.argsort(rng.random((permutations, n + m)), axis=1) < n
        cumulative = np.cumsum(np.where(first, 1 / n, -1 / m), axis=1)[:, :-1]
        null = np.abs(cumulative) @ np.diff(both)
        raw = stats.wasserstein_distance(live, reference)
        permuted.append((1 + np.sum(null >= raw)) / (permutations + 1) <= ALPHA)
    return np.array(ours), np.array(permuted)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=1_000)
    trials = parser.parse_args().trials
    tests = {
        "KS, normal": (lambda s, r: ks_decisions(normal, s, trials, r), 0.068),
        "KS, 40 % zeros": (lambda s, r: ks_decisions(with_zeros, s, trials, r), 0.12),
        "KS, counts": (lambda s, r: ks_decisions(counts, s, trials, r), 0.31),
        "chi-square, 8 categories": (lambda s, r: chi_square_decisions(s, trials, r), 0.028),
        "missing rate 5 %": (lambda s, r: missing_decisions(0.05, s, trials, r), 0.0135),
        "missing rate .1 %": (lambda s, r: missing_decisions(0.001, s, trials, r), 0.0025),
        "Wasserstein, 300 rows": (lambda s, r: wasserstein_decisions(s, max(trials // 5, 1), r), 0.18),
    }
    print(f"{'test':28s}{'null: agree':>13s}{'reject':>8s}{'shift: agree':>15s}{'reject':>8s}")
    for number, (name, (decide, shift)) in enumerate(tests.items()):
        row = ""
        for by in (0.0, shift):
            ours, scipy = decide(by, np.random.default_rng([1, number]))
            row += f"{np.mean(ours == scipy):13.3f}{scipy.mean():9.3f}"
        print(f"{name:28s}{row}")


if __name__ == "__main__":
    main()
