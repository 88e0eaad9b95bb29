"""What outcomes would cost as a measure on the spine, next to what they cost in an engine of their own.

One segment, labels that take up to a day, windows of 30 minutes every 15. What is played is an hour of the
stream once a day of it is in state, slice by slice, without the runner: the profiles, merges, looks and rows
are the product's own. On the spine a slice's late outcomes reach every window they belong to at once
(`MergePeriods`), and each of those windows is compared and given again; the engine of `driftline.performance`
keeps them until the next window is due. Timers are left out: the spine would set two for each slice and key,
and hold them for the day.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pyarrow as pa

from driftline.outcomes import OUTCOMES
from driftline.performance import Loss, PerformanceProfile
from driftline.performance.look import look
from driftline.performance.performance_rows import performance_row
from driftline.performance.periods import merge_periods, profile_periods
from driftline.performance.window_rule import WindowRule
from driftline.segments import ALL
from driftline.windows.slices import slice_length

MINUTE = 60_000_000
SIZE, EVERY, WAIT = 30 * MINUTE, 15 * MINUTE, 24 * 60 * MINUTE
HOUR = 60 * MINUTE


def outcomes(rng: np.random.Generator, known: tuple[int, int], rate: float) -> pa.RecordBatch:
    """Outcomes that become known between two times; their predictions are up to a day older."""
    n = int(rate * (known[1] - known[0]) / 1e6)
    at = np.sort(rng.integers(*known, n))
    score = rng.random(n)
    columns = {
        "time": at - rng.integers(0, WAIT, n),
        "known": at,
        "score": score,
        "label": (rng.random(n) < score).astype(float),
        "segment": [ALL] * n,
        "id_high": np.arange(n).astype(np.uint64),
        "id_low": rng.integers(0, 1 << 63, n).astype(np.uint64),
    }
    arrays = [pa.array(columns[field.name], field.type) for field in OUTCOMES]
    return pa.RecordBatch.from_arrays(arrays, schema=OUTCOMES)


def row(profile: PerformanceProfile, end: int) -> dict[str, object]:
    """Compare a window, as both would."""
    window = (end - SIZE, end)
    return performance_row(
        profile, model="m", segment=ALL, window=window, reference=None, min_n=200, emitted_at=0,
        rolling_error=None, baseline_version=None,
    )  # fmt: skip


def on_the_spine(days: dict[int, list[bytes]], live: list[list[tuple[int, bytes]]]) -> dict[str, float]:
    """Windows in state, each slice's outcomes merged into theirs and given again."""
    windows = {}
    for period, profiles in days.items():
        for end in (period + 1, period + 2):
            windows[end] = PerformanceProfile.merge_all([*windows.get(end, []), *profiles])
            windows[end] = [windows[end].to_bytes()]
    held = {end: profiles[0] for end, profiles in windows.items()}
    written = rows = 0
    begin = time.process_time()
    for arrived in live:
        changed = set()
        for period, profile in arrived:
            for end in (period + 1, period + 2):
                before = [held[end]] if end in held else []
                held[end] = PerformanceProfile.merge_all([*before, profile]).to_bytes()
                written += len(held[end])
                changed.add(end)
        for end in changed:
            row(PerformanceProfile.from_bytes(held[end]), end * EVERY)
            rows += 1
    return {
        "state_kb": sum(map(len, held.values())) / 1e3,
        "written_mb": written / 1e6,
        "rows": rows,
        "cpu_s": time.process_time() - begin,
    }


def in_its_engine(past: list[bytes], live: list[bytes], slice_: int) -> dict[str, float]:
    """Periods in state; what arrives is kept, and looked at whenever a window is due."""
    rule = WindowRule(SIZE, EVERY, 0, WAIT)
    held = look([], past, rule, before=None, now=WAIT).held
    arrived, written, rows, now = [], 0, 0, WAIT
    begin = time.process_time()
    for number, part in enumerate(live, 1):
        arrived.append(part)
        written += len(part)
        if sum(map(len, arrived)) > 256_000:
            arrived = [merge_periods(arrived, EVERY)]
            written += len(arrived[0])
        if number * slice_ % EVERY == 0:
            found = look(held, arrived, rule, before=now, now=WAIT + number * slice_)
            for window in found.windows:
                row(window.profile, window.end)
                rows += 1
            held, arrived, now = found.held, [], WAIT + number * slice_
            written += sum(map(len, held))
    return {
        "state_kb": sum(map(len, held)) / 1e3,
        "written_mb": written / 1e6,
        "rows": rows,
        "cpu_s": time.process_time() - begin,
    }


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rate", type=float, default=10, help="outcomes a second of the segment")
    args = parser.parse_args()
    rng, loss = np.random.default_rng(0), Loss("zero_one")
    slice_ = slice_length(EVERY, streaming=True).slice
    before = profile_periods(outcomes(rng, (0, WAIT), args.rate), loss, EVERY)
    past = [periods for segment, periods in before if segment == ALL]
    live = []
    for start in range(WAIT, WAIT + HOUR, slice_):
        batch = outcomes(rng, (start, start + slice_), args.rate)
        live.append(next(part for segment, part in profile_periods(batch, loss, EVERY) if segment == ALL))
    days = {period: [data] for part in past for period, data in part.profiles.items()}
    found = {
        "on the spine": on_the_spine(days, [list(part.profiles.items()) for part in live]),
        "in its own engine": in_its_engine(
            [part.to_bytes() for part in past], [part.to_bytes() for part in live], slice_
        ),
    }
    head = f"an hour of one segment, {args.rate:g} outcomes/s, slices of {slice_ / 1e6:g} s"
    print(f"{head:50}{'state kB':>10}{'written MB':>12}{'rows given':>12}{'CPU s':>8}")
    for name, numbers in found.items():
        print(f"{name:50}{numbers['state_kb']:>10.0f}{numbers['written_mb']:>12.1f}"
              f"{numbers['rows']:>12,.0f}{numbers['cpu_s']:>8.2f}")  # fmt: skip
    spine, own = found.values()
    ratios = {name: spine[name] / own[name] for name in own}
    print(f"{'ratio':50}{ratios['state_kb']:>10.1f}{ratios['written_mb']:>12.1f}"
          f"{ratios['rows']:>12.1f}{ratios['cpu_s']:>8.1f}")  # fmt: skip


if __name__ == "__main__":
    main()
