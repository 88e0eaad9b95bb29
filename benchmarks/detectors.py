"""Compare change detectors: false alarms on stable streams, delay after a shift, values/s beside river.

    python benchmarks/detectors.py [--runs 20] [--shifts 100] [--values 500000]

All parameters are the defaults. Detections are where river has them (tests/driftline/detectors), so alarms
and delays are river's as much as ours, but for the last column: Page-Hinkley as a job runs it.
"""

from __future__ import annotations

import argparse
import time
import warnings
from typing import TYPE_CHECKING

import numpy as np
from river import drift

from driftline.detectors import ADWIN, DDM, HDDM_A, KSWIN, PageHinkley, StandardisedPageHinkley

if TYPE_CHECKING:
    from collections.abc import Callable

    from driftline.detectors import Detector

LENGTH = 100_000
SHORT = 1_000
HISTORY = 5_000  # values before a shift
PATIENCE = 20_000  # values in which a shift may be found
STEP = 500
ALWAYS = 10**9  # a centre that runs on
LIMITS = (
    (0.005, 50, 0.9999, 100),
    (0.025, 100, 1, 100),
    (0.05, 50, 1, 100),
    (0.05, 75, 1, 100),
    (0.05, 75, 0.9999, 100),
    (0.05, 75, 1, ALWAYS),
    (0.05, 100, 1, 100),
    (0.1, 50, 1, 100),
)
SHIFTS = (0.02, 0.05, 0.1, 0.2, 0.3)
DETECTORS: dict[str, Callable[[], Detector]] = {
    "ADWIN": ADWIN,
    "DDM": DDM,
    "HDDM_A": HDDM_A,
    "KSWIN": lambda: KSWIN(seed=1),
    "PageHinkley": PageHinkley,
    "standardised": StandardisedPageHinkley,
}
RIVER = {
    "ADWIN": drift.ADWIN,
    "DDM": drift.binary.DDM,
    "HDDM_A": drift.binary.HDDMA,
    "KSWIN": lambda: drift.KSWIN(seed=1),
    "PageHinkley": drift.PageHinkley,
}
SLOW = "KSWIN"  # gets a tenth of the runs and a hundredth of the values
ERRORS_ONLY = "DDM"


def bernoulli(rate: float) -> Callable[[np.random.Generator, int], np.ndarray]:
    return lambda r, n: (r.random(n) < rate).astype(float)


STREAMS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "Bernoulli .05": bernoulli(0.05),
    "Bernoulli .2": bernoulli(0.2),
    "Bernoulli .5": bernoulli(0.5),
    "N(0, 1)": lambda r, n: r.normal(size=n),
    "Student t, 3 df": lambda r, n: r.standard_t(3, n),
}


def fits(detector: str, stream: str) -> bool:
    return detector != ERRORS_ONLY or stream.startswith("Bernoulli")


def false_alarms(runs: int) -> None:
    print(f"detections in {LENGTH:,} stable values, mean of {runs} runs ({SLOW}: {max(1, runs // 10)})\n")
    table(STREAMS, lambda stream, detector: rate_of(stream, detector, runs))
    print(f"\nstable runs of {SHORT:,} values with any detection, per cent of {20 * runs}\n")
    table(STREAMS, lambda stream, detector: share_of(stream, detector, 20 * runs))


