"""A runbook in use: tasks on every side, a log with times, a report at its end."""

from __future__ import annotations

import msgspec

from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Forbidden, Invalid, NotFound
from wardbridge.equipment.crew import resources, runbooks, steps
from wardbridge.equipment.crew.steps import Task
from wardbridge.equipment.crew.store import runbooks as store
from wardbridge.equipment.crew.store.runbooks import Affected, Entry, Line, Run, Source
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.signing.sign import SIDES
from wardbridge.equipment.timeline import Event
from wardbridge.equipment.work import desk as work
from wardbridge.equipment.work.store import orders
from wardbridge.security.principal import Principal

SCOPES = ("device", "ward", "switch", "zone", "system")
TEXT = 2000


async def start(
    shop: Shop, conn: Connection, slug: str, scope: str, target: str = "", *, by: Principal, reason: str = ""
) -> str:
    """Start the version in force about a machine (id, asset or serial number), a ward, a switch, a zone or the whole
    system: its steps become tasks of their sides. The run's id.

    Raises NotFound, Invalid, and Conflict for a runbook that is not in force, or that runs on this target already.
    """
    runbook = await runbooks.locked(conn, slug)
    if runbook.agreed is None or runbook.state == "retired":
        raise Conflict("this runbook is not in force", "runbook")
    if scope not in SCOPES:
        raise Invalid(f"a runbook is started for: {', '.join(SCOPES)}", "scope")
    device_id, name = "", target.strip()
    if scope == "device":
        found = await store.device(conn, name)
        if found is None:
            raise NotFound(f"there is no machine {name!r} in the register", "target")
        device_id, name = found
    elif scope == "system":
        name = name or "all wards"
    elif name not in (await store.targets(conn))[scope]:
        raise Invalid(f"there is no {scope} {name!r}", "target")
    if await store.runs_here(conn, slug, scope, name[:120], device_id):
        raise Conflict("this runbook is running here already", "target")
    now = shop.clock.now()
    run = Run(
        run_id=shop.ids(), runbook_id=runbook.runbook_id, version=runbook.agreed.version, slug=slug, kind=runbook.kind,
        title=runbook.agreed.title, scope=scope, target=name[:120], device_id=device_id, reason=reason.strip()[:TEXT],
        state="running", started=now, started_by=by.id, display=by.display,
    )  # fmt: skip
    tasks = steps.tasks_of(runbook.agreed.steps)
    await store.put_run(conn, run)
    await store.put_tasks(conn, run.run_id, tasks)
    await _say(shop, conn, run.run_id, by, "started", reason)
    await shop.record.put(conn, [resources.task(run, tasks, one) for one in tasks])
    return run.run_id


async def read(source: Source, run_id: str) -> tuple[Run, tuple[Task, ...]]:
    """A run and its steps. Raises NotFound."""
    found = await store.run(source, run_id)
    if found is None:
        raise NotFound("there is no such run", "run")
    return found


async def _running(conn: Connection, run_id: str) -> tuple[Run, tuple[Task, ...]]:
    found = await store.run(conn, run_id, lock=True)
    if found is None:
        raise NotFound("there is no such run", "run")
    if found[0].state != "running":
        raise Conflict(f"this run is {found[0].state}", "run")
    return found


def _speaks(by: Principal, task: Task) -> None:
    if not by.roles & SIDES[task.side]:
        raise Forbidden(f"this step is done by {task.side}: {', '.join(sorted(SIDES[task.side]))}", "person")


async def begin(shop: Shop, conn: Connection, run_id: str, key: str, *, by: Principal) -> None:
    """Begin a step; where it is a work order on a machine, the order is opened now.

    Raises NotFound, Forbidden for another side's people, Conflict when it waits for others.
    """
    run, tasks = await _running(conn, run_id)
    _speaks(by, steps.one(tasks, key))
    after = steps.start(tasks, key, by.id, by.display, shop.clock.now())
    task = steps.one(after, key)
    if task.order_kind and run.device_id and not task.order_id:
        order = await work.order(
            shop, conn, run.device_id, task.order_kind, task.what[:120], f"{run.title}: {task.what}", by,
            source="runbook", source_id=f"{run_id}/{key}", side="it" if task.side == "it" else "biomed",
            minutes=task.minutes or None,
        )  # fmt: skip
        task = msgspec.structs.replace(task, order_id=order.work_id, request_id=order.request_id)
        after = tuple(task if one.key == key else one for one in after)
    await _save(shop, conn, run, tasks, after)
    await _say(shop, conn, run_id, by, "begun", "", key)


