"""Remote access for vendors: requested, approved by another person of IT, time-boxed, recorded.

Whether a session may be used follows from its moments and the clock (:func:`state`); nothing has to run for it to end.
A gateway asks :func:`active`. In an emergency somebody of IT or biomed opens one at once with a reason; it is
reviewed afterwards by somebody else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from wardbridge.core.clock import DAY, HOUR
from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Forbidden, Invalid, NotFound
from wardbridge.equipment.register.store import assets
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.store.rows import Source
from wardbridge.equipment.vendors import resources
from wardbridge.equipment.vendors.firms import vendor_of
from wardbridge.equipment.vendors.store import access as store
from wardbridge.equipment.vendors.values import Entry, Reached, Session
from wardbridge.security.principal import Principal

LONGEST = 12 * HOUR
"""The longest window of a session."""
AHEAD = 90 * DAY
MOST = 200
"""Machines of a session."""
EMERGENCY = 2 * HOUR
"""The longest window that is opened without four eyes."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A session with everything that its page shows."""

    session: Session
    state: str
    vendor: str
    reached: tuple[Reached, ...]
    entries: tuple[Entry, ...]

    @property
    def waiting(self) -> tuple[Reached, ...]:
        """Machines on a patient for which nobody agreed yet."""
        return tuple(one for one in self.reached if one.in_use and not one.confirmed)


def state(one: Session, now: int) -> str:
    """requested, refused, lapsed (its window passed unused), approved (not yet), open (may start), active, ended,
    expired (its window closed it). Pure."""
    if one.decision == "refused":
        return "refused"
    if one.ended_at is not None and one.ended_at <= now:
        return "ended"
    if now >= one.stops:
        return "expired" if one.started_at is not None else "lapsed"
    if one.started_at is not None:
        return "active"
    if one.decision != "approved":
        return "requested"
    return "open" if one.starts <= now else "approved"


async def request(
    shop: Shop, conn: Connection, by: Principal, *, vendor_id: str, person: str, purpose: str,
    device_ids: Sequence[str], starts: int, stops: int, emergency: str = "",
) -> Session:  # fmt: skip
    """Ask for a session of a vendor's person on machines, in a window; with ``emergency`` (why) it opens at once.

    Raises NotFound for an unknown vendor, Invalid for a window that is over, too long (12 hours; 2 in an emergency)
    or more than 90 days ahead, and for no or unknown machines; Forbidden for an emergency by who may approve nothing.
    """
    vendor = await vendor_of(conn, vendor_id)
    now, emergency = shop.clock.now(), emergency.strip()
    if not vendor.active:
        raise Invalid("we no longer work with this vendor", "vendor")
    if not person.strip() or not purpose.strip():
        raise Invalid("say who connects, and what for", "person")
    longest = EMERGENCY if emergency else LONGEST
    if not now < stops <= starts + longest or starts >= stops or starts > now + AHEAD:
        raise Invalid(f"a window is at most {longest // HOUR} hours, not over, and at most 90 days ahead", "window")
    if emergency and (len(emergency) < 10 or starts > now):
        raise Invalid("an emergency begins now, and its reason has at least 10 characters", "emergency")
    if emergency and not by.roles & {"operator", "technician"}:
        raise Forbidden("an emergency is opened by IT or biomed", "role")
    found = {one.device_id for one in await assets(conn, list(device_ids)) if one.merged_into is None}
    if not 0 < len(device_ids) <= MOST or set(device_ids) - found:
        raise Invalid(f"choose 1 to {MOST} machines of the register", "devices")
    one = Session(
        access_id=shop.ids(), vendor_id=vendor_id, person=person.strip(), purpose=purpose.strip(), starts=starts,
        stops=stops, requested_by=by.id, requested_name=by.display, requested_at=now, emergency=emergency,
    )  # fmt: skip
    if emergency:
        one = msgspec.structs.replace(
            one, decision="approved", decided_by=by.id, decided_name=by.display, decided_at=now, started_at=now
        )
    await store.save(conn, one)
    await store.reach(conn, one.access_id, sorted(found))
    return await _write(shop, conn, one)


