"""The rules of the common language: who may write, who agrees, and what the record then says.

draft → proposed → approved, back to draft with a reason, and retired with a reason. Whoever wrote the latest version
cannot approve it, and only the profession that owns an entry can. An agreed text stays in force while a newer one is
being worked on. What is agreed upon is published as FHIR CodeSystem and ConceptMap in the same transaction.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from wardbridge.core.clock import Clock
from wardbridge.core.db import Connection, Pool, transaction
from wardbridge.core.errors import Conflict, Forbidden, Invalid, NotFound
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.values import Put
from wardbridge.terminology.glossary import store
from wardbridge.terminology.glossary.fhir import code_system, concept_map
from wardbridge.terminology.glossary.values import OWNERS, RELATIONS, SYSTEMS, Code, Entry, Line, Text

LONGEST_TITLE, LONGEST_TEXT, MOST_CODES = 120, 4000, 60
_WORD = re.compile(r"[^\W_]+")


class Person(Protocol):
    """Who acts: a principal of the security room."""

    @property
    def id(self) -> str: ...
    @property
    def display(self) -> str: ...
    @property
    def roles(self) -> frozenset[str]: ...


def slug_of(title: str) -> str:
    """The name of an entry in addresses and as a FHIR code: ``Lead off`` is ``lead-off``."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60]


def checked(owner: str, text: Text) -> None:
    """Raises Invalid, with the field in ``where``."""
    if owner not in OWNERS:
        raise Invalid("an entry is owned by clinical, biomed or it", "owner")
    if not slug_of(text.title) or len(text.title) > LONGEST_TITLE:
        raise Invalid(f"the title has 1 to {LONGEST_TITLE} characters", "title")
    for name in ("clinical", "biomed", "it"):
        if len(getattr(text, name)) > LONGEST_TEXT:
            raise Invalid(f"this text is longer than {LONGEST_TEXT} characters", name)
    if not (text.clinical or text.biomed or text.it):
        raise Invalid("say in the words of at least one profession what it is", "clinical")
    if len(text.codes) > MOST_CODES:
        raise Invalid(f"at most {MOST_CODES} codes", "codes")
    for code in text.codes:
        if code.system not in SYSTEMS or code.relation not in RELATIONS or not re.fullmatch(r"\S+( \S+)*", code.code):
            raise Invalid(f"{code.system} {code.code!r} {code.relation}: not a code that can be kept", "codes")


def codes_from(lines: str) -> tuple[Code, ...]:
    """Codes as people type them, one a line: ``system code [relation] [= display]``, as ``loinc 8867-4 = Heart rate``.

    Raises Invalid that names the line.
    """
    out = []
    for number, line in enumerate(lines.splitlines(), 1):
        if not line.strip():
            continue
        head, _, rest = line.partition("=")
        parts = head.split()
        relation = "equivalent"
        if len(parts) > 2 and parts[-1] in RELATIONS:
            relation = parts.pop()
        if len(parts) < 2 or parts[0].lower() not in SYSTEMS:
            raise Invalid(f"line {number}: expected a system ({', '.join(SYSTEMS)}) and a code", "codes")
        out.append(Code(parts[0].lower(), " ".join(parts[1:]), rest.strip(), relation))
    return tuple(out)


def lines_of(codes: Sequence[Code]) -> str:
    """The inverse of :func:`codes_from`."""
    return "\n".join(
        f"{c.system} {c.code}"
        + (f" {c.relation}" if c.relation != "equivalent" else "")
        + (f" = {c.display}" if c.display else "")
        for c in codes
    )


