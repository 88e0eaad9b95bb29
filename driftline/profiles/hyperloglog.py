"""HyperLogLog over a block of features: how many distinct values each has had.

A state is a plain array of registers, one row a feature. Merging is `numpy.maximum`, and the estimate is a
function of the registers alone, so it is the same for any split and any order. (The estimate of the
datasketches HLL is not: it also carries a historic-inverse-probability accumulator, which depends on the
order of updates and merges.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

PRECISION = 10
"""Bits of the hash that choose the register."""

REGISTERS = 1 << PRECISION
"""Registers of a feature; the standard error of an estimate is 1.04 / sqrt(REGISTERS), 3.3 %."""

_FACTORS = (np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53))
_HALF = np.uint64(33)
_RANKS = 64 - PRECISION  # q of the paper: the bits left to rank; a rank is 0 (empty) to q + 1


def empty(features: int) -> NDArray[np.uint8]:
    """Registers, (F, REGISTERS) uint8 of zeros, of features that have had no value."""
    return np.zeros((features, REGISTERS), np.uint8)


def positions(hashes: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Find what each hashed value does to the registers.

    Parameters
    ----------
    hashes
        (n,) uint64, one of each value.

    Returns
    -------
    index : numpy.ndarray
        (n,) int64, the register of each value: the top bits of its hash.
    rank : numpy.ndarray
        (n,) uint8, from 1: the position of the lowest set bit among the other bits of the hash. The register
        becomes at least this.

    References
    ----------
    Flajolet et al., HyperLogLog: the analysis of a near-optimal cardinality estimation algorithm (2007),
    figure 3. Appleby, MurmurHash3, the finaliser of 64 bits, https://github.com/aappleby/smhasher.
    """
    hashes = _mixed(hashes)
    index = (hashes >> np.uint64(_RANKS)).astype(np.int64)
    # The stop bit bounds the rank of a hash whose other bits are all zero.
    rest = hashes | np.uint64(1 << _RANKS)
    lowest = rest & (~rest + np.uint64(1))
    # A power of two is exact as a float, and its exponent is the rank.
    return index, np.frexp(lowest.astype(np.float64))[1].astype(np.uint8)


def _mixed(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread what differs over all bits: hashes of short texts that are alike differ in few of them."""
    with np.errstate(over="ignore"):
        for factor in _FACTORS:
            hashes = (hashes ^ (hashes >> _HALF)) * factor
    mixed: NDArray[np.uint64] = hashes ^ (hashes >> _HALF)
    return mixed


def estimate(registers: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Estimate how many distinct values each feature has had.

    Parameters
    ----------
    registers
        (F, REGISTERS) uint8.

    Returns
    -------
    numpy.ndarray
        (F,) float64, 0 for a feature without values. It needs no correction for small or large counts.

    References
    ----------
    Ertl, New cardinality estimation algorithms for HyperLogLog sketches (arXiv:1702.01284), algorithm 6.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from driftline.profiles.hashing import hash_text
    >>> registers = empty(1)
    >>> index, rank = positions(hash_text(pa.array(["JFK", "LGA", "EWR", "JFK"])))
    >>> np.maximum.at(registers[0], index, rank)
    >>> round(float(estimate(registers)[0]), 1)
    3.0
    """
    features = len(registers)
    slots = np.arange(features, dtype=np.int64)[:, None] * (_RANKS + 2) + registers
    ranks = np.bincount(slots.ravel(), minlength=features * (_RANKS + 2)).reshape(features, _RANKS + 2)
    total = REGISTERS * _tau(1 - ranks[:, -1] / REGISTERS)
    for rank in range(_RANKS, 0, -1):
        total = 0.5 * (total + ranks[:, rank])
    total += REGISTERS * _sigma(ranks[:, 0] / REGISTERS)
    with np.errstate(divide="ignore"):  # every register full: more than any count
        counts: NDArray[np.float64] = REGISTERS**2 / (2 * np.log(2) * total)
    return counts


def _sigma(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum x + sum over k of x^(2^k) 2^(k-1): the share of registers that are empty; inf where x is 1."""
    total, power, weight = x.astype(np.float64), np.where(x < 1, x, 0.0), 1.0
    while True:
        power = power * power
        grown = total + power * weight
        weight += weight
        if np.array_equal(grown, total):
            return np.where(x < 1, total, np.inf)
        total = grown


def _tau(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum (1 - x - sum over k of (1 - x^(2^-k))^2 2^-k) / 3: the share of registers that are not full."""
    total, root, weight = 1 - x, np.where(x > 0, x, 1.0), 1.0
    while True:
        root = np.sqrt(root)
        weight *= 0.5
        shrunk = total - (1 - root) ** 2 * weight
        if np.array_equal(shrunk, total):
            return np.where((x > 0) & (x < 1), total / 3, 0.0)
        total = shrunk
