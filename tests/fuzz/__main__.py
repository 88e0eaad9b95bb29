"""Fuzz what is read from outside: ``python -m tests.fuzz --minutes 10``.

Each round is a process of its own with its own seed, so that the end of a process is a finding too. A round
that fails says its seed: ``python -m tests.fuzz --examples 200 --seed N`` repeats it.
"""

import argparse
import subprocess
import sys
import time

from hypothesis import HealthCheck, Phase, seed, settings

ROUND = 100


def main():
    """Run rounds until the time is over, or one round."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, help="rounds for so long, each in a process")
    parser.add_argument("--examples", type=int, default=ROUND, help="examples of each property in a round")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first round")
    options = parser.parse_args()
    if options.minutes is None:
        run(options.examples, options.seed)
        return 0
    return rounds(options)


def rounds(options):
    """Run rounds, each in a process; 1 at the first that finds something."""
    end = time.monotonic() + 60 * options.minutes
    number = options.seed
    while time.monotonic() < end:
        command = [sys.executable, "-X", "faulthandler", "-m", "tests.fuzz"]
        command += ["--examples", str(options.examples), "--seed", str(number)]
        found = subprocess.run(command, check=False, capture_output=True, text=True)
        if found.returncode:
            print(f"seed {number} ended with {found.returncode}\n{found.stdout}\n{found.stderr}")
            return 1
        number += 1
    print(f"{number - options.seed} rounds of {options.examples} examples, nothing found")
    return 0


def run(examples, number):
    """Check every property on so many examples; states are cheap and get 20 times as many."""
    from tests.fuzz import avro_properties, state_properties

    for module, times in ((avro_properties, 1), (state_properties, 20)):
        for check in module.PROPERTIES:
            wanted = settings(
                max_examples=examples * times,
                deadline=None,
                database=None,
                phases=(Phase.generate, Phase.shrink),
                suppress_health_check=list(HealthCheck),
            )
            print(check.__name__, flush=True)
            seed(number)(wanted(check))()


if __name__ == "__main__":
    sys.exit(main())
