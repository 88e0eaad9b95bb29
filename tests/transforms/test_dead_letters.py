"""Dead-letter rows."""

from driftline.decoding.rejects import Reason, Reject
from driftline.schemas import DEAD_LETTER, dead_letter_id
from transforms.counters import Tally
from transforms.dead_letters import by_reason, dead_letter_rows, position_of


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
