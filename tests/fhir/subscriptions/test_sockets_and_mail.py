"""WebSockets (the ASGI conversation is held in process; tests/app holds it over the wire) and mail to a real server."""

from __future__ import annotations

import asyncio
import email
import json
from collections.abc import AsyncIterator
from email.message import Message
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from tests.app.served import free_port
from tests.fhir.subscriptions.conftest import House, observation, subscription
from tests.fhir.subscriptions.peers import until

from wardbridge.fhir.subscriptions.channels.mail import Mail
from wardbridge.fhir.subscriptions.sockets import Sockets

TOPIC = "urn:wardbridge:topic:observation"


class Line:
    """A client's end of one WebSocket in process: queues in both directions."""

    def __init__(self, sockets: Sockets, token: str = "") -> None:
        self.inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.got: list[str] = []
        self.closed = False
        headers = [(b"authorization", f"Bearer {token}".encode())] if token else []
        scope = {"type": "websocket", "path": "/fhir/websocket", "headers": headers, "query_string": b"",
                 "subprotocols": []}  # fmt: skip
        self.inbox.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.create_task(sockets(scope, self.inbox.get, self._send))

    async def _send(self, message: Any) -> None:
        if message["type"] == "websocket.send":
            self.got.append(message["text"])
        elif message["type"] == "websocket.close":
            self.closed = True

    def say(self, text: str) -> None:
        self.inbox.put_nowait({"type": "websocket.receive", "text": text})

    @property
    def bundles(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self.got if text.startswith("{")]

    def numbers(self) -> list[int]:
        return [int(p["part"][0]["valueString"]) for b in self.bundles
                for p in b["entry"][0]["resource"]["parameter"] if "part" in p]  # fmt: skip

    async def leave(self) -> None:
        self.inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await self.task


async def token_of(house: House, id_: str, who: str = "ehr") -> dict[str, Any]:
    answer = await house.client.post(f"/Subscription/{id_}/$get-ws-binding-token",
                                     headers={"authorization": f"Bearer {who}"})  # fmt: skip
    assert answer.status_code == 200, answer.text
    return {p["name"]: next(v for k, v in p.items() if k.startswith("value")) for p in answer.json()["parameter"]}


async def test_bind_with_token_catches_up_and_goes_on(house: House, sockets: Sockets) -> None:
    house.start()
    made = await house.make(subscription(TOPIC, "", "full-resource", channel="websocket"))
    await house.becomes(made["id"], "active")
    await house.make(observation("p1", 1))  # nobody is there
    given = await token_of(house, made["id"])
    assert given["websocket-url"] == "ws://test/fhir/websocket"
    assert given["subscription"] == made["id"]
    line = Line(sockets)
    line.say(f"bind-with-token {given['token']}")
    await until(lambda: line.numbers() == [1])
    assert line.bundles[0]["entry"][0]["resource"]["parameter"][3]["valueCode"] == "handshake"
    await house.make(observation("p1", 2))
    await until(lambda: line.numbers() == [1, 2])
    assert line.bundles[-1]["entry"][1]["resource"]["valueQuantity"]["value"] == 2

    async def kept() -> Any:
        return (await house.status(made["id"]))["events-pending"] == "0"

    await until(kept)
    await line.leave()
    await house.make(observation("p1", 3))
    line = Line(sockets)
    line.say(f"bind-with-token {given['token']}")
    await until(lambda: line.numbers() == [3])  # only what it has not been sent
    await house.client.delete(f"/Subscription/{made['id']}")
    await until(lambda: any(text.endswith("has ended") for text in line.got))
    await line.leave()


