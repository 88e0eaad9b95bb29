"""What must hold for the bytes of any state: damaged ones are refused by one error, and cost no memory."""

import json
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from driftline.framing import UnreadableBytesError
from tests.fuzz.state_samples import readers, samples

MOST_MEMORY = 64 << 20
NUMBERS = [0, 1, 127, 255, 2**16 - 1, 2**31 - 1, 2**32 - 1, 2**63 - 1, 2**64 - 1]
WRONG = [None, True, -1, 0, 2**31, 2**62, 10**30, 1.5, 1e308, "", "x", "<i8", [], [[]], [1], {}, "NaN"]
READERS = readers()
SAMPLES = [(name, *rest) for name, found in sorted(samples().items()) for rest in found]
SAMPLES += [
    ("driftline.measures.measure_registry.decode_profile", *rest)
    for name, *rest in SAMPLES
    if name.endswith("Profile.from_bytes")
]


@st.composite
def damaged_state(draw):
    """The name of a reader and bytes that are nearly what it reads."""
    name, *arguments = draw(st.sampled_from(SAMPLES))
    place = next(place for place, each in enumerate(arguments) if isinstance(each, bytes))
    data = bytearray(arguments[place])
    for _ in range(draw(st.integers(1, 3))):
        damage(draw, data)
    arguments[place] = bytes(data)
    return name, arguments


def damage(draw, data):
    """Change bytes in place: cuts, bits, numbers that claim much, values of a JSON head, anything."""
    at = draw(st.integers(0, len(data)))
    kind = draw(st.sampled_from(["cut", "bit", "number", "insert", "delete", "head", "head", "noise"]))
    if kind == "cut":
        del data[at:]
    elif kind == "bit" and data:
        data[at % len(data)] ^= 1 << draw(st.integers(0, 7))
    elif kind == "number":
        size = draw(st.sampled_from([1, 2, 4, 8]))
        data[at : at + size] = draw(st.sampled_from(NUMBERS)).to_bytes(8, "little")[:size]
    elif kind == "insert":
        data[at:at] = draw(st.binary(max_size=9))
    elif kind == "delete":
        del data[at : at + draw(st.integers(1, 9))]
    elif kind == "head":
        change_head(draw, data)
    elif kind == "noise":
        data[4:] = draw(st.binary(max_size=64))


def change_head(draw, data):
    """Put another value somewhere into the JSON head that `frame` writes, its length right."""
    size = int.from_bytes(data[4:8], "little")
    try:
        head = json.loads(data[8 : 8 + size])
    except ValueError:
        return
    places = list(_places(head))
    if not places:
        return
    holder, key = draw(st.sampled_from(places))
    if draw(st.booleans()):
        holder[key] = draw(st.sampled_from(WRONG))
    else:
        del holder[key]
    text = json.dumps(head, separators=(",", ":"), ensure_ascii=False).encode()
    data[4 : 8 + size] = len(text).to_bytes(4, "little") + text


def _places(value):
    if isinstance(value, (dict, list)):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key])


@given(damaged_state())
def damaged_state_is_one_error(drawn):
    """Reading it gives something or raises the one error, without memory that a length claims."""
    read_damaged(*drawn)


def read_damaged(name, arguments):
    """Read bytes; whether they could be read."""
    tracemalloc.start()
    try:
        read = READERS[name](*arguments)
        if hasattr(read, "to_bytes") and not isinstance(read, int):
            read.to_bytes()
    except UnreadableBytesError as error:
        found = str(error)
    else:
        found = None
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < MOST_MEMORY, f"{name} took {peak} bytes for {sum(map(len, filter(_is_bytes, arguments)))}"
    assert found is None or len(found) > 10
    return found is None


def _is_bytes(value):
    return isinstance(value, bytes)


PROPERTIES = (damaged_state_is_one_error,)
