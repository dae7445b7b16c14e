"""One conversation with one provider through sdc11073's consumer: open, read, look, close.

sdc11073 blocks and brings its own threads; every call into it is made in one worker thread of ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

from sdc11073.certloader import SSLContextContainer, mk_ssl_contexts
from sdc11073.consumer.consumerimpl import SdcConsumer, default_components_factory
from sdc11073.consumer.request_handler_deferred import EmptyResponse
from sdc11073.definitions_sdc import SdcV1Definitions
from sdc11073.dispatch import RequestDispatcher
from sdc11073.pysoap.msgreader import MessageReader
from sdc11073.xml_types.actions import Actions

from wardbridge.devices.drivers.sdc.contexts import Dpws
from wardbridge.devices.drivers.sdc.discovery import find
from wardbridge.devices.drivers.sdc.inbox import Inbox
from wardbridge.devices.drivers.sdc.server import EventSink, QuickHandler

T = TypeVar("T")
KEPT = 1_000_000  # bytes kept of a message that could not be read
PERIODIC = [action for action in Actions if "Periodic" in action]

# sdc11073 logs whole messages, patient and all, when one is wrong: none of it may reach our logs.
for _name in ("sdc", "sdc_comm"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)
    logging.getLogger(_name).propagate = False


class PeerLost(Exception):
    """The provider cannot be reached or is gone. The text names no address."""


@dataclass(frozen=True)
class Opened:
    """A provider as found: its endpoint reference, what DPWS says, and its whole MDIB."""

    device: str
    dpws: Dpws
    mdib: Any
    group: Any


@dataclass(frozen=True)
class Target:
    """Whom to talk to and how; see ``driver.Config``."""

    address: str = ""
    adapter: str = ""
    epr: str = ""
    certificate: str = ""
    private_key: str = ""
    authority: str = ""
    password: str = ""
    validate: bool = True
    timeout: int = 5
    discovery_seconds: float = 1.0


class Session(Protocol):
    """A conversation; tests bring their own."""

    async def open(self, inbox: Inbox) -> Opened: ...

    async def reload(self) -> Opened: ...

    async def check(self) -> None: ...

    async def close(self) -> None: ...


def reader(inbox: Inbox) -> Any:
    """sdc11073's message reader, which besides hands what it cannot read to ``inbox``."""

    class Reader(MessageReader):
        def read_received_message(self, xml_text: bytes, validate: bool = True) -> Any:
            try:
                message = super().read_received_message(xml_text, validate)
            except Exception as error:
                inbox.reject(xml_text[:KEPT], type(error).__name__)
                raise
            return message

    return Reader


def dispatcher(inbox: Inbox) -> Any:
    """Takes every notification straight to ``inbox``, without the queue and thread that sdc11073 leaks."""

    empty: Any = EmptyResponse

    class Dispatcher(RequestDispatcher):
        def on_post(self, request_data: Any) -> Any:
            message = request_data.message_data
            action = str(message.action)
            if action.endswith("/SubscriptionEnd"):
                inbox.end("the provider ended the subscription")
                return empty()
            if message.p_msg.msg_node is None:
                inbox.reject((request_data.request or b"")[:KEPT], "no body")
            else:
                inbox.offer(message.p_msg.msg_node, len(request_data.request or b""))
            return empty()

    return Dispatcher


def contexts(target: Target) -> SSLContextContainer | None:
    """TLS both ways from the files of the configuration, read anew at each connection; None without.

    Raises OSError or ssl.SSLError for files that cannot be used.
    """
    if not target.certificate:
        return None
    return mk_ssl_contexts(
        Path(target.private_key or target.certificate),
        Path(target.certificate),
        Path(target.authority) if target.authority else None,
        ssl_passwd=target.password or None,
    )


