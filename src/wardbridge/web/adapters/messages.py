"""Links, queues and stored messages over exchange and what the processes say of themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from wardbridge.core import store as core
from wardbridge.core.clock import MINUTE, SECOND, Clock
from wardbridge.core.db import Pool, transaction
from wardbridge.core.errors import NotFound
from wardbridge.devices.store import pipeline
from wardbridge.exchange.intake import store as intake
from wardbridge.exchange.outbound.message import DeadLetter, Message, Queue
from wardbridge.exchange.outbound.store import queue, screens
from wardbridge.security.principal import Principal
from wardbridge.web import views as v
from wardbridge.web.sources import Search, TestMessage
from wardbridge.web.words import _

CONSUMER = "devices"
INTERPRETED = frozenset({"PCD-01", "PCD-04"})
SAMPLED, RECENT = 10 * SECOND, 2000
PER_MINUTE = MINUTE / SAMPLED
"""Rates are those of the last ten seconds, as messages a minute."""
REFUSALS = 50
RAW_LIMIT = 256 * 1024
PRINTABLE = str.maketrans({"\r": "\n", "\x0b": "␋\n", "\x1c": "␜"})


def message_view(message: Message) -> v.Message:
    return v.Message(
        ref=message.ref, direction=message.direction, time=message.time, type=message.message_type,
        profile=message.kind, control=message.control, link=message.peer, sender=message.sender,
        status=message.status, problems=_problem_count(message.detail) if message.direction == "in" else 0,
    )  # fmt: skip


def refusal_view(one: pipeline.Refused) -> v.Refusal:
    """Why a message could not be used. What an unforeseen error says may quote the wire: only its kind is shown."""
    reason = one.reason if one.stage in {"adt", "read"} else one.reason.partition(":")[0]
    return v.Refusal(ref=f"in-{one.sequence}", time=one.at, kind=one.kind, link=one.link, reason=reason)


def _problem_count(detail: str) -> int:
    return len(_problems(detail))


def _problems(detail: str) -> tuple[tuple[str, str, str], ...]:
    """The problems of an intake entry, which are JSON: (code, where, what)."""
    if not detail:
        return ()
    try:
        found = orjson.loads(detail)
    except orjson.JSONDecodeError:
        return (("problem", "", detail),)
    return tuple(_problem(row) for row in (found if isinstance(found, list) else [found]))


def _problem(row: Any) -> tuple[str, str, str]:
    if not isinstance(row, list):
        return ("problem", "", str(row))
    code, where, what = [*(str(part) for part in row[:3]), "", "", ""][:3]
    return code, where, what


def queue_view(one: Queue, now: int) -> v.Queue:
    return v.Queue(
        destination=one.destination, state=one.state, waiting=one.waiting, sent=one.sent, dead=one.dead,
        lag_seconds=(now - one.oldest) // SECOND if one.waiting and one.oldest else 0,
        last_sent=one.last_sent, last_error=one.last_error if one.state != "up" else "",
    )  # fmt: skip


def dead_view(letter: DeadLetter) -> v.DeadLetter:
    return v.DeadLetter(
        id=str(letter.id), destination=letter.destination, control=letter.control, type=letter.message_type,
        reason=letter.reason, time=letter.finished or letter.created, attempts=letter.attempts,
    )  # fmt: skip


class ExchangeDesk:
    """Answers :class:`wardbridge.web.sources.Messages`."""

    def __init__(self, pool: Pool, clock: Clock, tester: TestMessage) -> None:
        self._pool = pool
        self._clock = clock
        self._tester = tester

    async def overview(self) -> v.Exchange:
        now = self._clock.now()
        recent = (await screens.find(self._pool, since=now - SAMPLED, direction="in", limit=RECENT)).messages
        counts = await pipeline.counts(self._pool)
        told = await core.states(self._pool, now - MINUTE)
        return v.Exchange(
            links=_links(told, recent, now),
            queues=tuple(queue_view(one, now) for one in await screens.queues(self._pool)),
            dead=tuple(dead_view(letter) for letter in await screens.dead_letters(self._pool)),
            uninterpreted=_uninterpreted(told, counts),
            quarantined=counts.get("refused", 0) + counts.get("quarantined", 0),
            intake_total=sum(number for name, number in counts.items() if name.startswith("entries_")),
            intake_rate=len(recent) * PER_MINUTE,
            backlog=await intake.backlog(self._pool, CONSUMER),
            refused=tuple(refusal_view(one) for one in await pipeline.refused(self._pool, REFUSALS)),
        )

    async def find(self, search: Search, limit: int = 50) -> Sequence[v.Message]:
        found = await screens.find(
            self._pool, patient=search.patient or None, control=search.control or None, since=search.since or None,
            until=search.until or None, direction=search.direction or None, type=search.type or None, limit=limit,
            before=search.before,
        )  # fmt: skip
        return [message_view(message) for message in found.messages]

    async def raw(self, ref: str) -> v.RawMessage:
        data = await screens.raw(self._pool, ref)
        way, _sep, number = ref.partition("-")
        if way == "in":
            row = await intake.message(self._pool, int(number))
            shown = v.Message(
                ref=ref, direction="in", time=row.received, type=row.message_type, profile=row.profile,
                control=row.control, link=row.link, sender=row.sender, status=row.status, size=len(data),
            )  # fmt: skip
            return v.RawMessage(message=shown, text=_text(data), problems=_problems(row.problems))
        return v.RawMessage(message=v.Message(ref=ref, direction="out", time=0, size=len(data)), text=_text(data))

    async def replay(self, dead_id: str, by: Principal) -> None:
        if not dead_id.isdecimal():
            raise NotFound(_("There is no such message."), "dead")
        async with transaction(self._pool) as conn:
            await queue.replay(conn, int(dead_id))
            await queue.ring(conn)

    async def test(self, destination: str, by: Principal) -> str:
        known = {one.destination for one in await screens.queues(self._pool)}
        if destination not in known:
            raise NotFound(_("There is no such destination."), "destination")
        async with transaction(self._pool) as conn:
            return await self._tester(conn, destination)


def _text(data: bytes) -> str:
    """A message for reading: UTF-8 or Latin-1, segments on lines; long ones cut."""
    try:
        text = data[:RAW_LIMIT].decode()
    except UnicodeDecodeError:
        text = data[:RAW_LIMIT].decode("latin-1")
    return text.translate(PRINTABLE) + ("\n…" if len(data) > RAW_LIMIT else "")


def _uninterpreted(told: Sequence[core.State], counts: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """Profiles that were acknowledged, kept and not interpreted, and values whose code nobody knows."""
    found = {}
    for state in told:
        for name, number in (state.data.get("counters", {}).get("hl7_messages_total") or {}).items():
            if name.startswith("PCD-") and name not in INTERPRETED:
                found[name] = int(number)
    if counts.get("unmapped"):
        found[_("values with an unknown code")] = counts["unmapped"]
    return tuple(sorted(found.items()))


def _links(told: Sequence[core.State], recent: Sequence[Message], now: int) -> tuple[v.Link, ...]:
    """The links that processes speak of, with what the intake log received of each in the last minute."""
    rates: dict[str, int] = {}
    last: dict[str, int] = {}
    for message in recent:
        rates[message.peer] = rates.get(message.peer, 0) + 1
        last[message.peer] = max(last.get(message.peer, 0), message.time)
    found: dict[str, v.Link] = {}
    for state in told:
        for link in state.data.get("links") or ():
            found[link["name"]] = _link(link, rates, last)
    for name in rates:
        found.setdefault(
            name, v.Link(name=name, protocol="", state="up", rate=rates[name] * PER_MINUTE, last=last[name])
        )
    return tuple(found[name] for name in sorted(found))


RECEIVED = ("messages", "reports", "accepted", "received")
STATES = {"waiting": "idle", "degraded": "up"}


def _link(link: Mapping[str, Any], rates: Mapping[str, int], last: Mapping[str, int]) -> v.Link:
    name, state = str(link["name"]), str(link.get("state", "idle"))
    counts = link.get("counts") or {}
    return v.Link(
        name=name,
        protocol=str(link.get("driver", "")),
        address=str(link.get("address", "")),
        state=STATES.get(state, state),
        detail=str(link.get("text", "")),
        received=next((int(counts[name]) for name in RECEIVED if name in counts), 0),
        refused=int(counts.get("refused", 0)),
        rate=rates.get(name, 0) * PER_MINUTE,
        last=max(int(link.get("last_message", 0)), last.get(name, 0)),
    )