async def _locked(conn: Connection, access_id: str) -> Session:
    one = await store.get(conn, access_id, lock=True)
    if one is None:
        raise NotFound("there is no such session", f"access/{access_id}")
    return one


async def _write(shop: Shop, conn: Connection, one: Session) -> Session:
    devices = [machine.device_id for machine in await store.reached(conn, one.access_id)]
    await store.save(conn, one)
    await shop.record.put(conn, [resources.session(one, devices, state(one, shop.clock.now()))])
    return one


async def _nobody_unasked(conn: Connection, access_id: str) -> None:
    """Raises Conflict naming the bed of a machine on a patient for which nobody agreed."""
    for one in await store.reached(conn, access_id):
        if one.in_use and not one.confirmed:
            raise Conflict(
                f"{one.name} is on a patient in {one.place or 'a bed'}: a clinician or biomed confirms it first",
                one.device_id,
            )


async def confirm(shop: Shop, conn: Connection, access_id: str, device_id: str, by: Principal, note: str) -> None:
    """A clinician or biomed agrees that a machine is reached although it is on a patient; it holds while that patient
    is on it. Raises Forbidden for others, NotFound, Invalid without a word, Conflict once the session is over."""
    if not by.roles & {"nurse", "physician", "technician"}:
        raise Forbidden("this is confirmed by a clinician or by biomed", "role")
    if not note.strip():
        raise Invalid("say what was looked at, and who watches the patient", "note")
    one = await _locked(conn, access_id)
    if state(one, shop.clock.now()) not in ("requested", "approved", "open", "active"):
        raise Conflict("this session is over", "state")
    if not await store.confirm(conn, access_id, device_id, by.id, by.display, shop.clock.now(), note.strip()):
        raise NotFound("this machine is not in the session", f"Device/{device_id}")


async def decide(
    shop: Shop, conn: Connection, access_id: str, by: Principal, *, approve: bool, reason: str = ""
) -> Session:
    """Approve or refuse a request, as IT and not as who asked.

    Raises NotFound, Forbidden, Conflict for one that is decided, whose window is over, or with a machine on a patient
    that nobody confirmed, Invalid for a refusal without a reason.
    """
    one = await _locked(conn, access_id)
    if "operator" not in by.roles:
        raise Forbidden("remote access is approved by IT", "role")
    if by.id == one.requested_by:
        raise Forbidden("whoever asks does not approve", "person")
    now = shop.clock.now()
    if state(one, now) != "requested":
        raise Conflict(f"this request is {state(one, now)}", "state")
    if not approve and not reason.strip():
        raise Invalid("say why it is refused", "reason")
    if approve:
        await _nobody_unasked(conn, access_id)
    return await _write(
        shop, conn,
        msgspec.structs.replace(one, decision="approved" if approve else "refused", decided_by=by.id,
                                decided_name=by.display, decided_at=now, reason=reason.strip()),
    )  # fmt: skip


async def inform(shop: Shop, conn: Connection, access_id: str, by: Principal) -> Session:
    """Biomed has seen an approved session. Raises Forbidden for others, Conflict where it is not approved."""
    if "technician" not in by.roles:
        raise Forbidden("biomed takes note of it", "role")
    one = await _locked(conn, access_id)
    if one.decision != "approved":
        raise Conflict("it is not approved", "state")
    if one.informed_at is not None:
        return one
    return await _write(
        shop, conn,
        msgspec.structs.replace(one, informed_by=by.id, informed_name=by.display, informed_at=shop.clock.now()),
    )  # fmt: skip


