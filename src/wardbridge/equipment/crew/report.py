"""The after-action report of a run: what happened when, as the draft of a lesson; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from wardbridge.core.clock import MINUTE, to_datetime
from wardbridge.equipment.crew.steps import Task, way_back
from wardbridge.equipment.crew.store.runbooks import Affected, Entry, Run

LONGEST = 11_000


def _when(at: int, zone: ZoneInfo) -> str:
    return f"{to_datetime(at).astimezone(zone):%Y-%m-%d %H:%M:%S}"


def _plain(text: str) -> str:
    """One line that Markdown leaves as it is."""
    return re.sub(r"([\\`*_{}\[\]<>#|])", r"\\\1", " ".join(text.split()))


def title(run: Run, zone: ZoneInfo) -> str:
    """The lesson's title: what, where, when."""
    return f"Lesson: {run.title}, {run.target}, {to_datetime(run.started).astimezone(zone):%Y-%m-%d}"[:120]


def lesson(run: Run, tasks: Sequence[Task], log: Sequence[Entry], wards: Sequence[Affected], zone: ZoneInfo) -> str:
    """The report in Markdown, with headings for what people still have to say. At most 11,000 characters: where the log
    is longer, its middle is left out and said to be."""
    names = {task.key: task.what for task in tasks}
    late = [task for task in tasks if task.minutes and task.ended - task.started > task.minutes * MINUTE]
    lines = [
        f"*{_plain(run.title)}* for {_plain(run.target)}, version {run.version}, started by {_plain(run.display)}.", "",
        f"- Start: {_when(run.started, zone)} ({zone.key})",
        f"- End: {_when(run.ended, zone)}, {run.state}" if run.ended else "- Still running",
        f"- Duration: {(run.ended - run.started) // MINUTE} min" if run.ended else "",
        f"- Reason: {_plain(run.reason)}" if run.reason else "",
        f"- Stopped because: {_plain(run.ended_why)}" if run.ended_why else "",
        f"- Wards: {', '.join(_plain(one.ward or 'without a place') for one in wards)}" if wards else "",
        "", "## What happened", "",
        "| Step | Side | Result | Minutes | Expected | Who |", "|---|---|---|---|---|---|",
        *(f"| {_plain(task.what)} | {task.side} | {task.state}{': ' + _plain(task.reason) if task.reason else ''} | "
          f"{(task.ended - task.started) // MINUTE if task.started and task.ended else '--'} | "
          f"{task.minutes or '--'} | {_plain(task.display) or '--'} |" for task in tasks),
        "", "## What took longer than expected", "",
        *([f"- {_plain(task.what)}: {(task.ended - task.started) // MINUTE} instead of {task.minutes} min"
           for task in late] or ["Nothing."]),
        *(["", "## What must be undone", "", *(f"1. {_plain(task.abort)}" for task in way_back(tasks))]
          if run.state == "aborted" and way_back(tasks) else []),
        "", "## Why", "", "*To be written by those who were there.*",
        "", "## What is different now", "", "*To be written: which step, page or machine changes, and who sees to it.*",
        "", "## Log", "",
    ]  # fmt: skip
    head = "\n".join(line for at, line in enumerate(lines) if line or (at and lines[at - 1]))
    entries = [
        f"- {_when(one.at, zone)} {_plain(one.display)}: {one.kind}"
        f"{' ' + _plain(names.get(one.key, one.key)) if one.key else ''}{' – ' + _plain(one.text) if one.text else ''}"
        for one in log
    ]
    while entries and len(head) + sum(map(len, entries)) + len(entries) > LONGEST:
        del entries[len(entries) // 2]
    if len(entries) < len(log):
        entries.insert((len(entries) + 1) // 2, f"- … {len(log) - len(entries)} lines are in the run's own log …")
    return (head + "\n" + "\n".join(entries))[:LONGEST] + "\n"
