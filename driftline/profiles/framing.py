"""Where the framing was before `driftline.framing`."""

from driftline.framing import check_tag, frame, unframe

__all__ = ["check_tag", "frame", "unframe"]
