"""The common language: find a word or a code, read it in the words of each profession, write it, agree on it."""

from __future__ import annotations

from starlette.responses import Response

from wardbridge.core.errors import Invalid, NotFound
from wardbridge.terminology.glossary.book import Book, codes_from, lines_of
from wardbridge.terminology.glossary.values import OWNERS, RELATIONS, SYSTEMS, Text
from wardbridge.web.call import Call
from wardbridge.web.words import _

PAGE = 50
STATES = ("", "draft", "proposed", "approved", "retired")


def _book(call: Call) -> Book:
    if call.room.book is None:
        raise NotFound(_("There is no such page."))
    return call.room.book


async def terms(call: Call) -> Response:
    """``/terms``: the list, by words and codes."""
    text, owner, state = call.query("q"), call.query("owner"), call.query("state")
    if owner not in ("", *OWNERS) or state not in STATES:
        raise Invalid(_("This choice is not offered."), "owner")
    skip = int(call.query("skip", "0")) if call.query("skip", "0").isdecimal() else 0
    lines = await _book(call).find(text, owner, state, PAGE + 1, min(skip, 100_000))
    return call.page(
        "terms.html", lines=lines[:PAGE], more=len(lines) > PAGE, skip=skip, step=PAGE, asked=text, owner=owner,
        state=state, owners=tuple(OWNERS), states=STATES, systems=SYSTEMS, relations=RELATIONS,
    )  # fmt: skip


async def term(call: Call) -> Response:
    """``/terms/{slug}``."""
    found = await _book(call).entry(call.path("slug"))
    decides = bool(call.who.roles & OWNERS[found.owner])
    return call.page(
        "term.html", entry=found, lines=lines_of(found.text.codes), decides=decides, systems=SYSTEMS,
        owners=tuple(OWNERS), relations=RELATIONS, mine=found.author == call.who.id,
    )  # fmt: skip


def _text(call: Call) -> Text:
    synonyms = tuple(dict.fromkeys(part.strip() for part in call.field("synonyms").split(",") if part.strip()))
    return Text(
        title=call.field("title", required=True), synonyms=synonyms, clinical=call.field("clinical"),
        biomed=call.field("biomed"), it=call.field("it"), codes=codes_from(call.field("codes")),
    )  # fmt: skip


async def add(call: Call) -> Response:
    """A new draft."""
    slug = await _book(call).add(call.field("owner", required=True), _text(call), call.who)
    return call.back(f"/terms/{slug}", "written")


async def write(call: Call) -> Response:
    """A new version of an entry."""
    slug, seen = call.path("slug"), call.field("version", required=True)
    if not seen.isdecimal():
        raise Invalid(_("The form is too old; please load the page again."), "version")
    await _book(call).write(slug, int(seen), call.field("owner", required=True), _text(call), call.who)
    return call.back(f"/terms/{slug}", "written")


async def move(call: Call) -> Response:
    """Propose, approve, send back or retire."""
    book, slug, name = _book(call), call.path("slug"), call.path("move")
    match name:
        case "propose":
            await book.propose(slug, call.who)
            done = "proposed"
        case "approve":
            await book.approve(slug, call.who)
            done = "approved"
        case "return":
            await book.send_back(slug, call.who, call.field("reason"))
            done = "returned"
        case "retire":
            await book.retire(slug, call.who, call.field("reason"))
            done = "retired"
        case _:
            raise NotFound(_("There is no such page."))
    return call.back(f"/terms/{slug}", done)
