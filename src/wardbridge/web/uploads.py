"""Files in forms: only for handlers that ask, never more than they ask for.

Every other form is read without files. What a browser sends is counted as it comes, whatever its headers claim.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message, Receive

from wardbridge.core.errors import Invalid
from wardbridge.web.words import _

Taker = TypeVar("Taker", bound=Callable[..., Awaitable[Any]])
FIELD_BYTES = 16 * 1024
FIELDS = 400
_SLACK = 1_000_000


def takes_files(most_bytes: int, files: int = 1) -> Callable[[Taker], Taker]:
    """Marks a handler whose form may hold files, ``most_bytes`` together."""

    def mark(handler: Taker) -> Taker:
        handler.most_bytes = most_bytes  # type: ignore[attr-defined]
        handler.most_files = files  # type: ignore[attr-defined]
        return handler

    return mark


def takes_long(field_bytes: int, fields: int = FIELDS) -> Callable[[Taker], Taker]:
    """Marks a handler whose form holds long texts: ``field_bytes`` a field as it is sent (a letter takes up to 12), or
    more fields than others."""

    def mark(handler: Taker) -> Taker:
        handler.field_bytes = field_bytes  # type: ignore[attr-defined]
        handler.most_fields = fields  # type: ignore[attr-defined]
        return handler

    return mark


async def form_of(request: Request, handler: Callable[..., Any]) -> FormData:
    """The form of a request, with files where the handler takes some. Raises Invalid for what is no form, has more
    fields or files than it may, or is too large."""
    most = getattr(handler, "most_bytes", 0)
    files = getattr(handler, "most_files", 0)
    if most:
        request = Request(request.scope, _counted(request.receive, most + _SLACK))
    try:
        return await request.form(
            max_files=files, max_fields=getattr(handler, "most_fields", FIELDS),
            max_part_size=getattr(handler, "field_bytes", FIELD_BYTES),
        )  # fmt: skip
    except HTTPException as error:
        raise Invalid(_("The form could not be read: %(why)s") % {"why": error.detail}, "form") from error


def _counted(receive: Receive, most: int) -> Receive:
    left = most

    async def counted() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise Invalid(_("The file is too large: at most %(n)s MB.") % {"n": (most - _SLACK) // 1_000_000}, "file")
        return message

    return counted
