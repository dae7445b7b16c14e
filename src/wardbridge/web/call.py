"""One request of one signed-in person: the guard in front of every page and every form.

The order is fixed: session, role (``decide``), form token, then the page; the access is on record before
the answer leaves, a refusal too. What a page raises becomes a page that says what and where.
"""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import structlog
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from wardbridge.core.db import AWAY
from wardbridge.core.errors import Invalid, NotFound, Unauthenticated, Unavailable, WardbridgeError
from wardbridge.equipment.shop import Shop
from wardbridge.security.audit import MINOR, SERIOUS, SUCCESS, Access
from wardbridge.security.http import COOKIE, address_of, check_csrf
from wardbridge.security.policy import decide
from wardbridge.security.principal import Principal, Target
from wardbridge.web.room import Room
from wardbridge.web.uploads import form_of
from wardbridge.web.words import _

log = structlog.get_logger(__name__)

Handler = Callable[["Call"], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]
Pages = tuple[tuple[str, list[str], Handler, str, str], ...]
"""Path, methods, handler, the page that it belongs to, and the feature that it needs beyond the page ('': none)."""
Open = Callable[[Room, Request], Awaitable[Response]]
TEXT_LIMIT = 2000


class Call:
    """A request with what the guard found out about it."""

    def __init__(self, room: Room, request: Request, who: Principal) -> None:
        self.room = room
        self.sources = room.sources
        self.request = request
        self.who = who
        self.patients: list[str] = []
        self.note = ""
        self.form: FormData = FormData()

    @property
    def shop(self) -> Shop:
        """What functions of the equipment room are given. Raises NotFound where this server has none."""
        if self.room.shop is None:
            raise NotFound(_("There is no such page."))
        return self.room.shop

    def path(self, name: str) -> str:
        return str(self.request.path_params[name])

    def query(self, name: str, default: str = "") -> str:
        return self.request.query_params.get(name, default)[:TEXT_LIMIT]

    def field(self, name: str, *, required: bool = False) -> str:
        """A form field, stripped. Raises Invalid when it is required and empty, or too long."""
        sent = self.form.get(name, "")
        text = "" if isinstance(sent, UploadFile) else sent.strip()
        if len(text) > TEXT_LIMIT:
            raise Invalid(_("This text is too long."), name)
        if required and not text:
            raise Invalid(_("Please fill in this field."), name)
        return text

    def text(self, name: str, limit: int) -> str:
        """A long form field (a page, a list), stripped. Raises Invalid beyond ``limit`` characters."""
        sent = self.form.get(name, "")
        text = "" if isinstance(sent, UploadFile) else sent.replace("\r\n", "\n").strip()
        if len(text) > limit:
            raise Invalid(_("This text is too long."), name)
        return text

    def fields(self, name: str) -> list[str]:
        return [sent for sent in self.form.getlist(name) if isinstance(sent, str)]

    async def uploads(self, name: str, limit: int) -> list[tuple[str, bytes]]:
        """The files of a form field as (name, content), of a handler marked by :func:`takes_files`. Raises Invalid when
        one is larger than ``limit`` bytes."""
        found = []
        for sent in self.form.getlist(name):
            if isinstance(sent, UploadFile) and sent.filename:
                content = await sent.read(limit + 1)
                await sent.close()
                if len(content) > limit:
                    raise Invalid(_("The file is too large: at most %(n)s MB.") % {"n": limit // 1_000_000}, name)
                found.append((sent.filename[-200:], content))
        return found

    async def upload(self, name: str, limit: int) -> tuple[str, bytes]:
        """The one file of a form field as (name, content). Raises Invalid when there is none, or it is too large."""
        found = await self.uploads(name, limit)
        if not found:
            raise Invalid(_("Please choose a file."), name)
        return found[0]

    def time(self, name: str, *, required: bool = False) -> int:
        """A datetime-local field as µs; 0 when empty. Raises Invalid."""
        text = self.field(name, required=required)
        if not text:
            return 0
        try:
            return self.room.show.parse(text)
        except ValueError as error:
            raise Invalid(_("This is not a date and time."), name) from error

    def may(self, feature: str) -> bool:
        return decide(self.who, "do", Target("feature", feature)).permit

    def may_open(self, page: str) -> bool:
        return decide(self.who, "open", Target("page", page)).permit

    def about(self, patient_id: str) -> None:
        """Name a patient whom this access concerns, for the audit record."""
        if patient_id and patient_id not in self.patients:
            self.patients.append(patient_id)

    def page(self, template: str, status: int = 200, **context: Any) -> Response:
        """A rendered page with what every template may use."""
        room = self.room
        done = self.query("done")
        html = room.render(
            template, call=self, who=self.who, site=room.site, now=room.clock.now(), zone=room.zone.key,
            csrf=self.who.csrf, may=self.may, may_open=self.may_open, path=self.request.url.path,
            done=DONE.get(done, ""), partial=bool(self.request.headers.get("hx-request")), **context,
        )  # fmt: skip
        return HTMLResponse(html, status)

    def back(self, url: str, done: str = "") -> Response:
        """After a write: the page again (post, redirect, get), with a word on what was done."""
        if done:
            url += ("&" if "?" in url else "?") + urlencode({"done": done})
        if self.request.headers.get("hx-request"):
            return Response(status_code=204, headers={"hx-redirect": url})
        return RedirectResponse(url, 303)


DONE = {
    "decided": _("Decision on record."),
    "opened": _("Opened."),
    "freed": _("On record: the machine is off the patient."),
    "noted": _("On record."),
    "verified-wire": _("Verified by what the machines report."),
    "verified-none": _("No further machine reports the version."),
    "closed": _("Closed; the proof is kept."),
    "verified": _("Values verified."),
    "entered": _("Entry charted."),
    "acknowledged": _("Alarm acknowledged."),
    "standby": _("Bed set to standby."),
    "resumed": _("Monitoring resumed."),
    "discharged": _("Patient discharged from the bed."),
    "bound": _("Device bound to the patient."),
    "ended": _("Binding ended."),
    "corrected": _("Binding corrected; the charted values are issued again."),
    "claimed": _("Data claimed for the patient."),
    "admitted": _("Device state changed."),
    "reported": _("Fault reported."),
    "taken": _("Fault taken."),
    "resolved": _("Fault resolved."),
    "limit": _("Limits saved."),
    "cleared": _("Limits back to the ward's."),
    "replayed": _("Message queued again."),
    "written": _("Draft saved."),
    "proposed": _("Proposed for approval."),
    "approved": _("Approved: it is in force now."),
    "returned": _("Sent back with your reason."),
    "retired": _("Entry retired."),
    "confirmed": _("Confirmed: still right. The next review is set."),
    "asked": _("Asked. The answer will appear here."),
    "answered": _("Answered."),
    "voted": _("Thank you: counted."),
    "passed": _("Passed."),
    "failed": _("Not passed yet. Read again and try once more."),
    "started": _("Started."),
    "saved": _("Saved."),
    "ordered": _("Work ordered."),
    "planned": _("Work planned."),
    "work-done": _("Work done."),
    "work-lost": _("Not found again. Think about calling the machine missing."),
    "signed": _("Signed."),
    "moved": _("The move is on record."),
    "received": _("Machines received: they are in the register."),
    "agreed": _("The deviation is approved."),
    "tested": _("Test message queued."),
    "imported": _("The list is in the register."),
    "nothing": _("The register said all of this already: nothing was changed."),
    "suggested": _("The export was read; what it suggests is below."),
    "registered": _("It is in the register now."),
    "ignored": _("Left out; it will not be suggested again."),
    "merged": _("Merged into one machine."),
    "distinct": _("Kept as two machines."),
    "kept": _("View kept."),
    "dropped": _("View forgotten."),
    "judged": _("Judgement on record."),
    "loaded": _("Document loaded."),
    "settled": _("Settled; it is on record with your name."),
    "stocked": _("On the shelf, and in the book."),
    "issued": _("Taken from the shelf."),
    "counted": _("Counted: the book says the same now."),
    "carried": _("Carried to the other store."),
    "scrapped": _("Thrown away, with the reason."),
    "part-saved": _("Part saved."),
    "store-saved": _("Store saved."),
    "restock": _("Ordered."),
    "restock-cancelled": _("Order cancelled."),
    "reserved": _("Kept for this work."),
    "released": _("Let go."),
    "booked": _("Time booked."),
    "called": _("Vendor call saved."),
    "out-of-use": _("Out of use from now on."),
    "resumed-use": _("In use again."),
    "rated": _("Rate saved."),
    "given-back": _("Back on the shelf."),
}


def guard(room: Room, handler: Handler, page: str, feature: str = "") -> Endpoint:
    """An endpoint that runs ``handler`` only for whoever may open ``page`` (and do ``feature``)."""

    async def endpoint(request: Request) -> Response:
        try:
            who = await signed_in(room, request)
        except Unauthenticated:
            return _to_sign_in(request)
        except WardbridgeError as error:
            return plain_problem(room, error)
        except AWAY:
            return plain_problem(room, Unavailable(_("The database does not answer. Try again in a moment.")))
        call = Call(room, request, who)
        target = Target("feature", feature) if feature else Target("page", page)
        decision = decide(who, "do" if feature else "open", target)
        try:
            if not decision.permit:
                await _record(call, page, feature, MINOR, decision.reason)
                return call.page("refused.html", 403, reason=decision.reason, target=feature or page)
            if request.method not in {"GET", "HEAD"}:
                call.form = await form_of(request, handler)
                sent = request.headers.get("x-csrf-token") or call.field("csrf")
                check_csrf(who, sent)
            response = await handler(call)
            await _record(call, page, feature, SUCCESS, call.note)
            return response
        except WardbridgeError as error:
            return await _problem(call, page, feature, error)
        except AWAY as error:
            log.warning("web.database_away", page=page, cause=type(error).__name__)
            return plain_problem(room, Unavailable(_("The database does not answer. Try again in a moment.")))
        except Exception as error:
            # Where and what kind, never the message: it may hold a patient's values.
            last = traceback.extract_tb(error.__traceback__)[-1]
            at = f"{Path(last.filename).name}:{last.lineno}"
            log.error("web.crashed", page=page, cause=type(error).__name__, at=at)
            crash = WardbridgeError(_("This page has a fault. It is on record; please tell your IT operators."))
            return await _problem(call, page, feature, crash)

    return endpoint


def unguarded(room: Room, handler: Open) -> Endpoint:
    """An endpoint that needs no session: what it shows is decided by a secret in its address."""

    async def endpoint(request: Request) -> Response:
        try:
            return await handler(room, request)
        except WardbridgeError as error:
            return plain_problem(room, error)
        except AWAY:
            return plain_problem(room, Unavailable(_("The database does not answer. Try again in a moment.")))

    return endpoint


async def signed_in(room: Room, request: Request) -> Principal:
    """The person of the session cookie; a bearer token opens no page. Raises Unauthenticated."""
    cookie = request.cookies.get(COOKIE, "")
    if not cookie:
        raise Unauthenticated("please sign in")
    return await room.identity.by_cookie(cookie, address_of(request))


async def _record(call: Call, page: str, feature: str, outcome: int, reason: str) -> None:
    ids = call.request.path_params
    target = next((str(ids[name]) for name in ("patient", "device", "place", "ward", "alarm") if name in ids), "")
    patients = call.patients or ([str(ids["patient"])] if "patient" in ids else [])
    await call.room.audit.record(
        Access(call.who, feature or "open", page, target, tuple(patients), outcome, reason, call.request.url.path)
    )


async def _problem(call: Call, page: str, feature: str, error: WardbridgeError) -> Response:
    if error.status >= 500:
        log.warning("web.failed", page=page, code=error.code)
    try:
        await _record(call, page, feature, SERIOUS if error.status >= 500 else MINOR, error.code)
    except WardbridgeError:
        log.warning("web.unrecorded", page=page)
    return call.page("problem.html", error.status, error=error)


def plain_problem(room: Room, error: WardbridgeError) -> Response:
    """A problem page for whoever is not known."""
    return HTMLResponse(room.render("away.html", site=room.site, error=error), error.status)


def _to_sign_in(request: Request) -> Response:
    url = "/sign-in"
    if request.method == "GET" and request.url.path != "/":
        url += f"?next={quote(request.url.path)}"
    if request.headers.get("hx-request"):
        return Response(status_code=401, headers={"hx-redirect": url})
    return RedirectResponse(url, 303)
