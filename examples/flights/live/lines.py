"""What the live demo says of a window: one line, and one for each finding that is new or over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from faults import Fault
    from reader import Window
    from replay import Replay

Place = tuple[str, str]


@dataclass
class Story:
    """Tells windows in the order in which they close; remembers what drifted in the one before.

    `faults` are those put into the log: they are announced when they begin and recognised when found.
    """

    replay: Replay
    faults: tuple[Fault, ...]
    drifting: dict[Place, str] = field(default_factory=dict)
    found: dict[Fault, str] = field(default_factory=dict)
    announced: set[Fault] = field(default_factory=set)

    def announce(self, now: datetime) -> Iterator[str]:
        """Faults that the replay has come to; `now` is a moment of the clock."""
        recorded = self.replay.recorded(now)
        for fault in self.faults:
            if fault.start <= recorded and fault not in self.announced:
                self.announced.add(fault)
                if fault.start >= self.replay.first:
                    yield f"  >>  {fault.start:%a %d %b}: from now on {fault.what} (put in)"

    def tell(self, window: Window) -> Iterator[str]:
        """Lines about a window."""
        start = self.replay.recorded(window.start)
        day = f"{start:%a %d %b}"
        segments = pc.count_distinct(window.rows["segment"]).as_py()
        judged = pc.sum(pc.equal(window.rows["status"], "ok")).as_py()
        findings = window.findings
        if window.corrected:
            late = f"{window.requests:,} requests with late ones, {_summary(len(findings), 0)}"
            yield f"{day}  corrected: {late}"
            return
        places = {
            (row["segment"], row["feature"]): self.drifting.get((row["segment"], row["feature"]), day)
            for row in findings
        }
        new = [row for row in findings if (row["segment"], row["feature"]) not in self.drifting]
        yield (
            f"{day}  {window.requests:>5,} requests, {segments} segments, "
            f"{judged}/{window.rows.num_rows} results judged  {_summary(len(findings), len(new)):<16}"
            f"  {window.delay:4.1f} s after its end"
        )
        for row in new:
            fault = self._fault(row, start)
            if fault and fault not in self.found:
                self.found[fault] = day
            yield _finding(row) + ("  <- put in" if fault else "")
        for place in sorted(self.drifting.keys() - places.keys()):
            yield f"      over   {' '.join(place)}: drifted since {self.drifting[place]}, no longer"
        self.drifting = places

    def summary(self) -> Iterator[str]:
        """What became of the faults that the replay has come to."""
        for fault in self.faults:
            if fault in self.announced and fault.start >= self.replay.first:
                when = (
                    f"found in the window of {self.found[fault]}" if fault in self.found else "not found yet"
                )
                yield f"  {fault.what} from {fault.start:%a %d %b}: {when}"

    def _fault(self, row: dict[str, object], start: datetime) -> Fault | None:
        for fault in self.faults:
            during = fault.start <= start and (fault.end is None or start < fault.end)
            if during and row["feature"] == fault.feature and row["segment"] in {fault.segment, "*"}:
                return fault
        return None


def _summary(drifted: int, new: int) -> str:
    if not drifted:
        return "nothing drifted"
    return f"{drifted} drifted" + (f", {new} new" if new else "")


def _finding(row: dict[str, object]) -> str:
    """Statistics of a row that drifted; KS is null where every value is missing."""
    formats = {
        "psi": "PSI {:.2f}",
        "ks": "KS {:.2f}",
        "chi2": "chi-square {:.0f}",
        "missing_rate": "missing {:.0%}",
    }
    formats |= {"p_value": "p {:.0e}", "p_adjusted": "adjusted {:.0e}", "n": "n {}"}
    known = [text.format(row[name]) for name, text in formats.items() if row[name] is not None]
    return f"      DRIFT  {row['segment']} {row['feature']}: {', '.join(known)}"
