"""A performance profile as bytes: a head, then what there is of predictions and of outcomes."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any, Final, get_args

import numpy as np

from driftline.losses import Loss, LossName
from driftline.performance.label_delays import DELAY_BINS
from driftline.performance.loss_moments import LossMoments
from driftline.performance.score_grid import number_of_bins
from driftline.performance.sparse import decode_sparse, encode_sparse
from driftline.profiles.framing import check_tag

if TYPE_CHECKING:
    from collections.abc import Mapping

TAG: Final = b"dPF"
"""How the bytes of a performance profile begin."""

_VERSION: Final = 1
_HEAD: Final = struct.Struct("<3sBB3xdqq")  # tag, version, loss, threshold, predictions, outcomes
_OUTCOMES: Final = struct.Struct("<q5d")  # errors; mean and m2 of the loss; sums of three losses
_LOSSES: Final[tuple[LossName, ...]] = get_args(LossName)  # the order is part of the format
_SUMS: Final = ("log_loss_sum", "absolute_sum", "squared_sum")  # and this one


def encode(parts: Mapping[str, Any]) -> bytes:
    """Write the fields of a `PerformanceProfile`, format version 1; empty bins take no bytes."""
    loss, n_predictions, losses = parts["loss"], parts["n_predictions"], parts["losses"]
    written = [_HEAD.pack(TAG, _VERSION, _LOSSES.index(loss.name), loss.threshold, n_predictions, losses.n)]
    if n_predictions and loss.binary:
        written.append(encode_sparse(parts["predicted"][None], parts["predicted_sums"][None]))
    if losses.n:
        sums = (parts[name] for name in _SUMS)
        written.append(_OUTCOMES.pack(parts["errors"], losses.mean, losses.m2, *sums))
        written.append(encode_sparse(parts["delays"][None], np.empty((0, DELAY_BINS))))
    if losses.n and loss.binary:
        classes = np.stack([parts["negatives"], parts["positives"]])
        written.append(encode_sparse(classes, parts["outcome_sums"][None]))
    return b"".join(written)


def decode(data: bytes) -> dict[str, Any]:
    """Read the fields that `encode` wrote; other bytes raise ValueError."""
    check_tag(TAG, _VERSION, "performance profile", data)
    try:
        parts, end = _parsed(data)
    except (ValueError, IndexError, struct.error) as error:
        raise _damaged(data, str(error)) from None
    if end != len(data):
        raise _damaged(data, f"{len(data) - end} bytes too many")
    if not _consistent(parts):
        raise _damaged(data, "its numbers contradict each other")
    return parts


def _parsed(data: bytes) -> tuple[dict[str, Any], int]:
    _, _, name, threshold, n_predictions, n = _HEAD.unpack_from(data)
    parts: dict[str, Any] = {"loss": Loss(_LOSSES[name], threshold), "n_predictions": n_predictions}
    B, at = number_of_bins(parts["loss"]), _HEAD.size
    parts["predicted"] = parts["negatives"] = parts["positives"] = np.zeros(B, np.int64)
    parts["predicted_sums"] = parts["outcome_sums"] = np.zeros(B)
    parts["delays"] = np.zeros(DELAY_BINS, np.int64)
    if n_predictions and B:
        (parts["predicted"],), (parts["predicted_sums"],), at = decode_sparse(data, at, (1, 1, B))
    errors, mean, m2, *sums = _OUTCOMES.unpack_from(data, at) if n else (0, *[0.0] * 5)
    parts |= {"errors": errors, "losses": LossMoments(n, mean, m2)}
    parts |= zip(_SUMS, sums, strict=True)
    if n:
        (parts["delays"],), _, at = decode_sparse(data, at + _OUTCOMES.size, (1, 0, DELAY_BINS))
    if n and B:
        classes, (parts["outcome_sums"],), at = decode_sparse(data, at, (2, 1, B))
        parts["negatives"], parts["positives"] = classes
    return parts, at


def _consistent(parts: dict[str, Any]) -> bool:
    """Whether the numbers of a profile agree with each other."""
    n, n_predictions, binary = parts["losses"].n, parts["n_predictions"], parts["loss"].binary
    sums = [parts["losses"].mean, parts["losses"].m2]
    sums += [parts[name] for name in _SUMS]
    sums += [float(parts[name].sum()) for name in ("predicted_sums", "outcome_sums")]
    return bool(
        0 <= parts["errors"] <= n
        and n_predictions >= 0
        and all(0 <= value < math.inf for value in sums)
        and parts["delays"].sum() == n
        and (not binary or parts["predicted"].sum() == n_predictions)
        and (not binary or parts["negatives"].sum() + parts["positives"].sum() == n)
    )


def _damaged(data: bytes, why: str) -> ValueError:
    return ValueError(
        f"performance profile of {len(data)} bytes is damaged or cut short ({why}); "
        "profile the outcomes again"
    )
