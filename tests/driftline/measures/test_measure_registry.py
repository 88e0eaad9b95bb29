"""What holds of driftline's own measures; packages are held to it where they are loaded."""

from __future__ import annotations

from driftline.measures.measure_registry import MEASURES


def test_each_is_registered_under_its_name_and_has_a_tag_of_its_own():
    found = MEASURES.load_all()
    assert [each.name for each in found.values()] == list(found)
    tags = {each.tag for each in found.values()}
    assert len(tags) == len(found)
    assert {len(tag) for tag in tags} == {3}
