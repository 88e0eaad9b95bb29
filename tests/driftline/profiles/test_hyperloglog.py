import math

import datasketches
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.profiles import hyperloglog
from driftline.profiles.hashing import hash_text
from driftline.profiles.hyperloglog import REGISTERS, estimate, positions

HASHES = st.integers(0, 2**64 - 1)


def registers_of(hashes) -> np.ndarray:
    registers = hyperloglog.empty(1)
    np.maximum.at(registers[0], *positions(np.asarray(hashes, np.uint64)))
    return registers


def random_hashes(seed, n):
    return np.random.default_rng(seed).integers(0, 2**64, n, np.uint64)


def mixed(h):
    """Finaliser of MurmurHash3, in plain integers."""
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        h = (h ^ h >> 33) * factor % 2**64
    return h ^ h >> 33


@given(st.lists(HASHES, min_size=1) | st.sampled_from([[0], [2**64 - 1], [1 << 53], [1 << 54], [1 << 63]]))
def test_position_is_top_bits_and_trailing_zeros(hashes):
    index, rank = positions(np.array(hashes, np.uint64))
    hashes = [mixed(h) for h in hashes]
    assert index.tolist() == [h >> 54 for h in hashes]
    bits = [f"{h:064b}"[10:] for h in hashes]
    assert rank.tolist() == [len(b) - len(b.rstrip("0")) + 1 for b in bits]


@given(st.lists(HASHES, max_size=200), st.lists(st.integers(0, 4), max_size=200))
def test_any_split_and_order_gives_the_same_registers(hashes, parts):
    whole = registers_of(hashes)
    split = [registers_of([h for h, p in zip(hashes, parts, strict=False) if p == part]) for part in range(5)]
    rest = registers_of(hashes[len(parts) :])
    merged = np.maximum.reduce([rest, *reversed(split)])
    assert np.array_equal(merged, whole)
    assert estimate(merged) == estimate(whole)


def test_no_values_are_none():
    assert estimate(hyperloglog.empty(3)).tolist() == [0, 0, 0]


@pytest.mark.parametrize("n", [1, 5, 50, 500, 2_000, 3_000, 5_000, 20_000, 200_000])
def test_error_is_what_the_theory_says(n):
    seeds = 400 if n < 500 else 40
    errors = [float(estimate(registers_of(random_hashes(seed, n)))[0]) / n - 1 for seed in range(seeds)]
    standard_error = 1.04 / math.sqrt(REGISTERS)
    assert abs(np.mean(errors)) < 3 * standard_error / math.sqrt(seeds) + 0.002
    assert np.sqrt(np.mean(np.square(errors))) < 1.4 * standard_error


@pytest.mark.parametrize("form", ["{}", "{:06}", "user-{:08}", "1.{}"])
@pytest.mark.parametrize("n", [300, 2_000, 6_000])
def test_ids_in_sequence_are_counted_as_well_as_random_ones(form, n):
    texts = [pa.array([form.format(v) for v in range(t * n, (t + 1) * n)]) for t in range(60)]
    errors = [float(estimate(registers_of(hash_text(ids)))[0]) / n - 1 for ids in texts]
    assert np.sqrt(np.mean(np.square(errors))) < 1.3 * 1.04 / math.sqrt(REGISTERS)
    assert max(map(abs, errors)) < 0.12


def test_estimate_follows_the_paper_to_both_ends():
    # Algorithm 6 of Ertl (2017), with plain floats, on registers that reach both corrections.
    registers = np.random.default_rng(1).integers(0, 56, (4, REGISTERS)).astype(np.uint8)
    registers[2] = 55
    registers[3, 5:] = 0
    registers[1, :900] = 55

    def sigma(x):
        if x == 1:
            return math.inf
        y, z, last = 1.0, x, None
        while z != last:
            x, last = x * x, z
            z, y = z + x * y, y + y
        return z

    def tau(x):
        if x in {0, 1}:
            return 0
        y, z, last = 1.0, 1 - x, None
        while z != last:
            x, last, y = math.sqrt(x), z, y / 2
            z -= (1 - x) ** 2 * y
        return z / 3

    for row, found in zip(registers, estimate(registers), strict=True):
        c = np.bincount(row, minlength=56)
        z = REGISTERS * tau(1 - c[55] / REGISTERS)
        for k in range(54, 0, -1):
            z = 0.5 * (z + c[k])
        z += REGISTERS * sigma(c[0] / REGISTERS)
        expected = REGISTERS**2 / (2 * math.log(2) * z) if z else math.inf
        assert found == pytest.approx(expected, rel=1e-12)


def test_the_estimate_of_datasketches_depends_on_the_order_of_merging():
    # Why this module exists; if it ever fails, datasketches could replace it.
    parts = []
    for start in range(0, 12_000, 40):
        part = datasketches.hll_sketch(10, datasketches.tgt_hll_type.HLL_8)
        for value in range(start, start + 40):
            part.update(value)
        parts.append(part)

    def merged(order):
        union = datasketches.hll_union(10)
        for i in order:
            union.update(parts[i])
        return union.get_estimate()

    assert merged(range(300)) != merged(np.random.default_rng(0).permutation(300))