async def finish(shop: Shop, conn: Connection, run_id: str, key: str, *, by: Principal, proof: str = "") -> None:
    """A step is done; the run ends with its last one.

    Raises NotFound, Forbidden, Invalid without the evidence that it asks for, Conflict when it was not begun or its
    work order is still open.
    """
    run, tasks = await _running(conn, run_id)
    task = steps.one(tasks, key)
    _speaks(by, task)
    for order in await orders.get(conn, [task.order_id] if task.order_id else []):
        if order.state not in ("resolved", "cancelled"):
            raise Conflict("the work order of this step is still open: close it first", "order")
    after = steps.finish(tasks, key, by.id, by.display, shop.clock.now(), proof[:TEXT])
    await _save(shop, conn, run, tasks, after)
    await _say(shop, conn, run_id, by, "done", proof, key)
    await _end_if_over(shop, conn, run, after, by)


async def skip(shop: Shop, conn: Connection, run_id: str, key: str, reason: str, *, by: Principal) -> None:
    """A step is left out this time, with a reason. Raises NotFound, Forbidden, Conflict, Invalid."""
    run, tasks = await _running(conn, run_id)
    _speaks(by, steps.one(tasks, key))
    after = steps.skip(tasks, key, by.id, by.display, shop.clock.now(), reason[:TEXT])
    await _save(shop, conn, run, tasks, after)
    await _say(shop, conn, run_id, by, "skipped", reason, key)
    await _end_if_over(shop, conn, run, after, by)


async def abort(shop: Shop, conn: Connection, run_id: str, reason: str, *, by: Principal) -> None:
    """Stop the run here: anybody who takes part may, at any time. Raises NotFound, Conflict (ended), Invalid."""
    run, tasks = await _running(conn, run_id)
    now = shop.clock.now()
    after = steps.abort(tasks, now, reason[:TEXT])
    over = msgspec.structs.replace(
        run, state="aborted", ended=now, ended_by=by.display, ended_why=reason.strip()[:TEXT]
    )
    await store.put_run(conn, over)
    await _save(shop, conn, over, tasks, after)
    await _say(shop, conn, run_id, by, "aborted", reason)


async def remark(shop: Shop, conn: Connection, run_id: str, text: str, *, by: Principal) -> None:
    """A line in the log, also after the end. Raises NotFound, Invalid."""
    await read(conn, run_id)
    if not 2 <= len(text.strip()) <= TEXT:
        raise Invalid("a remark has 2 to 2000 characters", "text")
    await _say(shop, conn, run_id, by, "remark", text)


async def learnt(conn: Connection, run_id: str, slug: str) -> None:
    """The run's lesson is written on this page of the common knowledge. Raises NotFound, Conflict."""
    found = await store.run(conn, run_id, lock=True)
    if found is None:
        raise NotFound("there is no such run", "run")
    if found[0].state == "running" or found[0].lesson_slug:
        raise Conflict("the lesson is written once, after the end", "run")
    await store.put_run(conn, msgspec.structs.replace(found[0], lesson_slug=slug))


async def _end_if_over(shop: Shop, conn: Connection, run: Run, tasks: tuple[Task, ...], by: Principal) -> None:
    if steps.ended(tasks):
        now = shop.clock.now()
        await store.put_run(conn, msgspec.structs.replace(run, state="done", ended=now, ended_by=by.display))
        await _say(shop, conn, run.run_id, by, "ended", "")


async def _save(shop: Shop, conn: Connection, run: Run, before: tuple[Task, ...], after: tuple[Task, ...]) -> None:
    """What changed, in the table; in the record also what became ready by it."""
    await store.put_tasks(conn, run.run_id, [one for one in after if one not in before])
    was = [resources.task(run, before, one) for one in before]
    now = [resources.task(run, after, one) for one in after]
    await shop.record.put(conn, [one for one in now if one not in was])


async def _say(shop: Shop, conn: Connection, run_id: str, by: Principal, kind: str, text: str, key: str = "") -> None:
    entry = Entry(
        at=shop.clock.now(), person_id=by.id, display=by.display, key=key, kind=kind, text=text.strip()[:TEXT]
    )
    await store.say(conn, run_id, entry)


async def affected(source: Source, run: Run) -> list[Affected]:
    """The wards that a run touches now, with machines and beds in use; no patient is named."""
    return await store.affected(source, run.scope, run.device_id or run.target)


async def running(source: Source, limit: int = 100) -> list[Line]:
    """Runs under way."""
    return await store.runs(source, state="running", limit=limit)


async def about(source: Source, device_id: str) -> list[Line]:
    """Runs on one machine, running ones first."""
    return await store.runs(source, device_id=device_id, limit=20)


async def events(source: Source, device_id: str) -> list[Event]:
    """Runs on one machine, for its timeline."""
    found = []
    for line in await about(source, device_id):
        run, url = line.run, f"/equipment/runbooks/runs/{line.run.run_id}"
        found.append(Event(at=run.started, kind="runbook", text=f"{run.title}: started", by=run.display, url=url))
        if run.ended:
            found.append(
                Event(at=run.ended, kind="runbook", text=f"{run.title}: {run.state}", by=run.ended_by, url=url)
            )
    return found
