"""Dead-letter rows."""

from datetime import datetime, timedelta, timezone

import pyarrow as pa
from hypothesis import example, given
from hypothesis import strategies as st

from driftline.decoding.rejects import Reason, Reject
from driftline.outcomes import UNMATCHED
from driftline.schemas.time_range import MAX_TIME, MIN_TIME
from driftline.tables import DEAD_LETTER, dead_letter_id
from driftline.transforms.counters import Tally
from driftline.transforms.sources.dead_letter_rows import (
    UnmatchedDeadLetters,
    by_reason,
    dead_letter_rows,
    position_of,
)


def test_positions():
    assert position_of(Reject(Reason.UNDECODABLE, "", 1), [5, 6]) == "6"
    assert position_of(Reject(Reason.UNDECODABLE, "", 0, 2), ["id"]) == "id#2"
    assert position_of(Reject(Reason.UNDECODABLE, "", 1), range(10, 12), "row") == "row 11"


def test_rows_are_named_by_their_place_and_not_by_the_clock():
    placed = [("7", Reject(Reason.WRONG_TYPE, "lone \ud800", 0, -1, b"\x00\xff"))]
    (first,) = dead_letter_rows("m", "s", placed, 1.5)
    (again,) = dead_letter_rows("m", "s", placed, 99.0)
    assert first.schema == DEAD_LETTER.arrow
    assert first["row_id"].to_pylist() == again["row_id"].to_pylist() == [dead_letter_id("m", "s", "7")]
    record = first.to_pylist()[0]
    assert (record["reason"], record["payload"], record["detail"]) == ("wrong_type", b"\x00\xff", "lone ?")
    assert record["emitted_at"].timestamp() == 1.5


def test_batches_are_bounded():
    small = [(str(i), Reject(Reason.UNDECODABLE, "", i)) for i in range(2_500)]
    assert [batch.num_rows for batch in dead_letter_rows("m", "s", small, 0)] == [1000, 1000, 500]
    large = [(str(i), Reject(Reason.UNDECODABLE, "", i, -1, bytes(1_000_000))) for i in range(40)]
    assert [batch.num_rows for batch in dead_letter_rows("m", "s", large, 0)] == [16, 16, 8]
    assert list(dead_letter_rows("m", "s", [], 0)) == []


WHY = {
    "after_deadline": "the label came after labels.wait had passed",
    "no_prediction": "no prediction with its request id came in time",
}
times = st.integers(MIN_TIME, MAX_TIME) | st.integers(-2, 2).map(lambda second: second * 1_000_000)
wheres = st.none() | st.text("ab\t\n#1é") | st.tuples(st.text(), st.text()).map("\t".join)


@given(
    st.lists(st.tuples(times, st.floats() | st.sampled_from([0.0, 1.0]), wheres, st.sampled_from(list(WHY))))
)
@example([(0, 1234567.0, None, "no_prediction"), (0, 0.1, None, "no_prediction")])
def test_unmatched_labels_are_told_by_source_position_time_and_value(rows):
    columns = [[0] * len(rows), [0] * len(rows), *zip(*rows, strict=True)] if rows else [[]] * 6
    batch = pa.RecordBatch.from_arrays(
        [pa.array(column, field.type) for column, field in zip(columns, UNMATCHED, strict=True)],
        schema=UNMATCHED,
    )
    found = [row for part in UnmatchedDeadLetters("m").process(batch) for row in part.to_pylist()]
    for row, (time, label, where, reason) in zip(found, rows, strict=True):
        source, _, position = (where or "").partition("\t")
        at = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=time)
        assert row.pop("emitted_at").year > 2000
        assert row == {
            "row_id": dead_letter_id("m", source, position),
            "model": "m",
            "reason": reason,
            "detail": f"{WHY[reason]}: label {label!r} of {at.isoformat()}",
            "source": source,
            "position": position,
            "payload": b"",
        }


def test_reasons_are_counted():
    rejects = [
        Reject(Reason.UNDECODABLE, "", 0),
        Reject(Reason.UNDECODABLE, "", 1),
        Reject(Reason.WRONG_TYPE, "", 2),
    ]
    assert by_reason(rejects) == {"undecodable": 2, "wrong_type": 1}


def test_the_tally_adds_up_over_threads():
    from threading import Thread

    tally = Tally()
    threads = [Thread(target=lambda: [tally.add("n", 1) for _ in range(1000)]) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert tally.snapshot() == {"n": 8000}
    tally.clear()
    assert tally.snapshot() == {}
