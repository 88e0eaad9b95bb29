"""Streams that change, for tests of signals."""

import numpy as np

from driftline.signals import SignalValues, encode_block

SECOND = 1_000_000


def changing(n=3000, seed=1, ties=1):
    """Errors that rise twice: n values, `ties` of them a second, with request ids; in order."""
    random = np.random.default_rng(seed)
    rate = np.repeat([0.1, 0.5, 0.9], -(-n // 3))[:n]
    known = 1_700_000_000 * SECOND + np.arange(n) // ties * SECOND
    return SignalValues.of(
        known,
        (random.random(n) < rate).astype(float),
        time=known - random.integers(0, 3600, n) // 600 * SECOND,
        high=random.integers(0, 2**63, n).astype(np.uint64) * np.uint64(2),
        low=random.integers(0, 2**63, n),
    ).in_order()


def blocks_of(values, order, sizes):
    """Values in another order, in blocks of some sizes."""
    shuffled, blocks, at = values.take(order), [], 0
    for size in sizes:
        if at < len(order):
            blocks.append(encode_block(shuffled.take(slice(at, at + size))))
        at += size
    if at < len(order):
        blocks.append(encode_block(shuffled.take(slice(at, None))))
    return blocks
