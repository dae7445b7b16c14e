"""Onboarding: what a new colleague reads, watches, passes and gets, item by item, signed off.

An item is signed off by the mentor, or by passing the quiz of its page; nobody signs for themselves.
Times are µs since the epoch (UTC).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from wardbridge.core.clock import DAY
from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Forbidden, Invalid, NotFound
from wardbridge.equipment.learning import pages
from wardbridge.equipment.learning.store import competence
from wardbridge.equipment.learning.store import pages as page_store
from wardbridge.equipment.learning.store import paths as store
from wardbridge.equipment.learning.store.paths import Item, Path, Source, Start, Task
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import ROLES, Principal

KINDS = ("page", "term", "procedure", "training", "access")
SIGNS = ("mentor", "quiz")
MOST = 60


def checked(path: Path) -> None:
    """Raises Invalid with the field in ``where``."""
    if not 1 <= len(path.title.strip()) <= 120:
        raise Invalid("a path has a title", "title")
    if path.role and path.role not in ROLES:
        raise Invalid(f"a role is one of: {', '.join(sorted(ROLES))}", "role")
    if not 1 <= len(path.items) <= MOST:
        raise Invalid(f"a path has 1 to {MOST} items", "items")
    for number, item in enumerate(path.items, 1):
        if item.kind not in KINDS or item.sign not in SIGNS:
            raise Invalid(f"item {number}: {', '.join(KINDS)}; signed by {' or '.join(SIGNS)}", "items")
        if not 1 <= len(item.title) <= 200 or not 0 <= item.days <= 730:
            raise Invalid(f"item {number}: it has a title, and 0 to 730 days", "items")
        if item.sign == "quiz" and (item.kind not in ("page", "procedure") or not item.target):
            raise Invalid(f"item {number}: only a page can be signed by its quiz", "items")


def items_from(lines: str) -> tuple[Item, ...]:
    """Items as people type them: ``page | what-a-vlan-is | What a VLAN is | 7 | quiz``. Raises Invalid."""
    found = []
    for number, line in enumerate(lines.splitlines(), 1):
        cells = [cell.strip() for cell in line.split("|")]
        if not any(cells):
            continue
        if len(cells) != 5 or not cells[3].isdecimal():
            raise Invalid(f"line {number}: expected kind | target | title | days | mentor or quiz", "items")
        found.append(Item(kind=cells[0], target=cells[1], title=cells[2], days=int(cells[3]), sign=cells[4]))
    return tuple(found)


def lines_of(items: Sequence[Item]) -> str:
    """The inverse of :func:`items_from`."""
    return "\n".join(f"{one.kind} | {one.target} | {one.title} | {one.days} | {one.sign}" for one in items)


async def put(shop: Shop, conn: Connection, path: Path, seen: int = 0) -> str:
    """Add a path (no id) or change one that was read at version ``seen``; its id.

    Raises Invalid, NotFound, Conflict. People who are on it keep the items that they began with.
    """
    checked(path)
    wanted = {one.target for one in path.items if one.sign == "quiz"}
    for slug in sorted(wanted):
        if not (await pages.read(conn, slug)).shown.content.questions:
            raise Invalid(f"the page {slug!r} has no questions", "items")
    if not path.path_id:
        path = msgspec.structs.replace(path, path_id=shop.ids())
    else:
        before = await store.path(conn, path.path_id, lock=True)
        if before is None:
            raise NotFound("there is no such path", "path")
        if before.version != seen:
            raise Conflict("somebody else has changed this path meanwhile; look at it again", "version")
        path = msgspec.structs.replace(path, version=seen + 1, example=before.example)
    await store.put(conn, path)
    return path.path_id


async def start(shop: Shop, conn: Connection, path_id: str, person_id: str, mentor_id: str) -> str:
    """Put somebody on a path with a mentor; the id. Raises NotFound, Invalid."""
    path = await store.path(conn, path_id)
    if path is None or path.retired:
        raise NotFound("there is no such path", "path")
    if person_id == mentor_id:
        raise Invalid("the mentor is somebody else", "mentor")
    names = [await competence.display(conn, one) for one in (person_id, mentor_id)]
    if not all(names):
        raise NotFound("there is no such person", "person" if not names[0] else "mentor")
    start_id, now = shop.ids(), shop.clock.now()
    dues = [now + one.days * DAY for one in path.items]
    await store.start(conn, start_id, path, (person_id, names[0]), (mentor_id, names[1]), now, dues)
    return start_id


async def read(source: Source, start_id: str, now: int) -> tuple[Start, list[Task]]:
    """How far somebody is. Raises NotFound."""
    found = await store.starts(source, now, start_id=start_id)
    if not found:
        raise NotFound("there is nobody on this path", "start")
    return found[0], await store.tasks(source, start_id)


async def sign(shop: Shop, conn: Connection, start_id: str, position: int, *, by: Principal, note: str = "") -> None:
    """The mentor signs an item off. Raises NotFound, Forbidden, Conflict.

    An administrator may stand in for a mentor who is away. What a quiz decides, only the quiz signs.
    """
    now = shop.clock.now()
    start, tasks = await read(conn, start_id, now)
    if by.id == start.person_id:
        raise Forbidden("nobody signs for themselves", "person")
    if by.id != start.mentor_id and "administrator" not in by.roles:
        raise Forbidden(f"the mentor signs: {start.mentor}", "person")
    task = next((one for one in tasks if one.position == position), None)
    if task is None:
        raise NotFound("there is no such item", "item")
    if task.sign == "quiz":
        raise Conflict("this item is signed by passing the quiz of its page", "item")
    if not await store.sign(conn, start_id, position, (by.id, by.display), now, note.strip()[:500]):
        raise Conflict("this item is signed already", "item")


async def attempt(
    shop: Shop, conn: Connection, slug: str, answers: Mapping[int, int], *, by: Principal
) -> tuple[int, int, bool]:
    """Answer a page's quiz: (right, asked, passed). Passing signs the items that wait for it. Raises as pages do."""
    right, asked, passed = await pages.attempt(shop, conn, slug, answers, by=by)
    if passed:
        await store.fulfil(conn, by.id, ("page", "procedure"), slug, "quiz", (by.id, by.display), shop.clock.now(),
                           f"quiz: {right} of {asked} right")  # fmt: skip
    return right, asked, passed


