"""``/live``: one WebSocket a browser. The session and every topic are checked at the start and each minute."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import orjson
import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

from wardbridge.core.errors import Unauthenticated, WardbridgeError
from wardbridge.security.audit import MINOR, SUCCESS, Access
from wardbridge.security.http import COOKIE
from wardbridge.security.policy import decide
from wardbridge.security.principal import Principal, Target
from wardbridge.web.live import wire
from wardbridge.web.live.browser import Browser
from wardbridge.web.live.hub import HEARTBEAT_SECONDS, SESSION_SECONDS, Hub
from wardbridge.web.room import Room

log = structlog.get_logger(__name__)

ENDED, FOREIGN = 4401, 4403
TOPICS_LIMIT = 40
MESSAGE_LIMIT = 8192
GONE = (WebSocketDisconnect, RuntimeError, OSError)


def permitted(who: Principal, topic: str) -> str:
    """Empty when ``who`` may subscribe to ``topic``, else the reason."""
    kind, _, name = topic.partition("/")
    if kind not in {"ward", "bed"} or not name or len(topic) > 200:
        return "no such topic"
    decision = decide(who, "do", Target("feature", f"live.{kind}", name))
    return "" if decision.permit else decision.reason


def same_origin(socket: WebSocket) -> bool:
    """Browsers send cookies to any WebSocket: only our own pages may open one."""
    origin = socket.headers.get("origin", "")
    return bool(origin) and urlsplit(origin).netloc == socket.headers.get("host", "")


def live(room: Room, hub: Hub) -> Callable[[WebSocket], Awaitable[None]]:
    """The endpoint of the stream."""

    async def endpoint(socket: WebSocket) -> None:
        await socket.accept()
        if not same_origin(socket):
            await socket.close(FOREIGN, "foreign origin")
            return
        try:
            who = await _who(room, socket)
        except WardbridgeError as error:
            await socket.close(ENDED if isinstance(error, Unauthenticated) else 1013, "please sign in")
            return
        browser = Browser(who, names=decide(who, "do", Target("feature", "patient.see")).permit)
        hub.join(browser)
        tasks = [
            asyncio.create_task(step)
            for step in (
                _read(room, hub, browser, socket),
                _write(room, browser, socket),
                _recheck(room, hub, browser, socket),
            )
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                failure = task.exception()
                if failure is not None and not isinstance(failure, GONE):
                    log.warning("live.socket", cause=type(failure).__name__)
        finally:
            hub.leave(browser)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    return endpoint


async def _who(room: Room, socket: WebSocket) -> Principal:
    cookie = socket.cookies.get(COOKIE, "")
    if not cookie:
        raise Unauthenticated("please sign in")
    return await room.identity.by_cookie(cookie, socket.client.host if socket.client else "")


async def _read(room: Room, hub: Hub, browser: Browser, socket: WebSocket) -> None:
    """Subscriptions: ``topics`` is always the whole list, ``fresh`` those to be handed out anew."""
    while True:
        try:
            received = await socket.receive_text()
        except KeyError:
            continue
        topics, fresh = _topics(received, "topics"), _topics(received, "fresh")
        if topics is None or fresh is None:
            await socket.close(1008, "not understood")
            return
        good: set[str] = set()
        for topic in topics:
            reason = permitted(browser.who, topic)
            if topic not in browser.topics:
                kind, _, name = topic.partition("/")
                await room.audit.record(
                    Access(browser.who, f"live.{kind[:20]}", "stream", name[:200],
                           outcome=MINOR if reason else SUCCESS, reason=reason)
                )  # fmt: skip
            if reason:
                browser.put_state(f"no {topic}", wire.text({"t": "no", "topic": topic, "why": reason}))
            else:
                good.add(topic)
        browser.topics -= set(fresh)
        hub.subscribe(browser, good)


def _topics(received: str, name: str) -> list[str] | None:
    if len(received) > MESSAGE_LIMIT:
        return None
    try:
        asked: Any = orjson.loads(received)
    except orjson.JSONDecodeError:
        return None
    topics = asked.get(name, []) if isinstance(asked, dict) else None
    if not isinstance(topics, list) or len(topics) > TOPICS_LIMIT:
        return None
    return list(dict.fromkeys(topic for topic in topics if isinstance(topic, str)))


async def _write(room: Room, browser: Browser, socket: WebSocket) -> None:
    """Send what waits; a heartbeat each second says that the stream itself lives."""
    clock = room.clock
    due = clock.monotonic()
    while True:
        if clock.monotonic() >= due:
            due = clock.monotonic() + HEARTBEAT_SECONDS
            await socket.send_text(wire.beat(clock.now()))
        for message in browser.take():
            if isinstance(message, bytes):
                await socket.send_bytes(message)
            else:
                await socket.send_text(message)
        waiting = asyncio.ensure_future(browser.ready())
        pause = asyncio.ensure_future(clock.sleep(max(due - clock.monotonic(), 0.01)))
        try:
            await asyncio.wait({waiting, pause}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            pause.cancel()


async def _recheck(room: Room, hub: Hub, browser: Browser, socket: WebSocket) -> None:
    """Once a minute: does the session still stand, and may it still see what it sees?"""
    while True:
        await room.clock.sleep(SESSION_SECONDS)
        try:
            who = await _who(room, socket)
        except Unauthenticated:
            await socket.send_text(wire.text({"t": "end"}))
            await socket.close(ENDED, "the session has ended")
            return
        except WardbridgeError:
            continue
        if who.roles != browser.who.roles or who.id != browser.who.id:
            await socket.send_text(wire.text({"t": "end"}))
            await socket.close(ENDED, "the roles have changed")
            return
        hub.subscribe(browser, {topic for topic in browser.topics if not permitted(who, topic)})
