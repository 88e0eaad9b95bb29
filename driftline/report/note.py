"""One sentence of the report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Note:
    """One sentence under the title; `warning` if it limits what the report can say."""

    text: str
    warning: bool = False
