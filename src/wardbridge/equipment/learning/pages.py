"""The rules of the common knowledge: who writes, who reviews, what is in force, what is missing.

draft → review → published → review due → published again or retired. A version that is in force stays so while a
newer one is written. Whoever wrote a version never publishes it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from wardbridge.core.clock import DAY
from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Forbidden, Invalid, NotFound
from wardbridge.equipment.learning import quiz, resources
from wardbridge.equipment.learning.dates import months_on
from wardbridge.equipment.learning.store import pages as store
from wardbridge.equipment.learning.text import clean, plain
from wardbridge.equipment.learning.values import (
    AUDIENCES,
    KINDS,
    LINKS,
    Asked,
    Content,
    Hit,
    Link,
    Page,
    Step,
    Version,
    forbids_review,
    side_of,
)  # fmt: skip
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import SYSTEM, Principal

LONGEST = {"title": 120, "summary": 400, "keywords": 400, "body": 12_000}
MOST_LINKS = 60
TEXT = 2000
_WORD = re.compile(r"[^\W_]+")
RESERVED = frozenset({"new"})
"""Names that addresses of pages need for themselves."""
POINTS = {"model": 8, "fault": 6, "device-kind": 4, "device-class": 2}
"""How much a link of a page to a model, a fault code, a kind or a class of machine says that the page helps."""


def slug_of(title: str) -> str:
    """The name of a page in addresses: ``What a VLAN is`` is ``what-a-vlan-is``."""
    text = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", text).strip("-")[:60].strip("-")


def words_of(text: str) -> list[str]:
    """The words to look for, at most 12, each at most 40 characters."""
    return [word[:40].lower() for word in _WORD.findall(clean(text))[:12]]


def checked(kind: str, content: Content, links: Sequence[Link], review_months: int) -> None:
    """Raises Invalid with the field in ``where``."""
    if kind not in KINDS:
        raise Invalid(f"a page is one of: {', '.join(KINDS)}", "kind")
    if not slug_of(content.title) or slug_of(content.title) in RESERVED:
        raise Invalid("a page has a title of its own, with letters or digits", "title")
    for name, most in LONGEST.items():
        if len(getattr(content, name)) > most:
            raise Invalid(f"this text is longer than {most} characters", name)
    if not content.body.strip():
        raise Invalid("a page without a text helps nobody", "body")
    if not content.audiences or not set(content.audiences) <= set(AUDIENCES):
        raise Invalid(f"say whom it is for: {', '.join(AUDIENCES)}", "audiences")
    if not 1 <= content.pass_percent <= 100:
        raise Invalid("a pass mark is 1 to 100 %", "pass_percent")
    if not 1 <= review_months <= 60:
        raise Invalid("a page is reviewed again after 1 to 60 months", "review_months")
    if len(links) > MOST_LINKS:
        raise Invalid(f"at most {MOST_LINKS} links", "links")
    for link in links:
        if link.kind not in LINKS or not link.target.strip() or len(link.target) > 120:
            raise Invalid(f"{link.kind} {link.target!r}: a link is a kind ({', '.join(LINKS)}) and a name", "links")


def links_from(lines: str) -> tuple[Link, ...]:
    """Links as people type them, one a line: ``device-kind infusion pump``. Raises Invalid that names the line."""
    found: list[Link] = []
    for number, line in enumerate(lines.splitlines(), 1):
        kind, _, target = line.strip().partition(" ")
        if not kind:
            continue
        if kind not in LINKS or not target.strip():
            raise Invalid(f"line {number}: expected one of {', '.join(LINKS)}, then a name", "links")
        found.append(Link(kind, " ".join(target.split())))
    return tuple(dict.fromkeys(found))


async def draft(
    shop: Shop, conn: Connection, kind: str, content: Content, *, by: Principal, links: Sequence[Link] = (),
    review_months: int = 12, note: str = "", slug: str = "", example: bool = False,
) -> str:  # fmt: skip
    """A new page; its slug. Raises Invalid, Conflict (a page of that name exists)."""
    checked(kind, content, links, review_months)
    slug = slug or slug_of(content.title)
    page_id = shop.ids()
    if not await store.add(conn, page_id, slug, kind, review_months, example, shop.clock.now()):
        raise Conflict(f"there is a page {slug!r} already: change that one", "title")
    await _write(shop, conn, page_id, slug, 1, kind, content, links, review_months, by, note)
    return slug


async def write(
    shop: Shop, conn: Connection, slug: str, seen: int, kind: str, content: Content, *, by: Principal,
    links: Sequence[Link] = (), review_months: int = 12, note: str = "",
) -> int:  # fmt: skip
    """A new version of a page that was read at version ``seen``; its number.

    Raises Invalid, NotFound, and Conflict when somebody else wrote meanwhile or the page is retired.
    """
    checked(kind, content, links, review_months)
    page = await locked(conn, slug)
    if page.latest != seen:
        raise Conflict("somebody else has changed this page meanwhile; look at it again", "version")
    if page.state == "retired":
        raise Conflict("this page is retired", "state")
    await _write(shop, conn, page.page_id, slug, seen + 1, kind, content, links, review_months, by, note)
    return seen + 1


async def _write(
    shop: Shop, conn: Connection, page_id: str, slug: str, number: int, kind: str, content: Content,
    links: Sequence[Link], months: int, by: Principal, note: str,
) -> None:  # fmt: skip
    version = Version(version=number, content=content, author=by.id, display=by.display, side=side_of(by.roles),
                      at=shop.clock.now(), note=note[:TEXT])  # fmt: skip
    await store.write(conn, page_id, kind, months, version, plain(content.body), links)
    await _step(shop, conn, page_id, number, "written", by, note[:TEXT])
    await _publish(shop, conn, slug)


async def _step(shop: Shop, conn: Connection, page_id: str, number: int, name: str, by: Principal, note: str) -> None:
    one = Step(version=number, step=name, person_id=by.id, display=by.display, side=side_of(by.roles),
               at=shop.clock.now(), note=note)  # fmt: skip
    await store.step(conn, page_id, one)


async def _publish(shop: Shop, conn: Connection, slug: str) -> None:
    await shop.record.put(conn, [resources.library(await read(conn, slug))])


async def read(source: store.Source, slug: str) -> Page:
    """Raises NotFound."""
    page = await store.page(source, slug)
    if page is None:
        raise NotFound(f"there is no page {slug!r}", "slug")
    return page


async def locked(conn: Connection, slug: str) -> Page:
    """A page, locked until the transaction ends. Raises NotFound."""
    page = await store.page(conn, slug, lock=True)
    if page is None:
        raise NotFound(f"there is no page {slug!r}", "slug")
    return page


async def propose(shop: Shop, conn: Connection, slug: str, *, by: Principal) -> None:
    """Hand a draft to review. Raises NotFound, Conflict."""
    page = await _in(conn, slug, "draft")
    await store.move(conn, page.page_id, "review", shop.clock.now())
    await _step(shop, conn, page.page_id, page.latest, "proposed", by, "")


async def publish(shop: Shop, conn: Connection, slug: str, *, by: Principal, note: str = "") -> None:
    """Put the newest version in force; its next review falls due. Raises NotFound, Conflict, Forbidden."""
    page = await _in(conn, slug, "review")
    _may_review(page, by)
    now = shop.clock.now()
    await store.move(conn, page.page_id, "published", now, published=page.latest,
                     review_due=months_on(now, page.review_months))  # fmt: skip
    await _step(shop, conn, page.page_id, page.latest, "published", by, note)
    await _publish(shop, conn, slug)


async def send_back(shop: Shop, conn: Connection, slug: str, reason: str, *, by: Principal) -> None:
    """Back to its author. Raises NotFound, Conflict, Forbidden, Invalid without a reason."""
    why = reason_of(reason)
    page = await _in(conn, slug, "review")
    _may_review(page, by)
    await store.move(conn, page.page_id, "draft", shop.clock.now())
    await _step(shop, conn, page.page_id, page.latest, "returned", by, why)


async def confirm(shop: Shop, conn: Connection, slug: str, *, by: Principal, note: str = "") -> None:
    """Still right as it stands: the review is done, the next falls due. Raises NotFound, Conflict, Forbidden."""
    page = await _in(conn, slug, "published")
    _may_review(page, by)
    now = shop.clock.now()
    await store.move(conn, page.page_id, "published", now, review_due=months_on(now, page.review_months))
    await _step(shop, conn, page.page_id, page.latest, "confirmed", by, note)
    await _publish(shop, conn, slug)


async def retire(shop: Shop, conn: Connection, slug: str, reason: str, *, by: Principal) -> None:
    """Out of use, kept for the trace. Raises NotFound, Conflict, Forbidden, Invalid without a reason.

    A page that is in force is retired by somebody who could review it; a draft by its author, too.
    """
    why = reason_of(reason)
    page = await locked(conn, slug)
    if page.state == "retired":
        raise Conflict("this page is retired already", "state")
    if page.published or by.id != page.newest.author:
        _may_review(page, by)
    await store.move(conn, page.page_id, "retired", shop.clock.now())
    await _step(shop, conn, page.page_id, page.latest, "retired", by, why)
    await _publish(shop, conn, slug)


def _may_review(page: Page, by: Principal) -> None:
    why = forbids_review(page.newest.author, page.newest.side, page.newest.content.audiences, by)
    if why:
        raise Forbidden(why, "person")


async def _in(conn: Connection, slug: str, state: str) -> Page:
    page = await locked(conn, slug)
    if page.state != state:
        raise Conflict(f"this page is {page.state}, not {state}", "state")
    return page


def reason_of(text: str) -> str:
    """Raises Invalid for a reason that says nothing."""
    if not 5 <= len(text.strip()) <= TEXT:
        raise Invalid("say why, in a few words", "reason")
    return text.strip()


async def ask(shop: Shop, conn: Connection, slug: str, text: str, *, by: Principal) -> str:
    """Ask or remark something on a page; the question's id. Raises NotFound, Invalid."""
    page = await locked(conn, slug)
    question_id = shop.ids()
    await store.ask(conn, question_id, page.page_id, by.id, by.display, shop.clock.now(), reason_of(text))
    return question_id


