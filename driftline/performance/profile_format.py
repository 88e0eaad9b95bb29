"""A performance profile as bytes: a head, then what there is of predictions and of outcomes."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final, get_args

import numpy as np

from driftline.framing import Head, refuses_damage
from driftline.losses import Loss, LossName
from driftline.performance.class_counts import ClassCounts
from driftline.performance.label_delays import DELAY_BINS
from driftline.performance.loss_moments import LossMoments
from driftline.performance.score_grid import number_of_bins
from driftline.performance.sparse import decode_sparse, encode_sparse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline.framing import Arrays

TAG: Final = b"dPF"
"""How the bytes of a performance profile begin."""

_WHAT: Final = ("performance profile", "BBHdqq", "profile the outcomes again")
# loss, whether there are more than two classes (2 with probabilities), bytes of their names, threshold,
# predictions, outcomes
_HEAD: Final = Head(TAG, 3, *_WHAT)
_HEADS: Final = (Head(TAG, 2, *_WHAT), _HEAD)  # without more than two classes, and with them
_LOSSES: Final[tuple[LossName, ...]] = get_args(LossName)  # the order is part of the format
_SUMS: Final = ("log_loss_sum", "absolute_sum", "squared_sum", "signed_sum")  # and this one
_SINCE_2: Final = 1  # of these


def encode(parts: Mapping[str, Any]) -> bytes:
    """Write the fields of a `PerformanceProfile`; empty bins take no bytes.

    Format version 2, and 3 of more than two classes: then their names follow the head, as JSON.
    """
    loss, n_predictions, losses = parts["loss"], parts["n_predictions"], parts["losses"]
    names = json.dumps(loss.classes, ensure_ascii=False).encode() if loss.classes else b""
    kind = 1 + loss.probabilities if loss.classes else 0
    numbers = (_LOSSES.index(loss.name), kind, len(names), loss.threshold, n_predictions, losses.n)
    written = [_HEADS[bool(loss.classes)].pack(*numbers), names]
    if n_predictions and loss.binary:
        written.append(encode_sparse(parts["predicted"][None], parts["predicted_sums"][None]))
    if losses.n:
        moments = [losses.mean, losses.m2, *(parts[name] for name in _SUMS)]
        written += [np.array(parts["errors"], "<i8").tobytes(), np.array(moments, "<f8").tobytes()]
        written.append(encode_sparse(parts["delays"][None], np.empty((0, DELAY_BINS))))
    if losses.n and loss.classes:
        written.append(parts["classes"].to_bytes())
    if losses.n and loss.binary:
        classes = np.stack([parts["negatives"], parts["positives"]])
        written.append(encode_sparse(classes, parts["outcome_sums"][None]))
    return b"".join(written)


@refuses_damage("performance profile")
def decode(data: bytes) -> dict[str, Any]:
    """Read the fields that `encode` wrote; other bytes raise UnreadableBytesError."""
    (name, kind, length, threshold, n_predictions, n), arrays = _HEAD.unpack(data)
    try:
        names = json.loads(arrays.take("u1", length).tobytes()) if kind else []
        loss = Loss(_LOSSES[name], threshold, tuple(map(str, names)), kind > 1)
    except (IndexError, TypeError, ValueError) as error:
        raise arrays.damaged(str(error)) from None
    known = len(_SUMS) - (_SINCE_2 if data[3] < 2 else 0)
    parts = {"loss": loss, "n_predictions": n_predictions, **_counted(arrays, loss, n_predictions, n, known)}
    arrays.done()
    if not _consistent(parts):
        raise arrays.damaged("its numbers contradict each other")
    return parts


def _counted(arrays: Arrays, loss: Loss, n_predictions: int, n: int, known: int) -> dict[str, Any]:
    B = number_of_bins(loss)
    parts: dict[str, Any] = dict.fromkeys(("predicted", "negatives", "positives"), np.zeros(B, np.int64))
    parts["predicted_sums"] = parts["outcome_sums"] = np.zeros(B)
    parts["delays"] = np.zeros(DELAY_BINS, np.int64)
    parts["classes"] = ClassCounts.empty(loss) if loss.classes else None
    errors, moments = 0, [0.0] * (2 + len(_SUMS))
    if n_predictions and B:
        (parts["predicted"],), (parts["predicted_sums"],) = decode_sparse(arrays, (1, 1, B))
    if n:
        errors, moments = int(arrays.take("<i8", 1)[0]), arrays.take("<f8", 2 + known).tolist()
        # signed errors of numbers were not kept by version 1
        moments += [math.nan if loss.numeric else 0.0] * (len(_SUMS) - known)
        (parts["delays"],), _ = decode_sparse(arrays, (1, 0, DELAY_BINS))
    if n and B:
        classes, (parts["outcome_sums"],) = decode_sparse(arrays, (2, 1, B))
        parts["negatives"], parts["positives"] = classes
    if n and loss.classes:
        parts["classes"] = ClassCounts.take(arrays, loss)
    mean, m2, *sums = moments
    return (
        parts | {"errors": errors, "losses": LossMoments(n, mean, m2)} | dict(zip(_SUMS, sums, strict=True))
    )


def _consistent(parts: dict[str, Any]) -> bool:
    """Whether the numbers of a profile agree with each other."""
    n, n_predictions, binary = parts["losses"].n, parts["n_predictions"], parts["loss"].binary
    sums = [parts["losses"].mean, parts["losses"].m2]
    sums += [parts[name] for name in _SUMS if name != "signed_sum"]
    with np.errstate(invalid="ignore"):  # damaged bytes may hold a signalling nan
        sums += [float(parts[name].sum()) for name in ("predicted_sums", "outcome_sums")]
    return bool(
        0 <= parts["errors"] <= n
        and n_predictions >= 0
        and all(0 <= value < math.inf for value in sums)
        and not math.isinf(parts["signed_sum"])
        and parts["delays"].sum() == n
        and (not binary or parts["predicted"].sum() == n_predictions)
        and (parts["classes"] is None or parts["classes"].confusion.sum() == n)
        and (not binary or parts["negatives"].sum() + parts["positives"].sum() == n)
    )
