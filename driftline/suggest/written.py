"""The text of a suggested configuration."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from driftline.config.csv_dialect import CsvDialect
from driftline.config.file_suffixes import format_of
from driftline.config.times import show_time

if TYPE_CHECKING:
    from driftline.suggest.rhythm import Rhythm
    from driftline.suggest.roles import Roles
    from driftline.suggest.time_column import TimeColumn

MOST_NAMED: Final = 60
"""So many features are named one by one; more are `auto`."""

_WHY: Final = "reason: judged by the backtest"
_PLAIN: Final = re.compile(r"[A-Za-z_][\w./*-]*")
_WRITTEN: Final = {"\t": "tab"}
_WORDS: Final = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "auto"}


@dataclass(frozen=True)
class Suggestion:
    """What `driftline init` found.

    Parameters
    ----------
    pattern
        The files that were looked at.
    rows
        Rows in all, and how many of them were looked at for what columns hold.
    others
        Other columns of times.
    """

    model: str
    pattern: str
    rows: tuple[int, int]
    time: TimeColumn
    others: tuple[TimeColumn, ...]
    roles: Roles
    rhythm: Rhythm
    csv: CsvDialect | None = None

    def text(self) -> str:
        """Write the file."""
        return "\n".join(
            [*self._head(), *self._roles(), *self._features(), *self._rest(), *self._left_out(), ""]
        )

    def _head(self) -> list[str]:
        rows, looked = self.rows
        guess = self.time.guess
        lines = [
            f"# Suggested by `driftline init {self.pattern}`: {rows:,} rows, {looked:,} looked at closely.",
            "# Next: driftline baseline FILE, driftline backtest FILE, driftline report out/",
            f"model: {quoted(self.model)}",
            guess.line("event_time", self.time.name).replace("${", "$${"),
        ]
        if guess.other is not None:
            lines[-1] += f"   # or {guess.other}: the values fit both, and rows lie closer in time so"
        return lines + [f"# also holds times: {quoted(other.name)}" for other in self.others]

    def _roles(self) -> list[str]:
        roles, lines = self.roles, []
        if roles.request_id is not None:
            lines.append(f"request_id: {quoted(roles.request_id)}")
        if roles.prediction is not None:
            lines.append(f"prediction: {quoted(roles.prediction)}")
        if roles.label is not None:
            classes = "" if roles.classes is None else f", classes: [{', '.join(map(quoted, roles.classes))}]"
            lines.append(f"labels: {{column: {quoted(roles.label)}, loss: {roles.loss}{classes}}}")
        if roles.segments:
            notes = "; ".join(f"{name}: {roles.notes[name]}" for name in roles.segments)
            lines.append(f"segments: [{', '.join(map(quoted, roles.segments))}]   # {notes}")
        return lines

    def _features(self) -> list[str]:
        roles = self.roles
        if len(roles.features) > MOST_NAMED:
            excluded = ", ".join(map(quoted, roles.left_out))
            return [
                f"features: auto   # {len(roles.features)} columns",
                *([f"exclude: [{excluded}]"] if excluded else []),
            ]
        if not roles.features:
            return []
        lines = ["features:"]
        for name, kind in roles.features.items():
            note = f"   # {roles.notes[name]}" if name in roles.notes else ""
            key, value = quoted(name), kind
            if name == "prediction":
                key, value = "predicted", f"{{kind: {kind}, column: prediction}}"
            lines.append(f"  {key}: {value}{note}")
        return lines

    def _rest(self) -> list[str]:
        rhythm = self.rhythm
        few = "" if rhythm.few is None else f": {rhythm.few}, give a longer past or more rows"
        lines = [
            f"# most windows have {rhythm.rows:,} rows or more; {rhythm.windows} to learn from{few}",
            f"windows: {{size: {rhythm.size}, every: {rhythm.size}}}",
        ]
        if rhythm.min_n is not None:
            lines.append(f"tests: {{min_n: {rhythm.min_n}}}   # half of that; the default is 200 rows")
        return [
            *lines,
            f"source: {{files: {{pattern: {quoted(self.pattern)}{self._csv()}}}}}",
            "baseline:",
            f"  path: {quoted(self.model + '.baseline.avro')}",
            "  # learned from what is before; what lies in here is judged by it. Remove it to learn from all",
            f"  exclude: [{{from: {_time(rhythm.split)}, to: {_time(rhythm.end)}, {_WHY}}}]",
            "sinks: [files: {path: out/}]",
        ]

    def _csv(self) -> str:
        if self.csv is None:
            return ""
        usual = CsvDialect().of_format(format_of(self.pattern) or "csv")
        keys = [key for key in ("delimiter", "decimal") if getattr(self.csv, key) != getattr(usual, key)]
        written = {key: str(getattr(self.csv, key)) for key in keys}
        return "".join(f", {key}: {_WRITTEN.get(value) or quoted(value)}" for key, value in written.items())

    def _left_out(self) -> list[str]:
        if not self.roles.left_out:
            return []
        lines = (
            f"#   {json.dumps(name, ensure_ascii=False)}: {why}" for name, why in self.roles.left_out.items()
        )
        return ["# Left out:", *(" ".join(line.splitlines()) for line in lines)]


def quoted(text: str) -> str:
    """Write text as YAML reads it back, and not as a variable.

    Examples
    --------
    >>> print(quoted("data/*.parquet"), quoted("a b"), quoted("no"), quoted("${HOME}"))
    data/*.parquet "a b" "no" "$${HOME}"
    """
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return json.dumps(text, ensure_ascii=False).replace("${", "$${")


def _time(microseconds: int) -> str:
    return f'"{show_time(microseconds // 1_000_000 * 1_000_000)}"'
