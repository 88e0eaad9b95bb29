"""False alarms of calibrated detectors against their budget, and how soon they find a change.

``python benchmarks/detector_alarms.py`` takes about two minutes. A model errs at a rate of .2, 100 times a
day are known; the reference has half a year. What the rates of days have in common differs from stream to
stream. *any run* is what the limits alone would let through if a detector saw a change all the time.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline.config.budgets import AlarmBudget
from driftline.detectors import JOB_DETECTORS
from driftline.signals.alarm_limits import AlarmLimits
from driftline.signals.confirmation import Confirmation, confirm
from driftline.signals.signal_periods import SignalPeriods

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from driftline.signals.alarm_limits import Limits

    Floats = NDArray[np.float64]

REPLICATES = 60
REFERENCE = 180
"""Days."""
LIVE = 91
A_DAY = 100
"""Errors known a day."""
RATE: Final = 0.2
WORSE: Final = 0.35
DETECTORS: Final = ("adwin", "page_hinkley", "ddm")
_MICROSECONDS: Final = 86_400_000_000


def independent(_: np.random.Generator, days: int) -> Floats:
    """Days are alike."""
    return np.zeros(days)


def by_day(rng: np.random.Generator, days: int) -> Floats:
    """Each day has a rate of its own, from .08 to .42 mostly."""
    return rng.normal(0, 0.5, days)


def after_days(rng: np.random.Generator, days: int) -> Floats:
    """So has each day, and it keeps .6 of what the day before had."""
    noise = rng.normal(0, 0.5 * np.sqrt(1 - 0.6**2), days + 30)
    effect = np.zeros(len(noise))
    for day in range(1, len(noise)):
        effect[day] = 0.6 * effect[day - 1] + noise[day]
    return effect[-days:]


def storms(rng: np.random.Generator, days: int) -> Floats:
    """One day in ten is a storm; then the rate is about .6."""
    return np.where(rng.random(days) < 0.1, 1.8, 0.0) + rng.normal(0, 0.2, days)


STREAMS: Final[dict[str, Callable[[np.random.Generator, int], Floats]]] = {
    "independent": independent,
    "clustered by day": by_day,
    "AR(1) days": after_days,
    "storms": storms,
}


def errors(rng: np.random.Generator, effect: Floats, rate: float) -> Floats:
    """Draw errors of days whose log odds are off by so much."""
    odds = rate / (1 - rate) * np.exp(effect)
    return (rng.random((len(effect), A_DAY)) < (odds / (1 + odds))[:, None]).astype(float).ravel()


def told(limits: Limits, values: Floats, detector: str | None) -> list[int]:
    """Positions at which a calibrated detector tells of a change; None takes any run."""
    found = np.arange(len(values)) if detector is None else JOB_DETECTORS[detector]().update_many(values)
    return [change.position for change in confirm(Confirmation(), limits, values, found)[1]]


def main() -> None:
    """Print for each stream alarms a quarter, then delays in labels."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--replicates", type=int, default=REPLICATES)
    parser.add_argument("--budget", type=float, default=1.0, help="alarms a quarter")
    options = parser.parse_args()
    replicates, budget = options.replicates, AlarmBudget(options.budget, "quarter")
    names = (*DETECTORS, None)
    print(f"{f'alarms, budget {budget}':28}" + "".join(f"{name or 'any run':>22}" for name in names))
    print(f"{'':28}" + "".join(f"{'textbook  calibrated':>22}" for _ in names))
    for title, effects in STREAMS.items():
        textbook = dict.fromkeys(names, 0)
        calibrated = dict.fromkeys(names, 0)
        delays: dict[str | None, list[int]] = {name: [] for name in names}
        for seed in range(replicates):
            rng = np.random.default_rng([seed, len(title)])
            days = effects(rng, REFERENCE + 2 * LIVE)
            past = errors(rng, days[:REFERENCE], RATE)
            known = np.arange(len(past)) * (_MICROSECONDS // A_DAY)
            fitted = AlarmLimits.fit(SignalPeriods.of(known, past), is_rate=True)
            if fitted is None:
                raise SystemExit("the reference is too short: give more days")
            limits = fitted.limits(budget.in_time(1.0))
            calm = errors(rng, days[REFERENCE : REFERENCE + LIVE], RATE)
            worse = errors(rng, days[REFERENCE + LIVE :], WORSE)
            both = np.concatenate((calm, worse))
            for name in names:
                if name is not None:
                    textbook[name] += len(JOB_DETECTORS[name]().update_many(calm))
                calibrated[name] += len(told(limits, calm, name))
                late = [at for at in told(limits, both, name) if at >= len(calm)]
                delays[name].append(late[0] - len(calm) + 1 if late else len(worse) + 1)
        rates = ((textbook[name] / replicates, calibrated[name] / replicates) for name in names)
        print(f"{title:28}" + "".join(f"{before:>12.2f}{after:>10.2f}" for before, after in rates))
        found = []
        for name in names:
            share = np.mean(np.array(delays[name]) <= LIVE * A_DAY)
            found.append(f"{np.median(delays[name]):,.0f} ({share:.0%})")
        print(f"{'  .20 -> .35 found after':28}" + "".join(f"{each:>22}" for each in found))


if __name__ == "__main__":
    main()