@dataclass(frozen=True)
class Book:
    """The glossary of a house."""

    pool: Pool
    clock: Clock
    record: Record

    async def find(
        self, text: str = "", owner: str = "", state: str = "", limit: int = 50, skip: int = 0
    ) -> list[Line]:
        """Entries by the beginnings of words, codes included; best first."""
        return await store.find(self.pool, _WORD.findall(text)[:12], owner, state, limit, skip)

    async def entry(self, slug: str) -> Entry:
        """Raises NotFound."""
        found = await store.entry(self.pool, slug)
        if found is None:
            raise NotFound(f"there is no entry {slug!r}", "slug")
        return found

    async def add(self, owner: str, text: Text, by: Person, slug: str = "") -> str:
        """A new draft; its slug. Raises Invalid, Conflict (an entry of that name exists)."""
        checked(owner, text)
        slug = slug or slug_of(text.title)
        now = self.clock.now()
        async with transaction(self.pool) as conn:
            entry_id = await store.add(conn, slug, owner, text, now)
            if entry_id is None:
                raise Conflict(f"there is an entry {slug!r} already: change that one", "title")
            await self._write(conn, entry_id, 1, owner, text, by, now)
        return slug

    async def write(self, slug: str, seen: int, owner: str, text: Text, by: Person) -> None:
        """A new version of an entry that was read at version ``seen``. Raises Invalid, NotFound, Conflict."""
        checked(owner, text)
        now = self.clock.now()
        async with transaction(self.pool) as conn:
            head = await self._head(conn, slug)
            if head["latest"] != seen:
                raise Conflict("somebody else has changed this entry meanwhile; look at it again", "version")
            await self._write(conn, head["entry_id"], seen + 1, owner, text, by, now)

    async def _write(
        self, conn: Connection, entry_id: int, version: int, owner: str, text: Text, by: Person, now: int
    ) -> None:
        await store.write(conn, entry_id, version, owner, text, by.id, by.display, now)
        await store.step(conn, entry_id, version, "written", (by.id, by.display), now, "")

    async def propose(self, slug: str, by: Person) -> None:
        await self._move(slug, by, "proposed", ("draft",), "proposed", "")

    async def send_back(self, slug: str, by: Person, reason: str) -> None:
        """Raises Invalid without a reason."""
        await self._move(slug, by, "returned", ("proposed",), "draft", _reason(reason))

    async def retire(self, slug: str, by: Person, reason: str) -> None:
        await self._move(slug, by, "retired", ("draft", "proposed", "approved"), "retired", _reason(reason))

    async def approve(self, slug: str, by: Person) -> None:
        """Raises Forbidden for the author and for other professions than the owner's."""
        await self._move(slug, by, "approved", ("proposed",), "approved", "")

    async def _move(self, slug: str, by: Person, name: str, of: tuple[str, ...], to: str, note: str) -> None:
        now = self.clock.now()
        async with transaction(self.pool) as conn:
            head = await self._head(conn, slug)
            if head["state"] not in of:
                raise Conflict(f"the entry is {head['state']}; it cannot be {name} now", "state")
            if name in ("approved", "returned", "retired") and not by.roles & OWNERS[head["owner"]]:
                raise Forbidden(f"this entry is owned by {head['owner']}: its people decide")
            if name == "approved" and head["author"] == by.id:
                raise Forbidden("whoever wrote a text cannot approve it: four eyes")
            approved = head["latest"] if name == "approved" else None
            await store.move(conn, head["entry_id"], to, approved, now)
            await store.step(conn, head["entry_id"], head["latest"], name, (by.id, by.display), now, note)
            if name in ("approved", "retired"):
                await self.publish(conn)

    async def _head(self, conn: Connection, slug: str) -> dict[str, Any]:
        head = await store.head(conn, slug, lock=True)
        if head is None:
            raise NotFound(f"there is no entry {slug!r}", "slug")
        return head

    async def publish(self, conn: Connection) -> None:
        """What is agreed upon as FHIR, in the caller's transaction."""
        entries, now = await store.agreed(conn), self.clock.now()
        await self.record.write(conn, [Put(code_system(entries, now)), Put(concept_map(entries, now))])


def _reason(text: str) -> str:
    if len(text.strip()) < 5:
        raise Invalid("say why, in a few words", "reason")
    return text.strip()