async def start(shop: Shop, conn: Connection, access_id: str, by: Principal) -> Session:
    """Open the door: only inside its window, and with nobody unasked on a machine. Raises NotFound, Conflict."""
    one = await _locked(conn, access_id)
    now = shop.clock.now()
    if state(one, now) != "open":
        raise Conflict(f"this session is {state(one, now)}: it opens in its window, once approved", "state")
    await _nobody_unasked(conn, access_id)
    await _note(shop, conn, one, by, f"started by {by.display}")
    return await _write(shop, conn, msgspec.structs.replace(one, started_at=now))


async def end(shop: Shop, conn: Connection, access_id: str, by: Principal, summary: str) -> Session:
    """Close the door, or say afterwards what was done in a session that its window closed.

    Raises NotFound, Conflict for one that did not run or is told already, Invalid without a summary.
    """
    one = await _locked(conn, access_id)
    now = shop.clock.now()
    if one.started_at is None or one.ended_at is not None:
        raise Conflict(f"this session is {state(one, now)}", "state")
    if not summary.strip():
        raise Invalid("say what was done", "summary")
    return await _write(
        shop, conn,
        msgspec.structs.replace(one, ended_at=min(now, one.stops), ended_by=by.id, ended_name=by.display,
                                summary=summary.strip()),
    )  # fmt: skip


async def record(
    shop: Shop, conn: Connection, access_id: str, by: Principal, text: str, *, file: str = "", digest: str = ""
) -> Entry:
    """Write down what is done, with the SHA-256 of a log or recording. Raises NotFound, Conflict for a session that
    was never started, Invalid without words or for what is no SHA-256."""
    one = await _locked(conn, access_id)
    if one.started_at is None:
        raise Conflict("nothing was done: the session was not started", "state")
    return await _note(shop, conn, one, by, text, file=file, digest=digest)


async def _note(
    shop: Shop, conn: Connection, one: Session, by: Principal, text: str, *, file: str = "", digest: str = ""
) -> Entry:
    if not text.strip():
        raise Invalid("say what was done", "text")
    digest = digest.strip().lower()
    if (digest or file.strip()) and not _SHA256.fullmatch(digest):
        raise Invalid("a log is named with its SHA-256: 64 hexadecimal digits", "digest")
    entry = Entry(
        entry_id=shop.ids(), access_id=one.access_id, at=shop.clock.now(), text=text.strip(), by_id=by.id,
        by_name=by.display, file=file.strip(), digest=digest,
    )  # fmt: skip
    await store.note(conn, entry)
    return entry


async def review(shop: Shop, conn: Connection, access_id: str, by: Principal, text: str) -> Session:
    """Look at an emergency afterwards, as somebody else. Raises NotFound, Forbidden, Conflict, Invalid."""
    one = await _locked(conn, access_id)
    if not one.emergency or one.reviewed_by:
        raise Conflict("there is nothing to review", "state")
    if by.id == one.requested_by or not by.roles & {"operator", "technician", "administrator"}:
        raise Forbidden("an emergency is reviewed by somebody else of IT or biomed", "person")
    if not text.strip():
        raise Invalid("say what you found", "review")
    return await _write(
        shop, conn,
        msgspec.structs.replace(one, reviewed_by=by.id, reviewed_name=by.display, reviewed_at=shop.clock.now(),
                                review=text.strip()),
    )  # fmt: skip


async def active(source: Source, now: int) -> list[Session]:
    """The sessions whose door is open at this moment: what a gateway lets through."""
    return [one for one in await store.running(source, now) if state(one, now) == "active"]


async def page(source: Source, access_id: str, now: int) -> Page:
    """One session. Raises NotFound."""
    one = await store.get(source, access_id)
    if one is None:
        raise NotFound("there is no such session", f"access/{access_id}")
    return Page(
        session=one, state=state(one, now), vendor=(await vendor_of(source, one.vendor_id)).name,
        reached=tuple(await store.reached(source, access_id)), entries=tuple(await store.entries(source, access_id)),
    )  # fmt: skip
