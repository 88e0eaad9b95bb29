"""Two-sample tests of counts whose rows come in independent groups, such as users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy import optimize, stats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_RARE: Final = 5.0
_LEAST: Final = 1e-12


def clustered_p_value(
    parts: NDArray[Any],
    current: NDArray[Any],
    *,
    groups: tuple[float, float],
    ordered: bool,
) -> float:
    """Compare the distribution of one batch with a reference made of groups.

    For categories Pearson's chi-square, for bins in order the Anderson-Darling distance, both as quadratic
    forms of the difference of shares. Their null is a weighted sum of chi-squares; the weights are from the
    covariance of the shares among the parts of the reference, split into what rows add and what groups add,
    so that a batch of other groups, and of groups of other sizes, is judged by what it holds. That the
    covariance is estimated enters as the denominator of an F distribution.

    Parameters
    ----------
    parts : ndarray of int, shape (U, B)
        Rows of each part of the reference in each bin; a group is in one part.
    current : ndarray of int, shape (B,)
        Rows of the batch.
    groups : tuple of float
        Effective number of groups of reference and batch.
    ordered
        Whether bins are in order of value.

    Returns
    -------
    float
        nan if one of the two has no rows or the reference has fewer than two parts with rows; 1 if all rows
        are in one bin.

    References
    ----------
    Rao, J. N. K. and Scott, A. J. (1984). On chi-squared tests for multiway contingency tables with cell
    proportions estimated from survey data. Annals of Statistics 12, 46-60. Scholz, F. W. and Stephens, M. A.
    (1987). K-sample Anderson-Darling tests. JASA 82, 918-924.

    Examples
    --------
    Ten users of 100 equal rows each say no more than ten rows:

    >>> users = np.repeat(np.eye(2), 10, axis=0) * 100
    >>> p = clustered_p_value(users, np.array([700, 300]), groups=(20.0, 10.0), ordered=False)
    >>> 0.2 < p < 0.6
    True
    """
    parts = np.asarray(parts, np.float64)
    parts = parts[parts.sum(1) > 0]
    current = np.asarray(current, np.float64)
    rows, n = parts.sum(), current.sum()
    if len(parts) < 2 or not n:
        return float("nan")
    parts, current = _pooled(parts, current, ordered=ordered)
    share = (parts.sum(0) + current) / (rows + n)
    if len(share) < 2:
        return 1.0
    form = _ordered(share) if ordered else np.diag(1 / np.sqrt(share))
    distance = form @ (current / n - parts.sum(0) / rows)
    independent = form @ (np.diag(share) - np.outer(share, share)) @ form.T
    own = parts.sum(1)
    residual = (parts - own[:, None] * (parts.sum(0) / rows)) @ form.T / rows
    among = residual.T @ residual * len(own) / (len(own) - 1)
    before, now = (min(each, most) for each, most in zip(groups, (rows, n), strict=True))
    by_group = np.zeros_like(among)
    if before < rows:
        by_group = _positive((among - independent / rows) / (1 / before - 1 / rows))
    covariance = independent * (1 / n + 1 / rows) + by_group * (1 / now - 1 / n + 1 / before - 1 / rows)
    weights = np.linalg.eigvalsh(covariance)
    effective = own.sum() ** 2 / (own**2).sum()
    return weighted_sum_tail(weights, float(distance @ distance), max(effective - 1, 1.0))


def weighted_sum_tail(weights: Floats, value: float, df: float) -> float:
    """Chance that a weighted sum of chi-squares, whose weights are estimated, is at least a value.

    Parameters
    ----------
    weights : ndarray of float64, shape (K,)
        Those that are not positive count as none.
    value
        Not negative.
    df
        Degrees of freedom of the estimate.

    References
    ----------
    Kuonen, D. (1999). Saddlepoint approximations for distributions of quadratic forms in normal variables.
    Biometrika 86, 929-935. Lumley, T. (2010). Complex Surveys, section 2.5 (with a denominator).

    Examples
    --------
    >>> p = weighted_sum_tail(np.array([1.0, 1.0]), 6.0, 30.0)
    >>> abs(p - float(stats.f.sf(3.0, 2, 30))) < 0.003
    True
    """
    used = weights[weights > _LEAST * max(weights.max(initial=0.0), 0.0)]
    if not len(used) or value <= 0:
        return 1.0
    # value times chi-square(df) / df, taken to the other side
    scale = used.max()
    lam = np.append(used / scale, -value / scale / df)
    count = np.append(np.ones(len(used)), df)

    def slope(t: float) -> float:
        return float((count * lam / (1 - 2 * t * lam)).sum())

    mean = slope(0.0)
    if abs(mean) < 1e-6 * float(np.abs(count * lam).sum()):
        return float(stats.f.sf(1.0, used.sum() ** 2 / (used**2).sum(), df))
    low, high = (0.5 / lam[-1]) * (1 - 1e-9), 0.5 / lam[:-1].max() * (1 - 1e-9)
    at = optimize.brentq(slope, *((0.0, high) if mean < 0 else (low, 0.0)))
    generating = -0.5 * float((count * np.log1p(-2 * at * lam)).sum())
    second = 2 * float((count * (lam / (1 - 2 * at * lam)) ** 2).sum())
    w = np.sign(at) * np.sqrt(max(-2 * generating, 1e-300))
    v = at * np.sqrt(second)
    return float(np.clip(stats.norm.sf(w + np.log(v / w) / w), 0.0, 1.0))


def _pooled(parts: Floats, current: Floats, *, ordered: bool) -> tuple[Floats, Floats]:
    """Leave bins without rows out, and count rare categories as one."""
    total = parts.sum(0) + current
    some = total > 0
    parts, current, total = parts[:, some], current[some], total[some]
    if ordered:
        return parts, current
    rare = total / total.sum() * min(parts.sum(), current.sum()) < _RARE
    if rare.sum() < 2:
        return parts, current
    return (
        np.column_stack([parts[:, ~rare], parts[:, rare].sum(1)]),
        np.append(current[~rare], current[rare].sum()),
    )


def _ordered(share: Floats) -> Floats:
    """Give the form (B - 1, B) of cumulated differences of bins, by their standard deviations and shares."""
    below = share.cumsum()[:-1]
    weight = (share[:-1] + share[1:]) / 2 / np.maximum(below * (1 - below), _LEAST)
    form: Floats = np.tril(np.ones((len(share) - 1, len(share)))) * np.sqrt(weight)[:, None]
    return form


def _positive(matrix: Floats) -> Floats:
    """Leave out the directions in which a covariance is estimated to be negative."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    positive: Floats = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return positive
