"""What can be wrong with a baseline."""

from __future__ import annotations

import struct
import zlib

from fastavro.schema import SchemaParseException, UnknownType


class BaselineError(ValueError):
    """A baseline cannot be read, does not fit the configuration, or cannot be built.

    The message names the file or the thing, its value and the remedy.
    """


REBUILD = "build it again with `driftline baseline`"
#: What reading bytes that are no baseline, or no whole one, can raise.
DAMAGE = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    EOFError,
    StopIteration,
    MemoryError,
    RecursionError,
    struct.error,
    zlib.error,
    SchemaParseException,
    UnknownType,
)
