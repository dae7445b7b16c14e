"""What the common language starts with: every measured value that has a LOINC code, and words that go astray between
the professions. Only missing entries are added; what a house has changed stays as it is."""

from __future__ import annotations

from collections.abc import Iterator

from wardbridge.core.db import Connection, transaction
from wardbridge.terminology import mdc, units
from wardbridge.terminology.glossary import store
from wardbridge.terminology.glossary.book import Book, slug_of
from wardbridge.terminology.glossary.values import Code, Text
from wardbridge.terminology.glossary.words import WORDS

AUTHOR = ("wardbridge", "Wardbridge")


def measured() -> Iterator[Text]:
    """One entry for each measured value that is known by a label, an MDC and a LOINC code."""
    for term in sorted(mdc.nomenclature(), key=lambda term: term.code):
        name, loinc = mdc.name(term.code), mdc.loinc(term.code)
        if name is None or loinc is None or not loinc.codes:
            continue
        unit = f", shown in {units.shown(name.ucum)}" if name.ucum else ""
        yield Text(
            title=name.long,
            synonyms=tuple(dict.fromkeys((name.short, term.refid))),
            biomed=f"Devices send it as {term.refid} (IEEE 11073 code {term.code}){unit}.",
            codes=(
                Code("mdc", str(term.code), term.refid),
                *(Code("loinc", code, "", "equivalent" if code == loinc.code else "wider") for code in loinc.codes),
                *((Code("ucum", name.ucum, "", "relatedto"),) if name.ucum else ()),
            ),
        )


async def seed(book: Book) -> int:
    """Add what is missing, as agreed; how many. Publishes once if anything came in."""
    async with transaction(book.pool) as conn:
        known, added = await store.slugs(conn), 0
        for owner, text in [*(("clinical", one) for one in measured()), *WORDS]:
            if slug_of(text.title) not in known:
                added += await _agree(conn, owner, text, book.clock.now())
        if added:
            await book.publish(conn)
        return added


async def _agree(conn: Connection, owner: str, text: Text, now: int) -> int:
    entry_id = await store.add(conn, slug_of(text.title), owner, text, now)
    if entry_id is None:
        return 0
    await store.write(conn, entry_id, 1, owner, text, *AUTHOR, now)
    await store.move(conn, entry_id, "approved", 1, now)
    await store.step(conn, entry_id, 1, "approved", AUTHOR, now, "part of Wardbridge")
    return 1
