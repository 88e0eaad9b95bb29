"""A settled window as a whole: what whoever decides about a window needs to know of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from driftline.framing import UnreadableBytesError, check_head, frame, refuses_damage, unframe
from driftline.segments import ALL
from driftline.verdicts.severity import severity

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from driftline.verdicts.decision import Thresholds


TAG = b"dWS"
"""How the bytes of a window summary begin."""

_VERSION = 1
_WHAT = "window summary"
_PLACES = np.dtype("<u4")
_NUMBERS = np.dtype("<f8")


@dataclass(frozen=True)
class SegmentSummary:
    """One segment in a settled window.

    Parameters
    ----------
    segment : str
        Its label; ``*`` is all traffic.
    n : int
        Rows: the most that any of its features has, because parts of a window come one by one.
    share : float or None
        Its share of all traffic, at most 1; 1 for ``*``; None if no rows of all traffic are known.
    judged : tuple of str
        Features of which it can be told whether they are drifted, by name. Of those in neither `judged` nor a
        finding nothing is known: they are not fine.
    """

    segment: str
    n: int
    share: float | None
    judged: tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """A drifted result: significant and large.

    Parameters
    ----------
    severity : float
        See `driftline.verdicts.severity`; at least 1.
    """

    segment: str
    feature: str
    psi: float | None
    wasserstein_iqr: float | None
    p_adjusted: float
    severity: float


@dataclass(frozen=True)
class WindowSummary:
    """A settled window of a model as it is known now; it is said again at each correction.

    `model`, window and `layout` name what it is of: a window in which the baseline was replaced is said once
    for each of the two, each with the rows of its own share, and each with a `pane_index` from 0.

    Parameters
    ----------
    window_start, window_end : int
        Microseconds since the epoch.
    pane : str
        ``on_time`` or ``late``.
    pane_index : int
        How often the window was said before: 0 on time, one more at each correction.
    layout : str
        Fingerprint of what the profiles hold: that of a baseline. Another baseline may have the same.
    baseline_version : str or None
        That of most rows; None if no row was compared with a baseline.
    coverage : float
        Share of the window's slices that hold rows of the model.
    tests : int
        Results whose p-values were adjusted together.
    segments : tuple of SegmentSummary
        By label, ``*`` first.
    findings : tuple of Finding
        The most severe first.
    """

    model: str
    window_start: int
    window_end: int
    pane: str
    pane_index: int
    layout: str
    baseline_version: str | None
    coverage: float
    tests: int
    segments: tuple[SegmentSummary, ...]
    findings: tuple[Finding, ...]

    @staticmethod
    def of(rows: pa.Table, thresholds: Thresholds, *, pane_index: int, layout: str) -> WindowSummary:
        """Sum up the rows of one window.

        Parameters
        ----------
        rows : pyarrow.Table
            All settled result rows of one model and window, one a (segment, feature), in any order.
        thresholds : Thresholds
            Those the rows were decided by.
        pane_index, layout
            As above.

        Raises
        ------
        ValueError
            If there are no rows.
        """
        if not rows.num_rows:
            raise ValueError("a window without result rows cannot be summed up: give the rows of one window")
        first = rows.select(["model", "pane", "coverage"]).slice(0, 1).to_pylist()[0]
        start, end = (pc.cast(rows[name], "int64")[0].as_py() for name in ("window_start", "window_end"))
        return WindowSummary(
            model=first["model"],
            window_start=start,
            window_end=end,
            pane=first["pane"],
            pane_index=pane_index,
            layout=layout,
            baseline_version=_version(rows),
            coverage=first["coverage"],
            tests=rows.num_rows - rows["p_adjusted"].null_count,
            segments=_segments(rows),
            findings=_findings(rows, thresholds),
        )

    def to_bytes(self) -> bytes:
        """Encode, format version 1.

        Returns
        -------
        bytes
            A frame of `driftline.framing`: names and counts in its head, then by finding the places
            of its segment and feature (uint32) and its four numbers (float64), then by segment and feature
            one bit, whether it was judged.
        """
        places = {each.segment: s for s, each in enumerate(self.segments)}
        judged_or_found = {name for each in self.segments for name in each.judged}
        features = sorted(judged_or_found | {each.feature for each in self.findings})
        columns = {name: f for f, name in enumerate(features)}
        judged = np.zeros((len(places), len(columns)), bool)
        for s, each in enumerate(self.segments):
            judged[s, [columns[name] for name in each.judged]] = True
        found = [(places[each.segment], columns[each.feature]) for each in self.findings]
        sizes = [
            (_or_nan(each.psi), _or_nan(each.wasserstein_iqr), each.p_adjusted, each.severity)
            for each in self.findings
        ]
        head = {
            "model": self.model,
            "window": [self.window_start, self.window_end],
            "pane": self.pane,
            "pane_index": self.pane_index,
            "layout": self.layout,
            "baseline_version": self.baseline_version,
            "coverage": self.coverage,
            "tests": self.tests,
            "segments": list(places),
            "n": [each.n for each in self.segments],
            "features": features,
            "findings": len(found),
        }
        payload = np.array(found, _PLACES).tobytes() + np.array(sizes, _NUMBERS).tobytes()
        return frame(TAG, _VERSION, head, payload + np.packbits(judged).tobytes())

    @staticmethod
    @refuses_damage(_WHAT, "read it again from where it was written")
    def from_bytes(data: bytes) -> WindowSummary:
        """Decode what `to_bytes` gave, in this or an earlier version.

        Raises
        ------
        UnreadableBytesError
            If the bytes are something else, cut short, or of a newer release.
        """
        head, payload = unframe(TAG, _VERSION, _WHAT, data)
        check_head(_WHAT, head, model=str, pane=str, layout=str, segments=list, features=list, findings=int)
        labels, features, count = head["segments"], head["features"], head["findings"]
        cells = len(labels) * len(features)
        numbers, bits = 2 * _PLACES.itemsize * count, (2 * _PLACES.itemsize + 4 * _NUMBERS.itemsize) * count
        if len(payload) != bits + -(-cells // 8):
            raise UnreadableBytesError(
                f"{_WHAT} cut short or too long; read it again from where it was written"
            )
        places = np.frombuffer(payload, _PLACES, 2 * count).reshape(-1, 2)
        sizes = np.frombuffer(payload, _NUMBERS, 4 * count, numbers).reshape(-1, 4)
        judged = np.unpackbits(np.frombuffer(payload, np.uint8, offset=bits), count=cells).astype(bool)
        names = [
            tuple(np.array(features, object)[row].tolist())
            for row in judged.reshape(len(labels), len(features))
        ]
        start, end = head["window"]
        return WindowSummary(
            model=head["model"],
            window_start=start,
            window_end=end,
            pane=head["pane"],
            pane_index=head["pane_index"],
            layout=head["layout"],
            baseline_version=head["baseline_version"],
            coverage=head["coverage"],
            tests=head["tests"],
            segments=_with_shares(labels, head["n"], names),
            findings=tuple(
                Finding(labels[s], features[f], _or_none(psi), _or_none(shift), p, level)
                for (s, f), (psi, shift, p, level) in zip(places.tolist(), sizes.tolist(), strict=True)
            ),
        )


def _segments(rows: pa.Table) -> tuple[SegmentSummary, ...]:
    sizes = rows.group_by("segment").aggregate([("n", "max")]).to_pydict()
    n = dict(zip(sizes["segment"], sizes["n_max"], strict=True))
    labels = sorted(n, key=lambda label: (label != ALL, label))
    judged: dict[str, list[str]] = {label: [] for label in labels}
    told = rows.filter(pc.is_valid(rows["drifted"]))
    for label, feature in zip(told["segment"].to_pylist(), told["feature"].to_pylist(), strict=True):
        judged[label].append(feature)
    return _with_shares(
        labels, [n[label] for label in labels], [tuple(sorted(judged[label])) for label in labels]
    )


def _with_shares(
    labels: list[str], n: list[int], judged: list[tuple[str, ...]]
) -> tuple[SegmentSummary, ...]:
    total = dict(zip(labels, n, strict=True)).get(ALL, 0)
    # a segment's newest rows may be there before those of all traffic are
    return tuple(
        SegmentSummary(label, rows, min(rows / total, 1.0) if total else None, names)
        for label, rows, names in zip(labels, n, judged, strict=True)
    )


def _findings(rows: pa.Table, thresholds: Thresholds) -> tuple[Finding, ...]:
    drifted = rows.filter(pc.fill_null(rows["drifted"], fill_value=False))
    psi, shift, p = (_numbers(drifted, name) for name in ("psi", "wasserstein_iqr", "p_adjusted"))
    levels = severity(psi, shift, p, np.ones(len(p), bool), thresholds)
    found = [
        Finding(segment, feature, _or_none(a), _or_none(b), c, d)
        for segment, feature, a, b, c, d in zip(
            drifted["segment"].to_pylist(),
            drifted["feature"].to_pylist(),
            *(values.tolist() for values in (psi, shift, p, levels)),
            strict=True,
        )
    ]
    return tuple(sorted(found, key=lambda each: (-each.severity, each.segment, each.feature)))


def _version(rows: pa.Table) -> str | None:
    """Give the version most rows were compared with; a baseline may be replaced while a window is open."""
    versions = Counter(filter(None, rows["baseline_version"].to_pylist()))
    return max(versions, key=lambda version: (versions[version], version)) if versions else None


def _numbers(rows: pa.Table, name: str) -> NDArray[np.float64]:
    return np.asarray(pc.fill_null(rows[name], float("nan")).to_numpy(), np.float64)


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else value
