"""Seeded streams with and without changes, for every detector."""

import numpy as np


def bernoulli(rates, seed):
    rates = np.asarray(rates, float)
    return (np.random.default_rng(seed).random(len(rates)) < rates).astype(float)


def steps(*parts):
    """Rates from (value, length) pairs."""
    return np.concatenate([np.full(length, value) for value, length in parts])


def gaussian(means, seed):
    return np.random.default_rng(seed).normal(means)


N = 2400
RATES = {
    "stable_05": np.full(N, 0.05),
    "stable_20": np.full(N, 0.2),
    "stable_50": np.full(N, 0.5),
    "abrupt": steps((0.2, 1000), (0.5, 1000), (0.1, 400)),
    "gradual": np.where(
        np.random.default_rng(9).random(N) < np.clip((np.arange(N) - 800) / 800, 0, 1), 0.6, 0.2
    ),
    "incremental": 0.1 + 0.6 * np.clip((np.arange(N) - 600) / 1200, 0, 1),
    "recurring": np.where(np.arange(N) // 400 % 2, 0.5, 0.15),
}
ERRORS = {name: bernoulli(rates, seed) for seed, (name, rates) in enumerate(RATES.items())}
EDGES = {
    "zeros": np.zeros(600),
    "ones": np.ones(600),
    "zeros_then_ones": steps((0.0, 700), (1.0, 700)),
    "ones_then_zeros": steps((1.0, 700), (0.0, 700)),
    "uniform": np.random.default_rng(20).random(N),
}
NUMBERS = {
    "gauss_stable": gaussian(np.zeros(N), 30),
    "gauss_abrupt": gaussian(steps((0, 1000), (0.8, 1000), (-0.5, 400)), 31),
    "gauss_gradual": gaussian(np.where(RATES["gradual"] > 0.3, 1.0, 0.0), 32),
    "gauss_incremental": gaussian(2 * RATES["incremental"], 33),
    "gauss_recurring": gaussian(steps(*[(k % 2, 400) for k in range(6)]), 34),
    "gauss_far_away": 1e9 + gaussian(steps((0, 1200), (2, 1200)), 35),
    "heavy_tail": np.random.default_rng(36).standard_t(2, N),
    "integers": np.random.default_rng(37).integers(-3, 4, N).astype(float),
    "constant": np.full(600, 3.25),
}
ALL = {**ERRORS, **EDGES, **NUMBERS}
WITHIN_UNIT = {**ERRORS, **EDGES}
SOME = {**WITHIN_UNIT, **{name: NUMBERS[name] for name in ("gauss_abrupt", "heavy_tail", "constant")}}
