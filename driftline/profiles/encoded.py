"""Encoded profiles as they travel: merged and read by their tag, without the layout they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftline.profiles import categorical, coverage
from driftline.profiles.categorical import CategoricalProfile
from driftline.profiles.coverage import Coverage
from driftline.profiles.numeric import NumericProfile

if TYPE_CHECKING:
    from collections.abc import Sequence


def merge_encoded(items: Sequence[bytes]) -> bytes:
    """Merge encoded profiles, or encoded coverage, of one kind and block.

    Parameters
    ----------
    items
        One or more values of one kind: `NumericProfile`, `CategoricalProfile` or `Coverage`.

    Returns
    -------
    bytes
        The merged value; a single one as it is.

    Raises
    ------
    ValueError
        If the values are of different kinds or blocks, or of no kind that merges.
    """
    if len(items) == 1:
        return items[0]
    tag = items[0][:3]
    if tag == NumericProfile.TAG:
        return NumericProfile.merge_all(items).to_bytes()
    if tag == categorical.TAG:
        return CategoricalProfile.merge_all(items).to_bytes()
    if tag == coverage.TAG:
        return Coverage.merge_all(items).to_bytes()
    raise ValueError(
        f"bytes that begin with {tag!r} are no profile and no coverage: check which step wrote them"
    )


def decode_profile(data: bytes) -> NumericProfile | CategoricalProfile:
    """Read an encoded profile of either kind.

    Parameters
    ----------
    data
        What `to_bytes` of a profile gave.

    Returns
    -------
    NumericProfile or CategoricalProfile
        The profile.

    Raises
    ------
    ValueError
        If it is neither, damaged, or of a newer version.
    """
    return (
        NumericProfile.from_bytes(data)
        if data[:3] == NumericProfile.TAG
        else CategoricalProfile.from_bytes(data)
    )
