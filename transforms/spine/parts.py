"""Keys of partial profiles: they name the layout, so that profiles of two baselines never merge."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from driftline.profiles.layout import Layout

#: (segment label, part): a part is the name of a block, or `COVERAGE`, and a fingerprint
Key = tuple[str, str]

#: name under which the model's coverage travels beside its profiles
COVERAGE = "coverage"


def fingerprint_of(layout: Layout, monitored: Iterable[str]) -> str:
    """Name a way of profiling events: what may be merged has the same fingerprint.

    Parameters
    ----------
    monitored
        Segments that keep profiles of their own. They belong to it: what one baseline counts as a segment,
        another with the same bins may count as ``(other)``.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    digest = blake2b(layout.fingerprint, digest_size=8)
    for label in sorted(monitored):
        data = label.encode("utf-8", "surrogatepass")
        digest.update(b"%d:%b," % (len(data), data))
    return digest.hexdigest()


def part_of(name: str, fingerprint: str) -> str:
    """Put a part together.

    Parameters
    ----------
    name
        Name of a block, or `COVERAGE`.

    Examples
    --------
    >>> part_of("numeric/0", "00c0ffee00c0ffee")
    'numeric/0@00c0ffee00c0ffee'
    >>> split_part("numeric/0@00c0ffee00c0ffee")
    ('numeric/0', '00c0ffee00c0ffee')
    """
    return f"{name}@{fingerprint}"


def split_part(part: str) -> tuple[str, str]:
    """Take a part apart.

    Returns
    -------
    tuple of str
        Name and fingerprint.
    """
    name, _, fingerprint = part.rpartition("@")
    return name, fingerprint
