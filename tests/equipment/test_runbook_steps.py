"""Steps of a run, whatever people do in whatever order: pure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardbridge.core.errors import Conflict, Invalid
from wardbridge.equipment.crew import steps
from wardbridge.equipment.crew.steps import ENDED, FULFILS, Step, Task


@st.composite
def plans(draw: st.DrawFn) -> list[Step]:
    """Steps without circles, in any order."""
    count = draw(st.integers(1, 8))
    found = [
        Step(key=f"s{at}", side=draw(st.sampled_from(steps.SIDES)), what=f"do {at}", minutes=draw(st.integers(0, 90)),
             after=tuple(f"s{before}" for before in range(at) if draw(st.booleans())),
             evidence=draw(st.sampled_from(("", "a photo"))), abort=draw(st.sampled_from(("", "undo it"))))
        for at in range(count)
    ]  # fmt: skip
    return draw(st.permutations(found))


MOVES = st.lists(
    st.tuples(st.sampled_from(("start", "finish", "skip", "abort")), st.integers(0, 7),
              st.sampled_from(("", "because so")), st.integers(0, 1000)),
    max_size=40,
)  # fmt: skip


def act(tasks: tuple[Task, ...], name: str, key: str, text: str, at: int) -> tuple[Task, ...]:
    """One move; what is refused changes nothing."""
    try:
        match name:
            case "start":
                return steps.start(tasks, key, "p", "P", at)
            case "finish":
                return steps.finish(tasks, key, "p", "P", at, text)
            case "skip":
                return steps.skip(tasks, key, "p", "P", at, text)
            case _:
                return steps.abort(tasks, at, text)
    except (Conflict, Invalid):
        return tasks


@given(plans(), MOVES)
def test_no_step_is_begun_before_what_it_comes_after(plan: list[Step], moves: list[tuple[str, int, str, int]]) -> None:
    steps.checked(plan)
    tasks = steps.tasks_of(plan)
    for name, number, text, at in moves:
        before = {task.key: task.state for task in tasks}
        tasks = act(tasks, name, f"s{number % len(plan)}", text, at)
        for task in tasks:
            if task.state == "doing" and before[task.key] == "open":
                assert all(before[other] in FULFILS for other in task.after)
            if task.state == "done":
                assert before[task.key] in ("doing", "done")
                assert task.proof or not task.evidence
                states = {other.key: other.state for other in tasks}
                assert all(states[other] in FULFILS for other in task.after)
            if task.state in ("skipped", "aborted"):
                assert task.reason
            if before[task.key] in ENDED:
                assert task.state == before[task.key], "what has ended stays as it is"
            assert task.ended >= task.started or not task.ended


@given(plans(), MOVES)
def test_every_run_can_be_aborted_and_then_has_ended(plan: list[Step], moves: list[tuple[str, int, str, int]]) -> None:
    tasks = steps.tasks_of(plan)
    for name, number, text, at in moves:
        tasks = act(tasks, name, f"s{number % len(plan)}", text, at)
    done = {task.key for task in tasks if task.state == "done"}
    stopped = steps.abort(tasks, 2000, "the patient needs it")
    assert steps.ended(stopped)
    assert {task.key for task in stopped if task.state == "done"} == done
    back = steps.way_back(stopped)
    assert [task.started for task in back] == sorted((task.started for task in back), reverse=True)


@given(plans())
def test_every_plan_can_be_done_to_its_end(plan: list[Step]) -> None:
    tasks = steps.tasks_of(plan)
    for at in range(len(plan)):
        task = steps.ready(tasks)[0]
        tasks = steps.start(tasks, task.key, "p", "P", at)
        tasks = steps.finish(tasks, task.key, "p", "P", at, "shown")
    assert steps.ended(tasks)
    assert all(task.state == "done" for task in tasks)


@given(plans())
def test_the_longest_chain_is_between_the_longest_step_and_all_of_them(plan: list[Step]) -> None:
    assert max(one.minutes for one in plan) <= steps.minutes(plan) <= sum(one.minutes for one in plan)


def test_a_chain_is_added_up_and_branches_run_side_by_side() -> None:
    plan = [Step(key="a", side="it", what="a", minutes=10), Step(key="b", side="it", what="b", minutes=30),
            Step(key="c", side="biomed", what="c", minutes=5, after=("a", "b"))]  # fmt: skip
    assert steps.minutes(plan) == 35


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ([], "1 to"),
        ([Step(key="a", side="it", what="x", after=("b",))], "no step"),
        (
            [Step(key="a", side="it", what="x", after=("b",)), Step(key="b", side="it", what="x", after=("a",))],
            "wait for",
        ),
        ([Step(key="a", side="it", what="x", after=("a",))], "wait for"),
        ([Step(key="a", side="it", what="x"), Step(key="a", side="it", what="x")], "key"),
        ([Step(key="A B", side="it", what="x")], "key"),
        ([Step(key="a", side="board", what="x")], "done by"),
        ([Step(key="a", side="it", what=" ")], "say what"),
        ([Step(key="a", side="it", what="x", order_kind="magic")], "work order"),
    ],
)
def test_a_plan_that_cannot_work_is_refused(plan: list[Step], words: str) -> None:
    with pytest.raises(Invalid, match=words):
        steps.checked(plan)