async def test_only_the_owner_binds(house: House, sockets: Sockets) -> None:
    house.start()
    made = await house.make(subscription(TOPIC, "", channel="websocket"))
    await house.becomes(made["id"], "active")
    path = f"/Subscription/{made['id']}/$get-ws-binding-token"
    assert (await house.client.get(path, headers={"authorization": "Bearer second"})).status_code == 403
    assert (await house.client.get(path, headers={"authorization": "Bearer nurse"})).status_code == 403
    stranger, nobody, mine = Line(sockets, "second"), Line(sockets), Line(sockets, "ehr")
    for line in (stranger, nobody, mine):
        line.say(f"bind {made['id']}")
        line.say("bind-with-token guess")
        line.say("nonsense")
    await until(lambda: all(len(line.got) >= 3 for line in (stranger, nobody, mine)))
    assert stranger.got[0].startswith("error")
    assert nobody.got[0].startswith("error")
    assert mine.got[0] == f"bound {made['id']}"
    await house.make(observation("p1"))
    await until(lambda: mine.numbers() == [1])
    assert stranger.bundles == nobody.bundles == []
    for line in (stranger, nobody, mine):
        await line.leave()


async def test_r4_ping(house: House, sockets: Sockets) -> None:
    house.start()
    made = await house.make(subscription("Observation?code=8867-4", "", "", channel="websocket", payload=""))
    await house.becomes(made["id"], "active")
    line = Line(sockets, "ehr")
    line.say(f"bind {made['id']}")
    await until(lambda: line.got)
    await house.make(observation("p1"))
    await until(lambda: line.got == [f"bound {made['id']}", f"ping {made['id']}"])
    await line.leave()


class Box:
    """What a mail server has taken."""

    def __init__(self) -> None:
        self.mails: list[Message] = []
        self.refuse = ""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refuse:
            return self.refuse
        self.mails.append(email.message_from_bytes(envelope.content))
        return "250 OK"


@pytest.fixture
async def box(house: House) -> AsyncIterator[Box]:
    made = Box()
    port = free_port()
    server = Controller(made, "127.0.0.1", port)
    server.start()
    house.senders["email"] = Mail("127.0.0.1", port, "wb@example.org", house.hosts, tls="none")
    try:
        yield made
    finally:
        server.stop()


async def test_mail_says_nothing_of_the_patient_and_attaches_what_is_allowed(house: House, box: Box) -> None:
    house.start()
    made = await house.make(
        subscription(TOPIC, "mailto:icu@example.org", "full-resource", channel="email",
                     payload="text/plain;attach=application/fhir+json")
    )  # fmt: skip
    await house.becomes(made["id"], "active")
    bare = await house.make(
        subscription(TOPIC, "mailto:icu@example.org", "", channel="email", payload="text/html")
    )  # fmt: skip
    await house.becomes(bare["id"], "active")
    await house.make(observation("p1", 66))
    await until(lambda: len(box.mails) == 4)
    told = [mail for mail in box.mails if mail["Subject"].endswith("event-notification 1")]
    attached, plain = sorted(told, key=lambda mail: not mail.is_multipart())
    assert (attached["To"], attached["From"]) == ("icu@example.org", "wb@example.org")
    text, file = attached.get_payload()
    assert "p1" not in text.get_payload(decode=True).decode()  # type: ignore[union-attr]
    bundle = json.loads(file.get_payload(decode=True))  # type: ignore[union-attr,arg-type]
    assert bundle["entry"][1]["resource"]["valueQuantity"]["value"] == 66
    assert plain.get_content_type() == "text/html"
    assert b"p1" not in plain.as_bytes()


async def test_mail_is_sent_again_with_the_same_id(house: House, box: Box) -> None:
    house.start()
    made = await house.make(
        subscription(TOPIC, "mailto:icu@example.org", "empty", channel="email", payload="text/plain")
    )  # fmt: skip
    await house.becomes(made["id"], "active")
    box.refuse = "451 later"
    await house.make(observation("p1"))

    async def failing() -> Any:
        return "error" in await house.status(made["id"])

    await until(failing)
    assert "451" in (await house.status(made["id"]))["error"]["text"]
    box.refuse = ""
    await until(lambda: len(box.mails) == 2)
    assert box.mails[1]["Message-ID"].endswith("@example.org>")
