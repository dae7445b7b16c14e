"""``/equipment/knowledge``: what departments write for each other: found, read, written, reviewed, asked about."""

from __future__ import annotations

from starlette.responses import Response

from wardbridge.core.errors import Invalid, NotFound
from wardbridge.equipment.learning import pages, paths, quiz
from wardbridge.equipment.learning.store import pages as store
from wardbridge.equipment.learning.text import difference, render
from wardbridge.equipment.learning.values import (
    AUDIENCES,
    KINDS,
    LINKS,
    STATES,
    Content,
    Link,
    Page,
    forbids_review,
)
from wardbridge.terminology.glossary.values import Line
from wardbridge.web.call import Call, Pages
from wardbridge.web.uploads import takes_long
from wardbridge.web.words import _

STEP = 40
START = "/equipment/knowledge"
LONG = 12 * pages.LONGEST["body"]
"""Bytes of a page's text as a form sends it, whatever the letters."""


def chosen(call: Call, name: str, allowed: tuple[str, ...]) -> str:
    """A choice in the address. Raises Invalid for one that is not offered."""
    value = call.query(name)
    if value not in ("", *allowed):
        raise Invalid(_("This choice is not offered."), name)
    return value


def whole(text: str, name: str, default: int | None = None) -> int:
    """A whole number that somebody typed. Raises Invalid."""
    if not text and default is not None:
        return default
    if not text.isdecimal() or len(text) > 9:
        raise Invalid(_("This is not a whole number."), name)
    return int(text)


async def knowledge(call: Call) -> Response:
    """Pages and terms by words; what is missing, waits or is due."""
    shop, text = call.shop, call.query("q")[:200]
    kind, audience = chosen(call, "kind", KINDS), chosen(call, "audience", AUDIENCES)
    state = chosen(call, "state", (*STATES, "due"))
    skip = min(whole(call.query("skip")[:6], "skip", 0), 100_000)
    hits = await pages.search(shop, text, kind=kind, audience=audience, state=state, limit=STEP + 1, skip=skip)
    terms: list[Line] = []
    if text and call.room.book is not None:
        terms = await call.room.book.find(text, limit=8)
    if text and not (hits or terms or kind or audience or state or skip):
        await pages.not_found(shop, text)
    return call.page(
        "equipment/knowledge.html", hits=hits[:STEP], more=len(hits) > STEP, skip=skip, step=STEP, asked=text,
        kind=kind, audience=audience, state=state, kinds=KINDS, audiences=AUDIENCES, states=(*STATES, "due"),
        terms=terms, missing=await pages.missing(shop), waiting=await store.waiting(shop.pool, 8),
        counts=await store.counts(shop.pool, shop.clock.now()),
    )  # fmt: skip


def _where(link: Link) -> str:
    match link.kind:
        case "term":
            return f"/terms/{link.target}"
        case "runbook":
            return f"/equipment/runbooks/{link.target}"
        case _:
            return ""


async def page(call: Call) -> Response:
    """One page with its quiz, questions and life."""
    shop = call.shop
    one = await pages.read(shop.pool, call.path("slug"))
    shown = one.shown.content
    return call.page(
        "equipment/knowledge_page.html", page=one, html=render(shown.body), shown=shown,
        links=[(link, _where(link)) for link in one.links], questions=await pages.questions(shop.pool, one.page_id),
        votes=await store.votes(shop.pool, one.page_id), quiz=call.query("quiz"),
        refusal=forbids_review(one.newest.author, one.newest.side, one.newest.content.audiences, call.who),
        overdue=bool(one.published and one.review_due <= shop.clock.now()),
    )  # fmt: skip


async def new(call: Call) -> Response:
    """The form of a new page, with the title that was looked for in vain."""
    return _form(call, None, call.query("title"))


async def edit(call: Call) -> Response:
    """The form of the newest version."""
    return _form(call, await pages.read(call.shop.pool, call.path("slug")), "")


def _form(call: Call, one: Page | None, title: str) -> Response:
    content = one.newest.content if one else Content(title=title[:120])
    return call.page(
        "equipment/knowledge_edit.html", page=one, content=content, questions=quiz.lines(content.questions),
        lines="\n".join(f"{link.kind} {link.target}" for link in one.links) if one else "", kinds=KINDS,
        audiences=AUDIENCES, link_kinds=LINKS, most=pages.LONGEST,
    )  # fmt: skip


def _content(call: Call) -> tuple[str, Content, tuple[Link, ...], int]:
    content = Content(
        title=call.field("title", required=True), summary=call.field("summary"), keywords=call.field("keywords"),
        audiences=tuple(name for name in AUDIENCES if name in call.fields("audiences")),
        body=call.text("body", pages.LONGEST["body"]), questions=quiz.parse(call.text("questions", 8000)),
        pass_percent=whole(call.field("pass_percent"), "pass_percent", 80),
    )  # fmt: skip
    months = whole(call.field("review_months"), "review_months", 12)
    return call.field("kind", required=True), content, pages.links_from(call.text("links", 8000)), months


@takes_long(LONG)
async def add(call: Call) -> Response:
    """A new draft."""
    kind, content, links, months = _content(call)
    async with call.shop.acting(call.who) as conn:
        slug = await pages.draft(call.shop, conn, kind, content, by=call.who, links=links, review_months=months,
                                 note=call.field("note"))  # fmt: skip
    return call.back(f"{START}/{slug}", "written")


