"""``/equipment/runbooks``: procedures of several departments, and their runs as they happen."""

from __future__ import annotations

from starlette.responses import Response

from wardbridge.core.errors import Invalid, NotFound
from wardbridge.equipment.crew import report, runbooks, runs, steps
from wardbridge.equipment.crew.steps import ORDERS, SIDES, Step
from wardbridge.equipment.crew.store import runbooks as store
from wardbridge.equipment.learning import pages
from wardbridge.equipment.learning.values import Content, Link
from wardbridge.equipment.signing.sign import digest, sides_of
from wardbridge.web.call import Call, Pages
from wardbridge.web.pages.equipment.knowledge import whole
from wardbridge.web.uploads import FIELD_BYTES, takes_long
from wardbridge.web.words import _

START = "/equipment/runbooks"
RUNS = f"{START}/runs"
BLANK = 4
FIELDS = 8 * steps.MOST + 40
"""Eight fields a step, and those of the runbook."""


async def every(call: Call) -> Response:
    """All runbooks; runs under way and the last ones."""
    shop = call.shop
    return call.page(
        "equipment/runbooks.html", runbooks=await store.runbooks(shop.pool), minutes=steps.minutes,
        lines=await store.runs(shop.pool, limit=30),
    )  # fmt: skip


async def runbook(call: Call) -> Response:
    """One runbook: its steps, its signatures, and the form to start it."""
    shop = call.shop
    one = await runbooks.read(shop.pool, call.path("slug"))
    mark = digest(runbooks.content_of(one.newest))
    signed = [s for s in await runbooks.signatures(shop.pool, one) if s.digest == mark]
    wanted = runbooks.sides_of(one.newest.steps)
    return call.page(
        "equipment/runbook.html", runbook=one, signed=signed, wanted=wanted, minutes=steps.minutes(one.shown.steps),
        may_sign=[side for side in sides_of(call.who) if side in wanted and side not in {s.side for s in signed}],
        targets=await store.targets(shop.pool), scopes=runs.SCOPES, scope=call.query("scope"),
        target=call.query("target"), helps=await pages.about(shop.pool, "runbook", one.slug),
    )  # fmt: skip


async def new(call: Call) -> Response:
    """The form of a new runbook."""
    return call.page("equipment/runbook_edit.html", runbook=None, title="", about="", kind="service", steps=[],
                     blank=BLANK + 4, kinds=runbooks.KINDS, sides=SIDES, orders=ORDERS)  # fmt: skip


async def edit(call: Call) -> Response:
    """The form of the newest version."""
    one = await runbooks.read(call.shop.pool, call.path("slug"))
    return call.page("equipment/runbook_edit.html", runbook=one, title=one.newest.title, about=one.newest.about,
                     kind=one.kind, steps=one.newest.steps, blank=BLANK, kinds=runbooks.KINDS, sides=SIDES,
                     orders=ORDERS)  # fmt: skip


def _steps(call: Call) -> list[Step]:
    columns = {
        name: call.fields(name) for name in ("key", "side", "what", "minutes", "after", "evidence", "abort", "order")
    }
    if len({len(cells) for cells in columns.values()}) != 1 or len(columns["key"]) > steps.MOST:
        raise Invalid(_("The form is too old; please load the page again."), "steps")
    found = []
    for at, cells in enumerate(zip(*columns.values(), strict=True), 1):
        key, side, what, minutes, after, evidence, abort, order = (cell.strip() for cell in cells)
        if not what and not key:
            continue
        found.append(Step(
            key=key or f"step-{at}", side=side, what=what, minutes=whole(minutes, f"step {at}", 0),
            after=tuple(dict.fromkeys(after.replace(",", " ").split())), evidence=evidence, abort=abort,
            order_kind=order,
        ))  # fmt: skip
    return found


@takes_long(FIELD_BYTES, FIELDS)
async def add(call: Call) -> Response:
    """A new draft."""
    async with call.shop.acting(call.who) as conn:
        slug = await runbooks.draft(call.shop, conn, call.field("kind"), call.field("title", required=True),
                                    call.field("about"), _steps(call), by=call.who)  # fmt: skip
    return call.back(f"{START}/{slug}", "written")


@takes_long(FIELD_BYTES, FIELDS)
async def write(call: Call) -> Response:
    """A new version."""
    slug = call.path("slug")
    async with call.shop.acting(call.who) as conn:
        await runbooks.write(
            call.shop, conn, slug, whole(call.field("version"), "version"), call.field("kind"),
            call.field("title", required=True), call.field("about"), _steps(call), by=call.who,
        )  # fmt: skip
    return call.back(f"{START}/{slug}", "written")


async def sign(call: Call) -> Response:
    """Sign the newest version for one's department."""
    slug = call.path("slug")
    async with call.shop.acting(call.who) as conn:
        over = await runbooks.approve(call.shop, conn, slug, call.field("side", required=True), by=call.who)
    return call.back(f"{START}/{slug}", "approved" if over else "signed")


async def retire(call: Call) -> Response:
    """Out of use."""
    slug = call.path("slug")
    async with call.shop.acting(call.who, call.field("reason", required=True)) as conn:
        await runbooks.retire(call.shop, conn, slug)
    return call.back(f"{START}/{slug}", "retired")


