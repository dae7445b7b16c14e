"""The steps of a runbook and how a run of it moves; pure.

A step is started only when all that it comes after are done or skipped (with a reason). Every run can be aborted at any
time, and ends when each step is done, skipped or aborted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from wardbridge.core.errors import Conflict, Invalid, NotFound

SIDES = ("biomed", "it", "clinical")
STATES = ("open", "doing", "done", "skipped", "aborted")
ENDED = frozenset({"done", "skipped", "aborted"})
FULFILS = frozenset({"done", "skipped"})
ORDERS = ("", "maintenance", "inspection", "calibration", "security", "installation", "decommission")
"""Kinds of work orders that a step may be."""
MOST = 60
_KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A step as it is written: ``after`` are keys of others; ``evidence`` what must be shown, '' for none; ``abort``
    how to go back from here; ``order_kind`` the work order that it becomes, '' for none; ``minutes`` as expected."""

    key: str
    side: str
    what: str
    minutes: int = 0
    after: tuple[str, ...] = ()
    evidence: str = ""
    abort: str = ""
    order_kind: str = ""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A step of a run. Times in µs since the epoch, 0 for none."""

    key: str
    position: int
    side: str
    what: str
    state: str = "open"
    minutes: int = 0
    after: tuple[str, ...] = ()
    evidence: str = ""
    abort: str = ""
    order_kind: str = ""
    order_id: str = ""
    request_id: str = ""
    person_id: str = ""
    display: str = ""
    started: int = 0
    ended: int = 0
    proof: str = ""
    reason: str = ""


def checked(steps: Sequence[Step]) -> None:
    """Raises Invalid that names the step: unknown side, double key, unknown or circular dependency."""
    if not 1 <= len(steps) <= MOST:
        raise Invalid(f"a runbook has 1 to {MOST} steps", "steps")
    keys = [step.key for step in steps]
    for number, step in enumerate(steps, 1):
        where = f"step {number}"
        if not _KEY.fullmatch(step.key) or keys.count(step.key) > 1:
            raise Invalid(f"{where}: its key is small letters, digits and hyphens, and its own", "steps")
        if step.side not in SIDES:
            raise Invalid(f"{where}: it is done by {', '.join(SIDES)}", "steps")
        if not 1 <= len(step.what.strip()) <= 400 or len(step.evidence) > 200 or len(step.abort) > 400:
            raise Invalid(f"{where}: say what is done, in at most 400 characters", "steps")
        if not 0 <= step.minutes <= 10_080:
            raise Invalid(f"{where}: it takes at most a week (10080 minutes)", "steps")
        if step.order_kind not in ORDERS:
            raise Invalid(f"{where}: as a work order it is one of: {', '.join(ORDERS[1:])}", "steps")
        unknown = [name for name in step.after if name not in keys]
        if unknown:
            raise Invalid(f"{where}: it comes after {unknown[0]!r}, which is no step", "steps")
    circle = _circle({step.key: step.after for step in steps})
    if circle:
        raise Invalid(f"these steps wait for each other: {', '.join(circle)}", "steps")


def _circle(after: Mapping[str, Sequence[str]]) -> list[str]:
    """The steps that can never start, '' when there are none."""
    left = dict(after)
    while True:
        free = [key for key, names in left.items() if not any(name in left for name in names)]
        if not free:
            return sorted(left)
        for key in free:
            del left[key]


def minutes(steps: Iterable[Step]) -> int:
    """How long it takes at least: the longest chain of steps that wait for each other. ``steps`` without circles."""
    known = {step.key: step for step in steps}
    length: dict[str, int] = {}
    left = list(known)
    while left:
        for key in tuple(left):
            if all(name in length for name in known[key].after):
                length[key] = known[key].minutes + max((length[name] for name in known[key].after), default=0)
                left.remove(key)
    return max(length.values(), default=0)


def tasks_of(steps: Sequence[Step]) -> tuple[Task, ...]:
    """The steps of a new run, all open."""
    return tuple(
        Task(key=one.key, position=at, side=one.side, what=one.what, minutes=one.minutes, after=one.after,
             evidence=one.evidence, abort=one.abort, order_kind=one.order_kind)
        for at, one in enumerate(steps, 1)
    )  # fmt: skip


def waits_for(tasks: Sequence[Task], key: str) -> tuple[str, ...]:
    """The steps that must be done or skipped before this one can start."""
    state = {task.key: task.state for task in tasks}
    return tuple(name for name in one(tasks, key).after if state[name] not in FULFILS)


def ready(tasks: Sequence[Task]) -> list[Task]:
    """What can start now."""
    return [task for task in tasks if task.state == "open" and not waits_for(tasks, task.key)]


def ended(tasks: Iterable[Task]) -> bool:
    """Whether every step is done, skipped or aborted."""
    return all(task.state in ENDED for task in tasks)


def one(tasks: Sequence[Task], key: str) -> Task:
    """Raises NotFound."""
    found = next((task for task in tasks if task.key == key), None)
    if found is None:
        raise NotFound("there is no such step", "step")
    return found


def _with(tasks: Sequence[Task], task: Task) -> tuple[Task, ...]:
    return tuple(task if other.key == task.key else other for other in tasks)


def start(tasks: Sequence[Task], key: str, person_id: str, display: str, at: int) -> tuple[Task, ...]:
    """Somebody begins a step. Raises NotFound, Conflict when it waits for others or is begun already."""
    task = one(tasks, key)
    if task.state != "open":
        raise Conflict(f"this step is {task.state} already{f' ({task.display})' if task.display else ''}", "step")
    waiting = waits_for(tasks, key)
    if waiting:
        raise Conflict(f"this step waits for: {', '.join(one(tasks, name).what for name in waiting)}", "step")
    return _with(tasks, msgspec.structs.replace(task, state="doing", person_id=person_id, display=display, started=at))


def finish(tasks: Sequence[Task], key: str, person_id: str, display: str, at: int, proof: str = "") -> tuple[Task, ...]:
    """A step is done. Raises NotFound, Conflict when it was not begun, Invalid without the evidence it asks for."""
    task = one(tasks, key)
    if task.state != "doing":
        raise Conflict("a step is begun before it is done", "step")
    if task.evidence and not proof.strip():
        raise Invalid(f"this step asks for evidence: {task.evidence}", "proof")
    return _with(tasks, msgspec.structs.replace(
        task, state="done", ended=max(at, task.started), proof=proof.strip(), person_id=person_id, display=display
    ))  # fmt: skip


def skip(tasks: Sequence[Task], key: str, person_id: str, display: str, at: int, reason: str) -> tuple[Task, ...]:
    """A step is not needed this time; those after it may start. Raises NotFound, Conflict, Invalid without a reason."""
    task = one(tasks, key)
    if task.state in ENDED:
        raise Conflict(f"this step is {task.state} already", "step")
    if len(reason.strip()) < 5:
        raise Invalid("say why this step is left out", "reason")
    return _with(tasks, msgspec.structs.replace(
        task, state="skipped", ended=max(at, task.started), reason=reason.strip(), person_id=person_id,
        display=display,
    ))  # fmt: skip


def abort(tasks: Sequence[Task], at: int, reason: str) -> tuple[Task, ...]:
    """Stop here: what is open or under way is aborted, what is done stays. Raises Invalid without a reason."""
    if len(reason.strip()) < 5:
        raise Invalid("say why the run is aborted", "reason")
    return tuple(
        task if task.state in ENDED
        else msgspec.structs.replace(task, state="aborted", ended=max(at, task.started), reason=reason.strip())
        for task in tasks
    )  # fmt: skip


def way_back(tasks: Sequence[Task]) -> list[Task]:
    """What must be undone after an abort: steps that were begun and say how to go back, the last one first."""
    begun = [task for task in tasks if task.started and task.abort and task.state != "skipped"]
    return sorted(begun, key=lambda task: (task.started, task.position), reverse=True)
