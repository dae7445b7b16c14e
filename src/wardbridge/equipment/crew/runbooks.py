"""Procedures that departments share: written as steps, signed by each department that has one, then in force."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import msgspec

from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Invalid, NotFound
from wardbridge.equipment.crew import resources
from wardbridge.equipment.crew.steps import SIDES, Step, checked
from wardbridge.equipment.crew.store import runbooks as store
from wardbridge.equipment.crew.store.runbooks import Runbook, Source, Version
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.signing.sign import complete, sign
from wardbridge.equipment.signing.store import of as signatures_of
from wardbridge.equipment.signing.values import Signature
from wardbridge.security.principal import Principal

KINDS = ("install", "service", "decommission", "downtime", "other")
SUBJECT, MEANING = "runbook", "approved"


def slug_of(title: str) -> str:
    """``Install a device`` is ``install-a-device``."""
    text = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", text).strip("-")[:60].strip("-")


def sides_of(steps: Sequence[Step]) -> tuple[str, ...]:
    """The departments that have a step, and so sign."""
    return tuple(side for side in SIDES if any(step.side == side for step in steps))


def content_of(one: Version) -> dict[str, Any]:
    """What is signed."""
    return {"version": one.version, "title": one.title, "about": one.about, "steps": msgspec.to_builtins(one.steps)}


def _checked(kind: str, title: str, about: str, steps: Sequence[Step]) -> None:
    if kind not in KINDS:
        raise Invalid(f"a runbook is for: {', '.join(KINDS)}", "kind")
    if slug_of(title) in ("", "new", "runs") or len(title) > 120:
        raise Invalid("a runbook has a title of its own, of at most 120 characters", "title")
    if len(about) > 2000:
        raise Invalid("at most 2000 characters", "about")
    checked(steps)


async def read(source: Source, slug: str) -> Runbook:
    """Raises NotFound."""
    found = await store.runbooks(source, slug=slug)
    if not found:
        raise NotFound(f"there is no runbook {slug!r}", "runbook")
    return found[0]


async def locked(conn: Connection, slug: str) -> Runbook:
    """A runbook, locked until the transaction ends. Raises NotFound."""
    found = await store.runbooks(conn, slug=slug, lock=True)
    if not found:
        raise NotFound(f"there is no runbook {slug!r}", "runbook")
    return found[0]


async def draft(
    shop: Shop, conn: Connection, kind: str, title: str, about: str, steps: Sequence[Step], *, by: Principal,
    slug: str = "", example: bool = False,
) -> str:  # fmt: skip
    """A new runbook; its slug. Raises Invalid, Conflict (there is one of that name)."""
    _checked(kind, title, about, steps)
    slug, runbook_id, now = slug or slug_of(title), shop.ids(), shop.clock.now()
    if not await store.add(conn, runbook_id, slug, kind, example, now):
        raise Conflict(f"there is a runbook {slug!r} already: change that one", "title")
    one = Version(version=1, title=title.strip(), about=about.strip(), steps=tuple(steps), author=by.id,
                  display=by.display, at=now)  # fmt: skip
    await store.write(conn, runbook_id, kind, one)
    await publish(shop, conn, slug)
    return slug


async def write(
    shop: Shop, conn: Connection, slug: str, seen: int, kind: str, title: str, about: str, steps: Sequence[Step], *,
    by: Principal,
) -> int:  # fmt: skip
    """A new version of a runbook that was read at version ``seen``; what is in force stays until it is signed.

    Raises Invalid, NotFound, Conflict. Runs that have started keep their steps.
    """
    _checked(kind, title, about, steps)
    before = await locked(conn, slug)
    if before.latest != seen:
        raise Conflict("somebody else has changed this runbook meanwhile; look at it again", "version")
    if before.state == "retired":
        raise Conflict("this runbook is retired", "state")
    one = Version(version=seen + 1, title=title.strip(), about=about.strip(), steps=tuple(steps), author=by.id,
                  display=by.display, at=shop.clock.now())  # fmt: skip
    await store.write(conn, before.runbook_id, kind, one)
    await publish(shop, conn, slug)
    return one.version


async def approve(shop: Shop, conn: Connection, slug: str, side: str, *, by: Principal, note: str = "") -> bool:
    """Sign the newest version for a department; in force (True) once each that has a step has signed.

    Raises NotFound, Conflict (nothing to sign, signed already, the same person twice), Forbidden for another side's
    people.
    """
    runbook = await locked(conn, slug)
    if runbook.state != "draft":
        raise Conflict(f"this runbook is {runbook.state}: there is nothing to sign", "state")
    newest, sides = runbook.newest, sides_of(runbook.newest.steps)
    if side not in sides:
        raise Invalid(f"this runbook is signed by: {', '.join(sides)}", "side")
    content = content_of(newest)
    await sign(shop, conn, SUBJECT, runbook.runbook_id, content, meaning=MEANING, side=side, by=by, note=note)
    if not await complete(conn, SUBJECT, runbook.runbook_id, content, meaning=MEANING, sides=sides):
        return False
    await store.move(conn, runbook.runbook_id, "published", newest.version, shop.clock.now())
    await publish(shop, conn, slug)
    return True


async def signatures(source: Source, runbook: Runbook) -> list[Signature]:
    """Who signed this runbook's versions, oldest first."""
    return await signatures_of(source, SUBJECT, runbook.runbook_id)


async def retire(shop: Shop, conn: Connection, slug: str) -> None:
    """Out of use; runs that have started go on. Raises NotFound, Conflict."""
    runbook = await locked(conn, slug)
    if runbook.state == "retired":
        raise Conflict("this runbook is retired already", "state")
    await store.move(conn, runbook.runbook_id, "retired", None, shop.clock.now())
    await publish(shop, conn, slug)


async def publish(shop: Shop, conn: Connection, slug: str) -> None:
    """The runbook as FHIR PlanDefinition, in the caller's transaction."""
    await shop.record.put(conn, [resources.plan(await read(conn, slug))])
