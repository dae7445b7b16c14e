"""Signing in and out. Before there is a session, a cookie of its own proves that the form is ours."""

from __future__ import annotations

import secrets

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from wardbridge.core.errors import Invalid, TooMany, Unauthenticated, WardbridgeError
from wardbridge.security.audit import MINOR, Access
from wardbridge.security.http import COOKIE, address_of, check_csrf
from wardbridge.security.principal import Principal
from wardbridge.security.tokens import same
from wardbridge.web.call import plain_problem, signed_in
from wardbridge.web.room import Room
from wardbridge.web.words import _

FORM_COOKIE = "wardbridge_form"


def local(path: str) -> str:
    """``path`` when it stays on this site, else ``/`` (no open redirect)."""
    good = path.startswith("/") and not path.startswith(("//", "/\\")) and "\\" not in path
    return path if good and path.isprintable() else "/"


def _form(
    room: Room, request: Request, *, status: int = 200, problem: str = "", login: str = "", to: str = "/"
) -> Response:
    token = request.cookies.get(FORM_COOKIE, "") or secrets.token_urlsafe(24)
    html = room.render("sign_in.html", site=room.site, csrf=token, problem=problem, login=login, to=to)
    answer = HTMLResponse(html, status)
    answer.set_cookie(FORM_COOKIE, token, httponly=True, samesite="lax", secure=room.secure, path="/sign-in")
    return answer


class SignIn:
    """``GET`` and ``POST /sign-in``, ``POST /sign-out``."""

    def __init__(self, room: Room) -> None:
        self._room = room

    async def show(self, request: Request) -> Response:
        to = local(request.query_params.get("next", "/"))
        try:
            await signed_in(self._room, request)
        except Unauthenticated:
            return _form(self._room, request, to=to)
        except WardbridgeError as error:
            return plain_problem(self._room, error)
        return RedirectResponse(to, 303)

    async def enter(self, request: Request) -> Response:
        room = self._room
        form = await request.form(max_files=0, max_fields=10)
        login, password = str(form.get("login", "")).strip()[:100], str(form.get("password", ""))[:1000]
        to = local(str(form.get("next", "/")))
        cookie = request.cookies.get(FORM_COOKIE, "")
        if not cookie or not same(cookie, str(form.get("csrf", ""))):
            return _form(
                room,
                request,
                status=400,
                problem=_("The form was too old. Please try again."),
                login=login,
                to=to,
            )
        address = address_of(request)
        try:
            opened = await room.identity.sign_in(login, password, address)
            await room.audit.record(Access(opened.principal, "sign-in", "session"))
        except (Unauthenticated, TooMany) as error:
            who = Principal("unknown", login, "user", frozenset({"anonymous"}), (), address)
            await room.audit.record(Access(who, "sign-in", "session", outcome=MINOR, reason=error.message))
            words = (
                _("Too many failed sign-ins. Try again in 15 minutes.")
                if error.status == 429
                else _("The user name or the password is not right.")
            )
            return _form(room, request, status=error.status, problem=words, login=login, to=to)
        except WardbridgeError as error:
            return plain_problem(room, error)
        answer = RedirectResponse(to, 303)
        answer.set_cookie(COOKIE, opened.cookie, httponly=True, samesite="lax", secure=room.secure, path="/")
        answer.delete_cookie(FORM_COOKIE, path="/sign-in")
        return answer

    async def leave(self, request: Request) -> Response:
        room = self._room
        answer = RedirectResponse("/sign-in", 303)
        try:
            who = await signed_in(room, request)
            form = await request.form(max_files=0, max_fields=10)
            check_csrf(who, str(form.get("csrf", "")))
            await room.identity.sign_out(who)
            await room.audit.record(Access(who, "sign-out", "session"))
        except Unauthenticated:
            pass
        except Invalid as error:
            return plain_problem(room, error)
        answer.delete_cookie(COOKIE, path="/")
        answer.headers["clear-site-data"] = '"cache"'
        return answer
