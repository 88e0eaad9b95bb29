"""Keep the state of splittable DoFns from growing without end on Beam's Flink runner before its fix.

When a splittable DoFn says "call me again", the runner keeps the rest of its element in a state of a *new*
name (``sdf_checkpoint:1:0``, ``sdf_checkpoint:2:0``, ...), and Flink never forgets a name: with RocksDB each
is a column family. At ten polls a second that is 36,000 an hour for each partition, in memory and in every
checkpoint (https://github.com/apache/beam/issues/27648). Beam's own fix (pull request 39191, July 2026) is
not in the release that the local cluster uses, so this module replaces the instructions that ask for the next
number with a constant. That is right while an element has one restriction at a time, as driftline's sources
have: state and timers are kept by element.
"""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_ARCHIVE: Final = "beam-runners-java-fn-execution-*.jar"
_CLASS: Final = (
    "org/apache/beam/runners/fnexecution/control/"
    "BundleCheckpointHandlers$StateAndTimerBundleCheckpointHandler.class"
)
_NEXT_NUMBER: Final = bytes.fromhex(
    "2a b40003"  # aload_0, getfield idGenerator
    "b900120100"  # invokeinterface IdGenerator.getId
    "4d"  # astore_2
)
_CONSTANT: Final = bytes.fromhex(
    "1209"  # ldc "sdf_checkpoint"
    "00000000000000"  # nop
    "4d"  # astore_2
)


def bounded_residuals(archives: Path) -> Path:
    """Write the changed class into a folder that must stand before the archives on the class path.

    Returns
    -------
    Path
        A folder beside it, complete.

    Raises
    ------
    RuntimeError
        If the archive is not of the release this is made for.
    """
    folder = archives.with_name(f"{archives.name}-residuals")
    target = folder / _CLASS
    if target.exists():
        return folder
    (archive,) = archives.glob(_ARCHIVE)
    with zipfile.ZipFile(archive) as opened:
        code = opened.read(_CLASS)
    if code.count(_NEXT_NUMBER) != 1:
        raise RuntimeError(
            f"{archive.name} is not the release whose state of splittable DoFns is bounded here: "
            "if it has Beam's pull request 39191, remove tools/flink/residuals.py"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    partial.write_bytes(code.replace(_NEXT_NUMBER, _CONSTANT))
    partial.replace(target)
    return folder