@takes_long(LONG)
async def write(call: Call) -> Response:
    """A new version."""
    slug, (kind, content, links, months) = call.path("slug"), _content(call)
    async with call.shop.acting(call.who) as conn:
        await pages.write(call.shop, conn, slug, whole(call.field("version"), "version"), kind, content, by=call.who,
                          links=links, review_months=months, note=call.field("note"))  # fmt: skip
    return call.back(f"{START}/{slug}", "written")


async def changes(call: Call) -> Response:
    """What differs between two versions: by default the one in force (or the one before) and the newest."""
    one = await pages.read(call.shop.pool, call.path("slug"))
    new_number = whole(call.query("to"), "to", one.latest)
    before = one.published if one.published and one.published != new_number else new_number - 1
    old_number = whole(call.query("from"), "from", max(before, 1))
    old = await store.version(call.shop.pool, one.page_id, old_number)
    new_one = await store.version(call.shop.pool, one.page_id, new_number)
    if old is None or new_one is None:
        raise NotFound(_("There is no such version."), "version")
    fields = [(name, getattr(old.content, name), getattr(new_one.content, name))
              for name in ("title", "summary", "keywords", "audiences", "pass_percent")]  # fmt: skip
    return call.page(
        "equipment/knowledge_changes.html", page=one, old=old, new=new_one,
        fields=[row for row in fields if row[1] != row[2]], changes=difference(old.content.body, new_one.content.body),
        questions=difference(quiz.lines(old.content.questions), quiz.lines(new_one.content.questions)),
    )  # fmt: skip


async def move(call: Call) -> Response:
    """Propose, publish, send back, confirm or retire."""
    shop, slug, name, who = call.shop, call.path("slug"), call.path("move"), call.who
    async with shop.acting(who, call.field("reason")) as conn:
        match name:
            case "propose":
                await pages.propose(shop, conn, slug, by=who)
                done = "proposed"
            case "publish":
                await pages.publish(shop, conn, slug, by=who, note=call.field("reason"))
                done = "approved"
            case "return":
                await pages.send_back(shop, conn, slug, call.field("reason"), by=who)
                done = "returned"
            case "confirm":
                await pages.confirm(shop, conn, slug, by=who, note=call.field("reason"))
                done = "confirmed"
            case "retire":
                await pages.retire(shop, conn, slug, call.field("reason"), by=who)
                done = "retired"
            case _:
                raise NotFound(_("There is no such page."))
    return call.back(f"{START}/{slug}", done)


async def ask(call: Call) -> Response:
    """A question or remark."""
    slug = call.path("slug")
    async with call.shop.acting(call.who) as conn:
        await pages.ask(call.shop, conn, slug, call.field("text", required=True), by=call.who)
    return call.back(f"{START}/{slug}", "asked")


async def answer(call: Call) -> Response:
    """An answer."""
    slug = call.path("slug")
    async with call.shop.acting(call.who) as conn:
        await pages.answer(call.shop, conn, slug, call.path("question"), call.field("text", required=True), by=call.who)
    return call.back(f"{START}/{slug}", "answered")


async def vote(call: Call) -> Response:
    """Helpful or not."""
    slug, word = call.path("slug"), call.field("helpful", required=True)
    if word not in ("yes", "no"):
        raise Invalid(_("This choice is not offered."), "helpful")
    async with call.shop.acting(call.who) as conn:
        await pages.vote(call.shop, conn, slug, word == "yes", by=call.who)
    return call.back(f"{START}/{slug}", "voted")


async def attempt(call: Call) -> Response:
    """Answers to a page's quiz."""
    slug = call.path("slug")
    sent = {n: call.field(f"answer-{n}") for n in range(quiz.MOST)}
    answers = {n: whole(text, f"answer-{n}") for n, text in sent.items() if text}
    async with call.shop.acting(call.who) as conn:
        right, asked, passed = await paths.attempt(call.shop, conn, slug, answers, by=call.who)
    return call.back(f"{START}/{slug}?quiz={right}-{asked}", "passed" if passed else "failed")


GET, POST = ["GET"], ["POST"]
PAGES: Pages = (
    (START, GET, knowledge, "knowledge", ""),
    (START, POST, add, "knowledge", "knowledge.write"),
    (f"{START}/new", GET, new, "knowledge", "knowledge.write"),
    (f"{START}/{{slug}}", GET, page, "knowledge", ""),
    (f"{START}/{{slug}}", POST, write, "knowledge", "knowledge.write"),
    (f"{START}/{{slug}}/edit", GET, edit, "knowledge", "knowledge.write"),
    (f"{START}/{{slug}}/changes", GET, changes, "knowledge", ""),
    (f"{START}/{{slug}}/moves/{{move}}", POST, move, "knowledge", "knowledge.write"),
    (f"{START}/{{slug}}/questions", POST, ask, "knowledge", "knowledge.write"),
    (f"{START}/{{slug}}/questions/{{question}}", POST, answer, "knowledge", "knowledge.write"),
    (f"{START}/{{slug}}/vote", POST, vote, "knowledge", "knowledge.write"),
    (f"{START}/{{slug}}/quiz", POST, attempt, "knowledge", "knowledge.write"),
)
