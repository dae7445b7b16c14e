"""What the common knowledge starts with: pages as Markdown with a TOML head. Only missing ones are added."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources as files

import msgspec

from wardbridge.equipment.learning import pages, paths, quiz, resources
from wardbridge.equipment.learning.competence import COMPETENCES, RULES
from wardbridge.equipment.learning.dates import months_on
from wardbridge.equipment.learning.store import competence as competences
from wardbridge.equipment.learning.store import pages as store
from wardbridge.equipment.learning.values import Content, Link, Step
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import SYSTEM

NOTE = "an example that comes with Wardbridge: check it against your house's rules"


class Seed(msgspec.Struct, frozen=True):
    """A page that comes with Wardbridge."""

    slug: str
    kind: str
    content: Content
    links: tuple[Link, ...]


@cache
def every() -> tuple[Seed, ...]:
    """The pages in the folder ``examples``, by slug."""
    found = []
    for file in sorted(files.files(__package__).joinpath("examples").iterdir(), key=lambda file: file.name):
        if not file.name.endswith(".md"):
            continue
        _, head, body = file.read_text("utf-8").split("+++\n", 2)
        values = tomllib.loads(head)
        content = Content(
            title=values["title"], summary=values["summary"], keywords=values["keywords"],
            audiences=tuple(values["audiences"]), body=body, questions=quiz.parse(values.get("questions", "")),
        )  # fmt: skip
        links = pages.links_from("\n".join(values["links"]))
        pages.checked(values["kind"], content, links, 12)
        found.append(Seed(file.name.removesuffix(".md"), values["kind"], content, links))
    return tuple(found)


async def seed(shop: Shop) -> int:
    """Add what is missing, in force and marked as an example; how many pages, paths and rules came in."""
    known = await store.slugs(shop.pool)
    missing = [one for one in every() if one.slug not in known]
    async with shop.acting(SYSTEM, NOTE) as conn:
        for one in missing:
            await pages.draft(shop, conn, one.kind, one.content, by=SYSTEM, links=one.links, slug=one.slug,
                              note=NOTE, example=True)  # fmt: skip
            page = await pages.read(conn, one.slug)
            now = shop.clock.now()
            await store.move(conn, page.page_id, "published", now, published=1, review_due=months_on(now, 12))
            step = Step(version=1, step="published", person_id=SYSTEM.id, display=SYSTEM.display, side="", at=now,
                        note=NOTE)  # fmt: skip
            await store.step(conn, page.page_id, step)
            await shop.record.put(conn, [resources.library(await pages.read(conn, one.slug))])
        rules = await competences.seed(conn, COMPETENCES, RULES)
        started = await paths.seed(conn)
    return len(missing) + rules + started
