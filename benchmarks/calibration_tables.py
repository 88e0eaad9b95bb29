"""Tables of the calibration benchmark."""

from __future__ import annotations

from stream_judge import ALPHA

RATIOS = (0.2, 1.0, 5.0)
SHIFTS = (0.05, 0.1, 0.25, 0.5)
ALPHAS = (0.05, 0.01, 0.001)
STATISTICS = (
    "ks",
    "psi",
    "wasserstein",
    "chi2",
    "missing",
    "smooth",
    "numeric p_value",
    "categorical p_value",
)
DRIFTED = ("numeric drifted", "categorical drifted")
MIN_N = 200  # rows below which the job says `insufficient`


def mark(share, error, nominal):
    """Flag a share outside [0.5, 1.5] x nominal, with ``?`` if the simulation's error could explain it."""
    outside = max(0.5 * nominal - share, share - 1.5 * nominal)
    return " " if outside <= 0 else "?" if outside <= 2 * error else "!"


def print_alarms(results, windows, alpha):
    """Alarm rates of no-drift windows: ours and, after a bar, as if rows were independent."""
    names = STATISTICS + (DRIFTED if alpha == ALPHA else ())
    for ratio in RATIOS:
        print(f"\nno drift, alpha {alpha}, {windows} reference windows, live n = {ratio:g} x the reference's")
        print(f"{'stream':14s}{'n':>9s}  " + "".join(f"{name[:19]:>20s}" for name in names))
        for (stream, n, w), (shares, _) in results.items():
            if w != windows:
                continue
            row = ""
            for name in names:
                share, error = shares[ratio, "ours", name, alpha]
                plain = shares[ratio, "plain", name, alpha][0]
                flag = " " if name in DRIFTED else mark(share, error, alpha)
                row += f"{share:11.4f}{flag}|{plain:7.3f}"
            judged = "" if n * ratio >= MIN_N else "  below min_n: never judged"
            print(f"{stream:14s}{n:9d}  {row}{judged}")


def print_power(results, windows):
    """Power of our calibrated tests, and of the same statistics with their exact null."""
    for alpha in ALPHAS[:2]:
        print(f"\npower at alpha {alpha}, {windows} reference windows: ours|exact null; ! if .1 less")
        header = "".join(f"{f'{name} {shift:g}':>17s}" for name in STATISTICS[:4] for shift in SHIFTS)
        print(f"{'stream':14s}{'n':>9s}  {header}")
        for (stream, n, w), (_, powers) in results.items():
            if w != windows:
                continue
            row = ""
            for name in STATISTICS[:4]:
                for shift in SHIFTS:
                    ours, exact = powers[name, shift, alpha]
                    row += f"{ours:10.2f}{'!' if ours < exact - 0.1 else ' '}|{exact:5.2f}"
            print(f"{stream:14s}{n:9d}  {row}")


def print_summary(results, counts):
    """Count the cells inside and outside the goals."""
    print(
        "\ncells with 200 rows or more; 'sure' is outside by more than two standard errors of the simulation"
    )
    for windows in counts:
        for same in (True, False):
            where = "live n = reference's" if same else "live n x 1/5 and x 5"
            print(f"\n{windows} reference windows, {where}")
            for alpha in ALPHAS:
                for name in STATISTICS:
                    cells = [
                        (*shares[ratio, "ours", name, alpha], stream, n, ratio)
                        for (stream, n, w), (shares, _) in results.items()
                        for ratio in RATIOS
                        if w == windows and (ratio == 1) == same and n * ratio >= MIN_N
                    ]
                    _print_cells(cells, alpha, name)
    _print_losses(results)


def _print_cells(cells, alpha, name):
    low = [cell for cell in cells if cell[0] < 0.5 * alpha]
    high = [cell for cell in cells if cell[0] > 1.5 * alpha]
    twice = [cell for cell in cells if cell[0] > 2 * alpha]
    worst = max(cells)

    def sure(outside):
        return sum(mark(share, error, alpha) == "!" for share, error, *_ in outside)

    print(
        f"alpha {alpha:<6g}{name:20s} of {len(cells)}: below .5 x {len(low):3d} ({sure(low)} sure), "
        f"above 1.5 x {len(high):3d} ({sure(high)} sure), above 2 x {len(twice):3d}; mean "
        f"{sum(cell[0] for cell in cells) / len(cells) / alpha:.2f}, largest {worst[0] / alpha:.2f} x "
        f"({worst[2]}, n {worst[3]}, live x {worst[4]:g})"
    )


def _print_losses(results):
    losses = [
        (exact - ours, stream, n, key)
        for (stream, n, _), (_, powers) in results.items()
        for key, (ours, exact) in powers.items()
    ]
    if not losses:
        return
    losses.sort(key=lambda loss: -loss[0])
    over = sum(loss[0] > 0.1 for loss in losses)
    print(f"\npower more than .1 below the exact null: {over} of {len(losses)}; the largest losses:")
    for loss, stream, n, (name, shift, alpha) in losses[:10]:
        print(f"  {loss:.2f}  {stream}, n {n}, {name}, shift {shift}, alpha {alpha}")
