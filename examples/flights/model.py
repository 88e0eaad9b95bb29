"""A small model of "arrives 15 minutes late": logistic regression with a ridge, fitted by Newton's method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

RIDGE = 10.0
STEPS = 8


@dataclass(frozen=True)
class LateModel:
    """Standardised numeric features (a missing one counts as average) and one weight a carrier."""

    numeric: tuple[str, ...]
    mean: NDArray[np.float64]
    sd: NDArray[np.float64]
    carriers: tuple[str, ...]
    weights: NDArray[np.float64]

    @classmethod
    def fit(cls, features: pd.DataFrame, late: NDArray[np.bool_], numeric: tuple[str, ...]) -> LateModel:
        """Fit on rows whose outcome is known."""
        values = features[list(numeric)].to_numpy(float)
        carriers = tuple(sorted(features["carrier"].unique()))
        weights = np.zeros(1 + len(numeric) + len(carriers))
        model = cls(numeric, np.nanmean(values, axis=0), np.nanstd(values, axis=0), carriers, weights)
        design, penalty = model.design(features), RIDGE * np.eye(len(weights))
        penalty[0, 0] = 0
        for _ in range(STEPS):
            score = 1 / (1 + np.exp(-design @ weights))
            slope = design.T @ (score - late) + penalty @ weights
            curvature = (design.T * (score * (1 - score))) @ design + penalty
            weights = weights - np.linalg.solve(curvature, slope)
        return cls(numeric, model.mean, model.sd, carriers, weights)

    def design(self, features: pd.DataFrame) -> NDArray[np.float64]:
        """Intercept, standardised numeric features, one column a carrier."""
        values = (features[list(self.numeric)].to_numpy(float) - self.mean) / self.sd
        carrier = features["carrier"].to_numpy(str)[:, None] == np.array(self.carriers)
        return np.hstack([np.ones((len(values), 1)), np.nan_to_num(values), carrier])

    def predict(self, features: pd.DataFrame) -> NDArray[np.float64]:
        """Probability of arriving late, one a row."""
        return 1 / (1 + np.exp(-self.design(features) @ self.weights))


def auc(score: NDArray[np.float64], late: NDArray[np.bool_]) -> float:
    """Chance that a late flight scores above a punctual one (Mann-Whitney)."""
    ranks = np.empty(len(score))
    ranks[np.argsort(score, kind="stable")] = np.arange(1, len(score) + 1)
    positives = int(late.sum())
    return float(
        (ranks[late].sum() - positives * (positives + 1) / 2) / (positives * (len(late) - positives))
    )
