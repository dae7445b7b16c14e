"""The runbooks that a house starts with: one to install, service and decommission a device, one for downtime.

They are examples, in force at once so that the first downtime finds one; a house changes and signs its own.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources as files

import msgspec

from wardbridge.equipment.crew import load, runbooks
from wardbridge.equipment.crew.steps import Step, checked
from wardbridge.equipment.crew.store import runbooks as store
from wardbridge.equipment.crew.store.load import seed_limits
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import SYSTEM


class Seed(msgspec.Struct, frozen=True):
    """A runbook that comes with Wardbridge."""

    slug: str
    kind: str
    title: str
    about: str
    steps: tuple[Step, ...]


@cache
def every() -> tuple[Seed, ...]:
    """The runbooks in the folder ``examples``, by slug."""
    found = []
    for file in sorted(files.files(__package__).joinpath("examples").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            one = msgspec.convert(
                {**tomllib.loads(file.read_text("utf-8")), "slug": file.name.removesuffix(".toml")}, Seed
            )
            checked(one.steps)
            found.append(one)
    return tuple(found)


async def seed(shop: Shop) -> int:
    """Add what is missing; how many runbooks came in."""
    known = {one.slug for one in await store.runbooks(shop.pool, retired=True)}
    missing = [one for one in every() if one.slug not in known]
    async with shop.acting(SYSTEM, "an example that comes with Wardbridge") as conn:
        for one in missing:
            await runbooks.draft(shop, conn, one.kind, one.title, one.about, one.steps, by=SYSTEM, slug=one.slug,
                                 example=True)  # fmt: skip
            made = await runbooks.read(conn, one.slug)
            await store.move(conn, made.runbook_id, "published", 1, shop.clock.now())
            await runbooks.publish(shop, conn, one.slug)
        await seed_limits(conn, load.LIMITS)
    return len(missing)
