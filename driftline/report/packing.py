"""Numbers for the page as a few compact columns, compressed, in base64.

The text is of ``[A-Za-z0-9+/=]`` only, so whatever a segment or category is called, no markup can come
of it. Floats are written in byte planes and statistics rounded to 12 significant bits: that is more than
a screen shows and lets them compress to about half.
"""

from __future__ import annotations

import base64
import gzip
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


def pack(header: Mapping[str, Any], sections: Mapping[str, NDArray[Any]]) -> str:
    """Pack a header and columns.

    Layout after base64 and gzip: the length of the header (uint32, little endian), the header (JSON), the
    sections one after the other at the offsets the header gives.

    Parameters
    ----------
    header : mapping
        What becomes JSON.
    sections : mapping of str to ndarray
        The columns, of type u1, u2, u4 or f4.

    Returns
    -------
    str
        Base64.
    """
    body = bytearray()
    places = {}
    for name, values in sections.items():
        places[name] = {"at": len(body), "length": values.size, "type": values.dtype.str[1:]}
        body += _planes(values)
    text = orjson.dumps({**header, "sections": places}, option=orjson.OPT_SERIALIZE_NUMPY)
    packed = gzip.compress(struct.pack("<I", len(text)) + text + bytes(body), compresslevel=6, mtime=0)
    return base64.b64encode(packed).decode("ascii")


def rounded(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Round to 12 significant bits, shape kept."""
    bits = np.ascontiguousarray(np.clip(values, -3e38, 3e38), np.float32).view(np.uint32)
    shorter = np.where(
        np.isnan(values), np.uint32(0x7FC00000), (bits + np.uint32(0x800)) & np.uint32(0xFFFFF000)
    )
    return shorter.astype(np.uint32).view(np.float32)


def logarithm(p: NDArray[np.float64]) -> NDArray[np.float32]:
    """-log10 of p-values; 0, which only underflow gives, is written as 1e-320."""
    with np.errstate(divide="ignore"):
        return rounded(np.minimum(-np.log10(p), 320) + 0.0)


def _planes(values: NDArray[Any]) -> bytes:
    """Write all first bytes, then all second bytes and so on: like bytes compress better side by side."""
    flat = np.ascontiguousarray(values).reshape(-1)
    return flat.view(np.uint8).reshape(-1, flat.dtype.itemsize).T.tobytes()
