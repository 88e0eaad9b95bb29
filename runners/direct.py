"""On this machine, in this process: for development, backtests and tests."""

from __future__ import annotations

LOCAL_RUNNER = "FnApiRunner"
"""Beam's in-process runner. The plain ``DirectRunner`` would first try to download another one."""

DIRECT_RUNNERS = frozenset({"direct", "switchingdirect"})
"""What users call it, in lower case and without ``runner``."""

STREAM_RUNNER = "PrismRunner"
"""Beam's local runner that closes windows while a source keeps going; the one above waits for its end."""