async def answer(shop: Shop, conn: Connection, slug: str, question_id: str, text: str, *, by: Principal) -> None:
    """Raises NotFound, Invalid, Conflict when it is answered already."""
    page = await locked(conn, slug)
    if not await store.answer(conn, question_id, page.page_id, by.id, by.display, shop.clock.now(), reason_of(text)):
        raise Conflict("this question is answered already, or not of this page", "question")


async def vote(shop: Shop, conn: Connection, slug: str, helpful: bool, *, by: Principal) -> None:
    """Whether a page helped; a person's last word counts. Raises NotFound."""
    page = await locked(conn, slug)
    await store.vote(conn, page.page_id, by.id, helpful, shop.clock.now())


async def attempt(
    shop: Shop, conn: Connection, slug: str, answers: Mapping[int, int], *, by: Principal
) -> tuple[int, int, bool]:
    """Answer a page's quiz: (right, asked, passed), kept. Raises NotFound, Invalid."""
    page = await locked(conn, slug)
    content = page.shown.content
    right, passed = quiz.grade(content.questions, answers, content.pass_percent)
    await store.attempt(conn, shop.ids(), page.page_id, page.shown.version, by.id, shop.clock.now(), right,
                        len(content.questions), passed)  # fmt: skip
    return right, len(content.questions), passed


