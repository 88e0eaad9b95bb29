"""Import t-digests that a user already has, as a reference for quantiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pyarrow as pa

from driftline.baseline.baseline_error import BaselineError
from driftline.baseline.file import encode_baseline
from driftline.measures.slicing import profile_events
from driftline.measures.survey import Survey
from driftline.segments import ALL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from driftline.config import Config

# Most values that stand for a digest: with so many, ranks are kept far better than the digest keeps them.
_MOST_VALUES = 100_000


def import_digests(text: bytes, config: Config, *, created_at: int) -> bytes:
    """Build a baseline file from digests of the PyPI package ``tdigest``.

    Parameters
    ----------
    text
        JSON object: ``TDigest.to_dict()`` by feature name.
    config
        The configuration; all of its features must be numeric and have a digest.
    created_at
        Now, microseconds since the epoch.

    Returns
    -------
    bytes
        A baseline of all traffic, without segments. A digest says nothing of how windows differ, so there is
        no null calibration: results have quantiles and effect sizes, every p-value is 1 and nothing is called
        drifted.

    Raises
    ------
    BaselineError
        If the text holds no such digests, or they do not fit the configuration.
    """
    try:
        digests = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BaselineError(
            f"the digests are not JSON ({error}): write json.dumps({{name: digest.to_dict()}})"
        ) from error
    specs = config.feature_specs
    if not isinstance(digests, dict):
        raise BaselineError("the digests are not a JSON object of digests by feature name")
    unfit = [spec.name for spec in specs if spec.kind != "numeric" or spec.name not in digests]
    if unfit:
        raise BaselineError(
            f"no digest for {', '.join(unfit)}: a baseline of digests has numeric features only, each with "
            "its digest; leave the others out of the configuration, or build the baseline from events"
        )
    centroids = {spec.name: read_centroids(spec.name, digests[spec.name]) for spec in specs}
    rows = min(_MOST_VALUES, max(int(weights.sum()) for _, weights in centroids.values()))
    columns: dict[str, Any] = {"time": pa.array(np.zeros(rows, np.int64))}
    for name, (means, weights) in centroids.items():
        columns[f"feature.{name}"] = pa.array(values_at_ranks(means, weights, rows))
    events = pa.table(columns)
    layout = Survey.of(events, specs).layout(specs)
    return encode_baseline(
        [
            {"segment": ALL, "part": part.part, "profile": part.profile, "null": None}
            for part in profile_events(events, layout, None, config.windows.size)
        ],
        layout,
        model=config.model,
        size=config.windows.size,
        every=config.windows.every,
        calendar=config.calendar,
        segment_columns=config.segment_columns,
        windows=0,
        created_at=created_at,
    )


def read_centroids(name: str, digest: Mapping[str, Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read the centroids of a digest.

    Parameters
    ----------
    digest
        ``TDigest.to_dict()``: ``centroids`` with a mean ``m`` and a count ``c`` each.

    Returns
    -------
    means, weights : ndarray, shape (C,), float64
        Sorted by mean.

    Raises
    ------
    BaselineError
        If there are no centroids, or they are not finite numbers with counts of 1 or more in all.
    """
    try:
        centroids = np.array([(float(each["m"]), float(each["c"])) for each in digest["centroids"]])
    except (KeyError, TypeError, ValueError) as error:
        raise BaselineError(
            f"digest {name!r} has no list `centroids` of {{m, c}}: write TDigest.to_dict() as it is"
        ) from error
    if not len(centroids) or not np.isfinite(centroids).all() or (centroids[:, 1] <= 0).any():
        raise BaselineError(
            f"digest {name!r} is empty or has centroids that are no finite numbers: make it again"
        )
    means, weights = centroids[np.argsort(centroids[:, 0], kind="stable")].T
    return means, np.maximum(weights, 1.0)


def values_at_ranks(
    means: NDArray[np.float64], weights: NDArray[np.float64], count: int
) -> NDArray[np.float64]:
    """Draw the values at evenly spaced ranks of a digest.

    Parameters
    ----------
    means, weights
        Centroids sorted by mean, shape (C,), float64.

    Returns
    -------
    ndarray, shape (count,), float64
        Sorted values, linear between the centroids' middle ranks.

    Examples
    --------
    >>> values_at_ranks(np.array([0.0, 10.0]), np.array([1.0, 1.0]), 4)
    array([ 0. ,  2.5,  7.5, 10. ])
    """
    middle = np.cumsum(weights) - weights / 2
    ranks = (np.arange(count) + 0.5) / count * weights.sum()
    values: NDArray[np.float64] = np.interp(ranks, middle, means)
    return values
