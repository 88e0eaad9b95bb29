"""How the nulls of a block of features are written."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline.framing import UnreadableBytesError, refuses_damage
from driftline.statistics.null import lookup_grid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    #: names of the statistics, log quantiles (F, S, sizes, p), numbers (5, F, S), arrays (F, K) by statistic
    Parts = tuple[
        tuple[str, ...], NDArray[np.float32], NDArray[np.float64], dict[str, dict[str, NDArray[Any]]]
    ]

_MAGIC: Final = b"DLNU"
_VERSION: Final = 2
_HEAD: Final = struct.Struct("<4sBI")  # magic, version, length of the JSON head
_HEAD_1: Final = struct.Struct("<4sBBHHHBB")  # ..., kind, features, groups, denominators, sizes, p-values
_NUMBERS: Final = 5
_TYPES: Final = ("<i2", "<f4")  # of arrays
_GRID: Final = (len(lookup_grid.SIZE_GRID), len(lookup_grid.P_GRID))
#: of version 1, which has a statistic's place instead of its name
_NUMERIC_1: Final = ("ks", "psi", "wasserstein", "missing")
_CATEGORICAL_1: Final = ("chi2", "missing")


def encode(
    statistics: Sequence[str],
    quantiles: NDArray[np.float32],
    numbers: NDArray[np.float64],
    arrays: Mapping[str, Mapping[str, NDArray[Any]]],
) -> bytes:
    """Write nulls.

    Parameters
    ----------
    statistics : sequence of str
        Names, S of them.
    quantiles : ndarray of float32, shape (F, S, sizes, p-values)
        Log quantiles.
    numbers : ndarray of float64, shape (5, F, S)
        Typical, smallest and largest number of rows, windows, degrees of freedom.
    arrays : mapping of str to mapping of str to ndarray, shape (F, K)
        By statistic and name: int16 or float32.

    Returns
    -------
    bytes
        Magic, version, a JSON head, then the arrays in its order.

    Raises
    ------
    ValueError
        If an array is of another type, which `decode` refuses.
    """
    for name, named in arrays.items():
        for key, array in named.items():
            if array.dtype.newbyteorder("<").str not in _TYPES:
                raise ValueError(
                    f"statistic `{name}`: the array `{key}` of its null is {array.dtype}, and a baseline "
                    "holds int16 and float32: let `fit` give one of these"
                )
    head = {
        "features": len(quantiles),
        "statistics": list(statistics),
        "arrays": [
            [name, key, array.dtype.newbyteorder("<").str, array.shape[1]]
            for name, named in arrays.items()
            for key, array in named.items()
        ],
    }
    text = json.dumps(head, separators=(",", ":"), ensure_ascii=False).encode()
    packed = [
        array.astype(array.dtype.newbyteorder("<")).tobytes()
        for named in arrays.values()
        for array in named.values()
    ]
    return b"".join(
        [
            _HEAD.pack(_MAGIC, _VERSION, len(text)) + text,
            quantiles.astype("<f4").tobytes(),
            numbers.astype("<f8").tobytes(),
            *packed,
        ]
    )


@refuses_damage("null calibration", "rebuild the baseline")
def decode(data: bytes) -> Parts:
    """Read nulls.

    Parameters
    ----------
    data : bytes
        What `encode` wrote, in this or an earlier version.

    Returns
    -------
    tuple
        Names, log quantiles, numbers and arrays, as of `encode`.

    Raises
    ------
    UnreadableBytesError
        If the bytes are not nulls, are cut short, or come from a newer version.
    """
    if len(data) < _HEAD.size or data[:4] != _MAGIC:
        raise UnreadableBytesError(
            "not a null calibration: the bytes do not start with its mark. Rebuild the baseline."
        )
    version = data[4]
    if not 1 <= version <= _VERSION:
        raise UnreadableBytesError(
            f"null calibration has format version {version}, this driftline reads up to {_VERSION}. "
            "Upgrade driftline or rebuild the baseline."
        )
    try:
        return _version_1(data) if version == 1 else _version_2(data)
    except (KeyError, TypeError, ValueError, struct.error) as error:
        raise UnreadableBytesError(
            f"null calibration is damaged ({len(data)} bytes: {error}). Rebuild the baseline."
        ) from error


def _version_2(data: bytes) -> Parts:
    start = _HEAD.size + _HEAD.unpack_from(data)[2]
    head = json.loads(data[_HEAD.size : start])
    features, statistics = int(head["features"]), tuple(map(str, head["statistics"]))
    shapes = [(kind, (features, int(width))) for _, _, kind, width in head["arrays"]]
    quantiles, numbers, *rest = _arrays(data, start, features, len(statistics), shapes)
    arrays: dict[str, dict[str, NDArray[Any]]] = {name: {} for name in statistics}
    for (name, key, *_), array in zip(head["arrays"], rest, strict=True):
        arrays[name][str(key)] = array
    return statistics, quantiles, numbers, arrays


def _version_1(data: bytes) -> Parts:
    _, _, categorical, features, groups, denominators, *grid = _HEAD_1.unpack_from(data)
    if tuple(grid) != _GRID:
        raise ValueError(f"its grid is {grid}")
    statistics = _CATEGORICAL_1 if categorical else _NUMERIC_1
    shapes = [("<i2", (features, groups)), ("<f4", (features, denominators))]
    quantiles, numbers, group, scale = _arrays(data, _HEAD_1.size, features, len(statistics), shapes)
    arrays: dict[str, dict[str, NDArray[Any]]] = {name: {} for name in statistics}
    arrays["chi2" if categorical else "psi"] = {"group" if categorical else "ends": group, "scale": scale}
    return statistics, quantiles, numbers, arrays


def _arrays(
    data: bytes, offset: int, features: int, statistics: int, shapes: Sequence[tuple[str, tuple[int, int]]]
) -> Iterator[NDArray[Any]]:
    every = [
        ("<f4", (features, statistics, *_GRID)),
        ("<f8", (_NUMBERS, features, statistics)),
        *shapes,
    ]
    if any(kind not in {"<f8", *_TYPES} or min(shape) < 0 for kind, shape in every):
        raise ValueError("an array of an unknown type")
    expected = offset + sum(int(np.prod(shape)) * np.dtype(kind).itemsize for kind, shape in every)
    if len(data) != expected:
        raise ValueError(f"its head asks for {expected}")
    for kind, shape in every:
        array = np.frombuffer(data, kind, int(np.prod(shape)), offset).reshape(shape)
        offset += array.nbytes
        yield array.astype(np.dtype(kind).newbyteorder("="))