async def start(call: Call) -> Response:
    """Start it about a machine, a ward, a switch, a zone or the whole system."""
    scope = call.field("scope", required=True)
    target = call.field(f"target-{scope}") if scope in runs.SCOPES else ""
    async with call.shop.acting(call.who) as conn:
        run_id = await runs.start(call.shop, conn, call.path("slug"), scope, target, by=call.who,
                                  reason=call.field("reason"))  # fmt: skip
    return call.back(f"{RUNS}/{run_id}", "started")


async def run(call: Call) -> Response:
    """A run as it stands: every step with its state, who, when, what it waits for; what the reader can do now."""
    pool = call.shop.pool
    one, tasks = await runs.read(pool, call.path("run"))
    mine = set(sides_of(call.who))
    names = {task.key: task.what for task in tasks}
    return call.page(
        "equipment/runbook_run.html", run=one, tasks=tasks, names=names, log=await store.log(pool, one.run_id),
        waits={task.key: [names[key] for key in steps.waits_for(tasks, task.key)] for task in tasks},
        ready=[t for t in steps.ready(tasks) if t.side in mine] if one.state == "running" else [],
        doing=[t for t in tasks if t.state == "doing" and t.side in mine] if one.state == "running" else [],
        back=steps.way_back(tasks) if one.state == "aborted" else [],
        wards=await runs.affected(pool, one) if one.state == "running" or one.scope != "system" else [],
    )  # fmt: skip


async def step(call: Call) -> Response:
    """Begin, finish or leave out a step."""
    shop, run_id, key, who = call.shop, call.path("run"), call.path("key"), call.who
    async with shop.acting(who) as conn:
        match call.path("move"):
            case "begin":
                await runs.begin(shop, conn, run_id, key, by=who)
            case "finish":
                await runs.finish(shop, conn, run_id, key, by=who, proof=call.field("proof"))
            case "skip":
                await runs.skip(shop, conn, run_id, key, call.field("reason"), by=who)
            case _:
                raise NotFound(_("There is no such page."))
    return call.back(f"{RUNS}/{run_id}", "saved")


async def abort(call: Call) -> Response:
    """Stop here."""
    run_id = call.path("run")
    async with call.shop.acting(call.who, call.field("reason")) as conn:
        await runs.abort(call.shop, conn, run_id, call.field("reason"), by=call.who)
    return call.back(f"{RUNS}/{run_id}", "saved")


async def remark(call: Call) -> Response:
    """A line in the log."""
    run_id = call.path("run")
    async with call.shop.acting(call.who) as conn:
        await runs.remark(call.shop, conn, run_id, call.field("text", required=True), by=call.who)
    return call.back(f"{RUNS}/{run_id}", "saved")


async def lesson(call: Call) -> Response:
    """The after-action report as the draft of a lesson, for the departments to finish."""
    shop, run_id, zone = call.shop, call.path("run"), call.room.zone
    async with shop.acting(call.who) as conn:
        one, tasks = await runs.read(conn, run_id)
        wards = await runs.affected(conn, one) if one.scope != "system" else []
        text = report.lesson(one, tasks, await store.log(conn, run_id), wards, zone)
        audiences = tuple(side for side in ("clinical", "biomed", "it") if any(task.side == side for task in tasks))
        content = Content(title=report.title(one, zone), summary=one.reason[:400], audiences=audiences, body=text)
        slug = await pages.draft(shop, conn, "lesson", content, by=call.who, links=(Link("runbook", one.slug),),
                                 slug=f"lesson-{one.slug[:30]}-{run_id[:8].lower()}".strip("-"))  # fmt: skip
        await runs.learnt(conn, run_id, slug)
    return call.back(f"/equipment/knowledge/{slug}/edit", "written")


GET, POST = ["GET"], ["POST"]
PAGES: Pages = (
    (START, GET, every, "knowledge", ""),
    (START, POST, add, "knowledge", "crew.write"),
    (f"{START}/new", GET, new, "knowledge", "crew.write"),
    (f"{RUNS}/{{run}}", GET, run, "knowledge", ""),
    (f"{RUNS}/{{run}}/steps/{{key}}/{{move}}", POST, step, "knowledge", "knowledge.write"),
    (f"{RUNS}/{{run}}/abort", POST, abort, "knowledge", "knowledge.write"),
    (f"{RUNS}/{{run}}/remarks", POST, remark, "knowledge", "knowledge.write"),
    (f"{RUNS}/{{run}}/lesson", POST, lesson, "knowledge", "knowledge.write"),
    (f"{START}/{{slug}}", GET, runbook, "knowledge", ""),
    (f"{START}/{{slug}}", POST, write, "knowledge", "crew.write"),
    (f"{START}/{{slug}}/edit", GET, edit, "knowledge", "crew.write"),
    (f"{START}/{{slug}}/sign", POST, sign, "knowledge", "knowledge.write"),
    (f"{START}/{{slug}}/retire", POST, retire, "knowledge", "crew.write"),
    (f"{START}/{{slug}}/start", POST, start, "knowledge", "knowledge.write"),
)
