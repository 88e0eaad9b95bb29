"""What running jobs hold on to changes only on purpose."""

from __future__ import annotations

import difflib
from collections import Counter
from pathlib import Path

from tests.contract.state_names import LAYOUTS, formats, listed, stateful_dofns, steps_of

LIST = Path(__file__).with_name("state_names.txt")


def test_names_of_steps_and_states_are_those_that_running_jobs_know():
    known, now = LIST.read_text(), listed()
    changed = "\n".join(difflib.unified_diff(known.splitlines(), now.splitlines(), "known", "now", "", "", 1))
    assert now == known, f"a job cannot go on from its savepoint:\n{changed}\n{known.split('##')[0]}"


def test_every_stateful_step_of_the_package_is_in_the_list():
    steps = [step for text, here in LAYOUTS.values() for step in steps_of(text, in_process=here)]
    laid_out = [step.states for step in steps]
    lacking = [name for name, states in stateful_dofns().items() if states not in laid_out]
    assert lacking == [], "add a stream with them to LAYOUTS"


def test_no_two_formats_begin_alike():
    tags = [value for values in formats().values() for name, value in values.items() if name.endswith("TAG")]
    assert len(tags) > 20
    assert [tag for tag, times in Counter(tags).items() if times > 1] == []


def test_no_two_states_of_the_package_have_one_name():
    names = [line.split()[1] for states in stateful_dofns().values() for line in states]
    assert [name for name, times in Counter(names).items() if times > 1] == []
