"""Outbound messages, queues and search results as values. Times are µs since the epoch, 0 for never."""

from __future__ import annotations

import base64
import hashlib

import msgspec


class Outbound(msgspec.Struct, frozen=True):
    """A message to be queued. ``key`` names its content within the destination: a second one with the
    same key is not queued. ``control`` is its MSH-10, the same at every attempt."""

    destination: str
    control: str
    message_type: str
    patient_ids: tuple[str, ...]
    body: bytes
    key: str


class Queued(msgspec.Struct, frozen=True):
    """A message at the head of its queue."""

    id: int
    control: str
    body: bytes
    attempts: int
    created: int


class Queue(msgspec.Struct, frozen=True):
    """One destination for the screens. ``oldest`` is when its oldest waiting message was queued."""

    destination: str
    state: str
    since: int
    waiting: int
    oldest: int
    dead: int
    sent: int
    last_sent: int
    failures: int
    last_error: str


class DeadLetter(msgspec.Struct, frozen=True):
    """A message that its destination refused."""

    id: int
    destination: str
    control: str
    message_type: str
    patient_ids: tuple[str, ...]
    created: int
    finished: int
    attempts: int
    reason: str


class Message(msgspec.Struct, frozen=True):
    """A message found, in or out. ``ref`` is ``in-<sequence>`` or ``out-<id>``; ``peer`` the link or
    destination; ``status`` the intake's status or the queue's state."""

    ref: str
    direction: str
    time: int
    kind: str
    peer: str
    sender: str
    control: str
    message_type: str
    patient_ids: tuple[str, ...]
    status: str
    detail: str


class Found(msgspec.Struct, frozen=True):
    """A page of a search, newest first; ``before`` asks for the next one, empty at the end."""

    messages: list[Message]
    before: str = ""


def control_id(destination: str, key: str) -> str:
    """MSH-10 of 20 characters that depends on nothing but destination and key: whatever happens in
    between, the receiver can recognise a message that comes again."""
    digest = hashlib.blake2b(f"{destination}\x00{key}".encode(), digest_size=11).digest()
    return "WB" + base64.b32encode(digest).decode().rstrip("=")