class LiveSession:
    """A real provider on the network."""

    def __init__(self, target: Target, name: str, handler: type[Any] = QuickHandler) -> None:
        self.target = target
        self._name = name
        self._handler = handler
        self._worker: ThreadPoolExecutor | None = None
        self._consumer: Any = None
        self._sink: EventSink | None = None

    async def open(self, inbox: Inbox) -> Opened:
        """Find, connect, subscribe, read the MDIB. Raises PeerLost."""
        return await self._run(self._open, inbox)

    async def reload(self) -> Opened:
        """Read the whole MDIB again. Raises PeerLost."""
        return await self._run(self._read)

    async def check(self) -> None:
        """Ask the provider whether our subscriptions live. Raises PeerLost."""
        await self._run(self._check)

    async def close(self) -> None:
        """Unsubscribe where that is possible and release sockets and threads."""
        worker = self._worker
        if worker is None:
            return
        self._worker = None
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(worker, self._close)
        worker.shutdown()  # idle by now

    async def _run(self, call: Callable[..., T], *args: Any) -> T:
        if self._worker is None:
            self._worker = ThreadPoolExecutor(1, thread_name_prefix=f"sdc {self._name}")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, call, *args)
        except PeerLost:
            raise
        except Exception as error:
            # The library raises everything from socket errors to AttributeError on what a peer may send.
            raise PeerLost(f"{_reason(error)}") from error

    # In the worker thread ----------------------------------------------------------------------------

    def _address(self) -> tuple[str, str]:
        """Transport address and endpoint reference; the latter '' where it is not known yet."""
        target = self.target
        if target.address:
            return target.address, target.epr
        found = find(target.adapter, target.discovery_seconds)
        chosen = [one for one in found if not target.epr or one.epr == target.epr]
        if not chosen:
            raise PeerLost(f"discovery: {len(found)} providers answered, none is the one we look for")
        if len(chosen) > 1:
            raise PeerLost(f"discovery: {len(chosen)} providers answered; set epr to choose one")
        return chosen[0].address, chosen[0].epr

    def _open(self, inbox: Inbox) -> Opened:
        address, epr = self._address()
        tls = contexts(self.target)
        components = default_components_factory()
        components.msg_reader_class = reader(inbox)
        components.action_dispatcher_class = dispatcher(inbox)
        self._sink = EventSink(
            self.target.adapter or own_address(address), _server_side(tls), inbox.doubt, inbox.reject, self._handler
        )
        self._sink.start()
        self._sink.started_evt.wait(10)
        if self._sink.failed:
            raise PeerLost(self._sink.failed)
        self._consumer = SdcConsumer(
            address,
            SdcV1Definitions,
            tls,
            validate=self.target.validate,
            components=components,
            socket_timeout=self.target.timeout,
            force_ssl_connect=tls is not None,
        )
        self._consumer.start_all(not_subscribed_actions=PERIODIC, shared_http_server=self._sink)
        if not self._consumer.all_subscribed and not self._consumer.is_connected:
            raise PeerLost("the provider refused our subscription")
        host = self._consumer.host_description
        reference = host.relationship.Host
        if not epr and reference is not None:
            epr = str(reference.EndpointReference.Address)
        self._device = epr or address
        self._dpws = _dpws(host)
        return self._read()

    def _read(self) -> Opened:
        result = self._consumer.client("Get").get_mdib()
        response = result.p_msg.msg_node
        mdib = response[0]
        state = next((item for item in mdib if str(item.tag).endswith("}MdState")), None)
        context = self._consumer.client("Context")
        if context is not None and state is not None and not any(item.get("Handle") for item in state):
            answer = context.get_context_states().p_msg.msg_node
            for item in answer:
                if str(item.tag).endswith("}ContextState"):
                    item.tag = str(item.tag).replace("/message}ContextState", "/participant}State")
                    state.append(item)
        return Opened(self._device, self._dpws, mdib, response)

    def _check(self) -> None:
        consumer = self._consumer
        if not consumer.is_connected:
            raise PeerLost("a subscription ended")
        for subscription in list(consumer.subscription_mgr.subscriptions.values()):
            if subscription.get_status() <= 0:
                raise PeerLost("the provider does not answer or forgot our subscription")

    def _close(self) -> None:
        consumer, self._consumer = self._consumer, None
        sink, self._sink = self._sink, None
        if consumer is not None:
            with contextlib.suppress(Exception):  # a peer that is gone cannot be told goodbye
                consumer.stop_all(unsubscribe=bool(consumer.is_connected))
        if sink is not None:
            sink.stop()


def own_address(address: str) -> str:
    """Our IPv4 address on the way to a peer. Raises OSError where there is no way."""
    parts = urlsplit(address)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((parts.hostname or "", parts.port or 443))
        return str(probe.getsockname()[0])


def _server_side(tls: SSLContextContainer | None) -> ssl.SSLContext | None:
    return None if tls is None else tls.server_context


def _dpws(host: Any) -> Dpws:
    def first(items: Any) -> str:
        return str(items[0].text or "") if items else ""

    model, device = host.this_model, host.this_device
    return Dpws(
        manufacturer=first(model.Manufacturer) if model else "",
        model=first(model.ModelName) if model else "",
        serial=str(device.SerialNumber or "") if device else "",
        firmware=str(device.FirmwareVersion or "") if device else "",
        name=first(device.FriendlyName) if device else "",
    )


def _reason(error: BaseException) -> str:
    """Why a call failed, in words that hold nothing from the wire."""
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason or 'handshake failed'}"
    if isinstance(error, TimeoutError):
        return "the provider does not answer in time"
    if isinstance(error, OSError):
        return f"the provider cannot be reached: {error.strerror or type(error).__name__}"
    return f"the conversation failed: {type(error).__name__}"