async def search(
    shop: Shop, text: str = "", *, kind: str = "", audience: str = "", state: str = "", limit: int = 50, skip: int = 0
) -> list[Hit]:
    """Pages by the beginnings of words, best first, with what was found marked."""
    words = words_of(text)
    if text.strip() and not words:
        return []
    return await store.search(shop.pool, words, kind, audience, state, shop.clock.now(), limit, skip)


async def not_found(shop: Shop, text: str) -> None:
    """Count a search that found nothing, as Wardbridge: who asked is not kept. Long numbers are left out."""
    words = " ".join(sorted({word for word in words_of(text) if len(word) > 1 and not re.search(r"\d{5}", word)}))[:80]
    if words:
        async with shop.acting(SYSTEM) as conn:
            await store.missed(conn, words, shop.clock.now())


async def missing(shop: Shop, limit: int = 10) -> list[tuple[str, int, int]]:
    """(words, how often, last) of what was looked for in vain at least twice in half a year, most first."""
    return await store.misses(shop.pool, shop.clock.now() - 180 * DAY, 2, limit)


async def helps(
    source: store.Source, kind: str = "", model_id: str = "", codes: Sequence[str] = (), limit: int = 5,
    class_: str = "",
) -> list[Hit]:  # fmt: skip
    """Pages that help with a machine, a fault or a work order; most fitting first, ``why`` says what linked them.

    ``kind`` and ``class_`` are the model's, ``codes`` are fault codes.
    """
    wanted = [("model", model_id, POINTS["model"]), ("device-kind", kind, POINTS["device-kind"]),
              ("device-class", class_, POINTS["device-class"]),
              *(("fault", code, POINTS["fault"]) for code in dict.fromkeys(codes))]  # fmt: skip
    return await store.helps(source, [one for one in wanted if one[1]], limit)


async def about(source: store.Source, kind: str, target: str, limit: int = 5) -> list[Hit]:
    """Pages in force that are linked to a runbook, a term or any other target."""
    return await store.helps(source, [(kind, target, 1)], limit)


async def questions(source: store.Source, page_id: str) -> list[Asked]:
    """Questions of a page with their answers, newest first."""
    return await store.questions(source, page_id)