EXAMPLES = (
    Path(
        path_id="start-biomed", title="New in biomed", role="technician", department="biomed", example=True,
        note="The first weeks of a technician: machines, ward and network.",
        items=(
            Item(kind="access", title="Account, badge, keys of the workshop", days=1),
            Item(kind="page", target="how-alarms-reach-the-ward", title="How alarms reach the ward", days=7,
                 sign="quiz"),
            Item(kind="page", target="what-a-vlan-is", title="What a VLAN is", days=7, sign="quiz"),
            Item(kind="term", target="lead-off", title="The word: lead off", days=7),
            Item(kind="procedure", target="battery-care", title="Watch the exchange of a battery", days=14),
            Item(kind="procedure", target="patching-a-device-safely", title="Patching a device safely", days=21,
                 sign="quiz"),
            Item(kind="training", target="electrical-safety", title="Electrical safety testing", days=60),
            Item(kind="training", target="security-awareness", title="Security awareness", days=30),
        ),
    ),
    Path(
        path_id="start-it", title="New in IT for medical networks", role="operator", department="it", example=True,
        note="What is different where patients are on the network.",
        items=(
            Item(kind="access", title="Account, on-call telephone, access to the medical zones", days=1),
            Item(kind="page", target="what-a-lead-off-is", title="What a lead-off is", days=7, sign="quiz"),
            Item(kind="page", target="leakage-current-iec-62353", title="What leakage current means", days=7,
                 sign="quiz"),
            Item(kind="procedure", target="downtime-basics", title="Downtime basics", days=14, sign="quiz"),
            Item(kind="procedure", title="Walk a ward with a technician and a nurse", days=14),
            Item(kind="training", target="security-awareness", title="Security awareness", days=30),
        ),
    ),
    Path(
        path_id="start-ward", title="New on the ward: devices and network", role="nurse", department="clinical",
        example=True, note="What every bedside nurse knows of the machines' other life.",
        items=(
            Item(kind="page", target="how-alarms-reach-the-ward", title="How alarms reach the ward", days=14,
                 sign="quiz"),
            Item(kind="page", target="network-segmentation-for-clinicians", title="Where devices may be plugged in",
                 days=14),
            Item(kind="procedure", target="downtime-basics", title="Downtime basics", days=30, sign="quiz"),
            Item(kind="training", target="infusion", title="Infusion pumps of this ward", days=30),
        ),
    ),
)  # fmt: skip
"""What a house starts with."""


async def seed(conn: Connection) -> int:
    """Add the example paths that are not there; how many. Their pages must exist."""
    known = {one.path_id for one in await store.every(conn, retired=True)}
    missing = [one for one in EXAMPLES if one.path_id not in known]
    for one in missing:
        await store.put(conn, one, replace=False)
    return len(missing)


async def titles(source: Source, tasks: Sequence[Task]) -> dict[str, str]:
    """Slug -> title of the pages that items name."""
    return await page_store.titles(source, [one.target for one in tasks if one.kind in ("page", "procedure")])
