"""``email``: a message to one address. The text names no patient; what the payload content allows is attached."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape

from wardbridge.core.clock import to_datetime
from wardbridge.fhir.subscriptions.channels.hosts import Hosts
from wardbridge.fhir.subscriptions.channels.sender import Undelivered
from wardbridge.fhir.subscriptions.notification import Told, bundle, name_of
from wardbridge.fhir.subscriptions.plan import XML, media, written
from wardbridge.fhir.subscriptions.rules import Kept
from wardbridge.fhir.subscriptions.store.events import Event

_WORDS = {
    "handshake": "This address was entered to be notified. If that was not meant, please tell the operator.",
    "heartbeat": "The subscription is served; there is nothing new.",
}


@dataclass(frozen=True)
class Mail:
    """``tls``: starttls, tls or none. ``timeout`` in seconds."""

    host: str
    port: int
    sender: str
    hosts: Hosts
    user: str = ""
    password: str = ""
    tls: str = "starttls"
    timeout: float = 30.0
    context: ssl.SSLContext | None = None

    async def send(self, told: Told, events: Sequence[Event], kept: Kept) -> None:
        """Raises Undelivered, Blocked."""
        self.hosts.permit(told.plan.channel.endpoint)
        mail = compose(told, events, self.sender)
        try:
            await asyncio.to_thread(self._send, mail)
        except (smtplib.SMTPException, OSError) as error:
            raise Undelivered(f"the mail server did not take it: {error}"[:300]) from error

    def _send(self, mail: EmailMessage) -> None:
        context = self.context or ssl.create_default_context()
        if self.tls == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=self.timeout, context=context)
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=self.timeout)
        with server:
            if self.tls == "starttls":
                server.starttls(context=context)
            if self.user:
                server.login(self.user, self.password)
            server.send_message(mail)


def compose(told: Told, events: Sequence[Event], sender: str) -> EmailMessage:
    """The mail; its Message-ID is the same whenever the same events are told again."""
    plan = told.plan
    kind, parameters = media(plan.channel.payload)
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = plan.channel.endpoint.removeprefix("mailto:")
    mail["Date"] = format_datetime(to_datetime(told.now))
    mail["Message-ID"] = f"<{name_of(told, events)}@{sender.rpartition('@')[2] or 'wardbridge'}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["Subject"] = f"Wardbridge: {told.kind}" + (f" {events[-1].number}" if events else "")
    text = _text(told, events)
    if kind == "text/html":
        lines = "".join(f"<p>{escape(line)}</p>" for line in text.splitlines())
        mail.set_content(f"<html><body>{lines}</body></html>", subtype="html")
    else:
        mail.set_content(text)
    if parameters.get("attach"):
        form = "xml" if parameters["attach"] in XML else "json"
        mail.add_attachment(
            written(bundle(told, events, plan.channel.content or "empty"), parameters["attach"]),
            maintype="application",
            subtype=f"fhir+{form}",
            filename=f"notification.{form}",
        )
    return mail


def _text(told: Told, events: Sequence[Event]) -> str:
    """For people; numbers and the topic only, whatever the payload content."""
    lines = [_WORDS.get(told.kind, "")]
    if events:
        numbers = (
            f"Event {events[0].number}" if len(events) == 1 else f"Events {events[0].number} to {events[-1].number}"
        )
        lines = [f"{numbers} of subscription {told.plan.id}."]
        if told.plan.topic is not None and told.plan.channel.content != "empty":
            lines.append(f"Topic: {told.plan.topic.title}")
    lines.append(f"{told.base}/Subscription/{told.plan.id}/$status")
    return "\n".join(lines) + "\n"