def rate_of(stream: str, detector: str, runs: int) -> str:
    if not fits(detector, stream):
        return "-"
    r = np.random.default_rng(1)
    runs = max(1, runs // 10) if detector == SLOW else runs
    found = [len(DETECTORS[detector]().update_many(STREAMS[stream](r, LENGTH))) for _ in range(runs)]
    return f"{np.mean(found):.1f}"


def share_of(stream: str, detector: str, runs: int) -> str:
    if not fits(detector, stream):
        return "-"
    r = np.random.default_rng(2)
    hit = [len(DETECTORS[detector]().update_many(STREAMS[stream](r, SHORT))) > 0 for _ in range(runs)]
    return f"{100 * np.mean(hit):.1f}"


def delays(runs: int) -> None:
    for base in (0.05, 0.2):
        print(
            f"\nmean delay in values after an error rate of {base} rises by so much, {HISTORY:,} stable "
            f"values before;\nin brackets the per cent of {runs} runs ({SLOW}: {max(1, runs // 10)}) that "
            f"found it within {PATIENCE:,}\n"
        )
        table(
            {f"+{shift}": shift for shift in SHIFTS},
            lambda s, d, base=base: delay_of(base, float(s), d, runs),
        )


def delay_of(base: float, shift: float, detector: str, runs: int) -> str:
    r = np.random.default_rng(3)
    runs = max(1, runs // 10) if detector == SLOW else runs
    stable, shifted = bernoulli(base), bernoulli(base + shift)
    return delay(DETECTORS[detector], lambda n: stable(r, n), lambda n: shifted(r, n), HISTORY, runs)


def delay(make, stable, shifted, history: int, runs: int) -> str:
    found = []
    for _ in range(runs):
        watching = make()
        watching.update_many(stable(history))
        for begin in range(0, PATIENCE, STEP):
            positions = watching.update_many(shifted(STEP))
            if len(positions):
                found.append(begin + int(positions[0]) + 1)
                break
    mean = f"{np.mean(found):,.0f}" if found else "-"
    return f"{mean} ({100 * len(found) / runs:.0f})"


def normal(r: np.random.Generator, mean: float) -> Callable[[int], np.ndarray]:
    return lambda n: r.normal(mean, size=n)


def standardisation(runs: int) -> None:
    print(
        f"\nstandardised Page-Hinkley with other limits: detections in {LENGTH:,} stable values, mean of "
        f"{runs} runs;\nmean delay after a shift of so many standard deviations, {SHORT // 2} stable values "
        f"before\n"
    )
    stable = ("Bernoulli .05", "N(0, 1)", "Student t, 3 df")
    shifts = (0.25, 0.5, 1.0)
    heads = (*stable, *(f"+{shift} sd" for shift in shifts))
    print(f"{'delta, threshold, alpha, first':32}" + "".join(f"{head:>16}" for head in heads))
    for limits in LIMITS:
        delta, threshold, alpha, first = limits

        def make(delta=delta, threshold=threshold, alpha=alpha, first=first) -> Detector:
            return StandardisedPageHinkley(delta=delta, threshold=threshold, alpha=alpha, first=first)

        r = np.random.default_rng(5)
        alarms = [
            np.mean([len(make().update_many(STREAMS[stream](r, LENGTH))) for _ in range(runs)])
            for stream in stable
        ]
        found = [delay(make, normal(r, 0.0), normal(r, shift), SHORT // 2, 5 * runs) for shift in shifts]
        row = [f"{alarm:.1f}" for alarm in alarms] + found
        name = ", ".join("all" if limit == ALWAYS else f"{limit:g}" for limit in limits)
        print(f"{name:32}" + "".join(f"{cell:>16}" for cell in row), flush=True)


def speed(values: int) -> None:
    print(
        "values/s of CPU time, errors of rate .2, the best of 3; "
        "ratios to river's update (above 1: ours is faster)\n"
    )
    columns = ("update", "update_many", "river update", "ratio", "ratio many")
    print(f"{'':18}" + "".join(f"{column:>16}" for column in columns))
    stream = bernoulli(0.2)(np.random.default_rng(4), values)
    for name, make in DETECTORS.items():
        some = stream[: values // 100] if name == SLOW else stream
        few = some[: max(1000, len(some) // 5)].tolist()
        ours = best(lambda make=make, few=few: one_by_one(make(), few)) / len(few)
        many = best(lambda make=make, some=some: make().update_many(some)) / len(some)
        row = [f"{1 / ours:,.0f}", f"{1 / many:,.0f}"]
        if name in RIVER:
            theirs = best(lambda name=name, few=few: one_by_one(RIVER[name](), few)) / len(few)
            row += [f"{1 / theirs:,.0f}", f"{theirs / ours:.2f}", f"{theirs / many:.2f}"]
        print(f"{name:18}" + "".join(f"{cell:>16}" for cell in row), flush=True)


def one_by_one(detector, values: list[float]) -> int:
    found = 0
    for x in values:
        detector.update(x)
        found += detector.drift_detected
    return found


def best(run: Callable[[], object]) -> float:
    times = []
    for _ in range(3):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times)


def table(rows, cell: Callable[[str, str], str]) -> None:
    print(f"{'':18}" + "".join(f"{name:>16}" for name in DETECTORS))
    for row in rows:
        print(f"{row:18}" + "".join(f"{cell(row, name):>16}" for name in DETECTORS), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=20, help="stable runs of each kind")
    parser.add_argument("--shifts", type=int, default=100, help="runs with each shift")
    parser.add_argument("--values", type=int, default=500_000, help="values that are timed")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", message="ADWIN got")  # the textbook one is looked at
    speed(options.values)
    print()
    false_alarms(options.runs)
    delays(options.shifts)
    standardisation(max(1, options.runs // 2))


if __name__ == "__main__":
    main()
