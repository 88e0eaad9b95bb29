"""Bytes of every kind of state, as the tests write them: ``python -m tests.fuzz.state_samples PATH...``.

Runs these tests and adds to ``state_samples.jsonl`` what they read back and is not in it yet. A sample stays
when its format gets a new version: it is then the test that the earlier one is still read.
"""

import functools
import importlib
import inspect
import json
import pkgutil
import sys
from pathlib import Path

SAMPLES = Path(__file__).with_name("state_samples.jsonl")
LARGEST = 4_000
OTHER_ERRORS = {"decode_baseline", "decode_windows"}
"""Files of the user: `BaselineError` names them."""

WITHOUT_BYTES = {"Ledger"}
"""Only its subclasses have a tag."""


def readers():
    """Everything that reads bytes which this package wrote, by name; with what it is called on."""
    import driftline

    found = {}
    for info in pkgutil.walk_packages(driftline.__path__, "driftline."):
        module = importlib.import_module(info.name)
        for name, member in vars(module).items():
            if getattr(member, "__module__", None) != info.name:
                continue
            if inspect.isclass(member) and hasattr(member, "from_bytes") and not inspect.isabstract(member):
                if not issubclass(member, int) and name not in WITHOUT_BYTES:
                    found[f"{info.name}.{name}.from_bytes"] = member.from_bytes
            elif inspect.isfunction(member) and _reads(name, member) and name not in OTHER_ERRORS:
                found[f"{info.name}.{name}"] = member
    return found


def _reads(name, function):
    first = next(iter(inspect.signature(function).parameters.values()), None)
    return (name.startswith("decode") or hasattr(function, "__wrapped__")) and (
        first is not None and first.annotation in ("bytes", bytes)
    )


def samples():
    """Arguments of each reader by its name, as they were recorded."""
    found = {}
    for line in SAMPLES.read_text().splitlines():
        name, *arguments = json.loads(line)
        found.setdefault(name, []).append(
            tuple(bytes.fromhex(each) if isinstance(each, str) else each for each in arguments)
        )
    return found


def record(paths):
    """Run tests and keep the smallest and the largest bytes that each reader was given and read."""
    from driftline import framing

    seen = {}
    decorate = framing.refuses_damage

    def recording(what, remedy=framing.ANEW):
        def decorated(read):
            checked = decorate(what, remedy)(read)

            @functools.wraps(read)
            def recorded(*args, **options):
                result = checked(*args, **options)
                own = inspect.isclass(args[0])
                name = f"{args[0].__module__}.{args[0].__name__}" if own else read.__module__
                name = f"{name}.{read.__name__}" if own or "." not in read.__qualname__ else (
                    f"{name}.{read.__qualname__}"
                )  # fmt: skip
                given = tuple(each.hex() if isinstance(each, bytes) else each for each in args[own:])
                if all(isinstance(each, (str, int)) for each in given) and not options:
                    seen.setdefault(name, set()).add(given)
                return result

            return recorded

        return decorated

    framing.refuses_damage = recording
    import pytest

    pytest.main(["-q", "-p", "no:cacheprovider", *paths])
    known = samples() if SAMPLES.exists() else {}
    with SAMPLES.open("a") as file:
        for name in sorted(seen.keys() - known.keys()):
            sizes = sorted(seen[name], key=lambda given: (sum(len(str(each)) for each in given), given))
            small = [given for given in sizes if sum(len(str(each)) for each in given) <= 2 * LARGEST]
            for given in {sizes[0], small[len(small) // 2] if small else sizes[0], (small or sizes)[-1]}:
                file.write(json.dumps([name, *given]) + "\n")


if __name__ == "__main__":
    record(sys.argv[1:])
