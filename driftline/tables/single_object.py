"""Avro's single-object encoding: a marker, the fingerprint of the schema, the record."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from fastavro.schema import fingerprint, to_parsing_canonical_form

if TYPE_CHECKING:
    from driftline.schemas.fields import RowSchema

MARKER: Final = b"\xc3\x01"
PREFIX_LENGTH: Final = 10


@lru_cache(maxsize=32)
def avro_text(schema: RowSchema) -> str:
    """The Avro schema of rows as JSON text."""
    return json.dumps(schema.avro)


@lru_cache(maxsize=32)
def single_object_prefix(text: str) -> bytes:
    """What every record of a schema begins with.

    Parameters
    ----------
    text : str
        Avro schema, JSON. Documentation and defaults do not count.

    Returns
    -------
    bytes
        10 bytes: the marker and the CRC-64-AVRO fingerprint, little-endian.

    Examples
    --------
    >>> single_object_prefix('"int"').hex()
    'c3018f5c393f1ad57572'
    """
    return MARKER + bytes.fromhex(fingerprint(to_parsing_canonical_form(json.loads(text)), "CRC-64-AVRO"))
