"""A Subscription resource read into what the server does for it; what it cannot do is refused with 422.

Two kinds: a topic by its canonical URL in ``criteria`` (Subscriptions R5 Backport for R4), with filters and payload
content in extensions; or R4's own search string in ``criteria``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from wardbridge.core.errors import Invalid
from wardbridge.fhir.definitions.table import resource_types
from wardbridge.fhir.definitions.xml_write import write_xml
from wardbridge.fhir.json import loads
from wardbridge.fhir.search.moments import span
from wardbridge.fhir.subscriptions.judge import Criteria, NotJudged, criteria
from wardbridge.fhir.subscriptions.topic import Topic

BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
GRANT = "urn:wardbridge:subscription-grant"
"""Extension on the channel: the handle of what the server keeps for it (owner, secrets)."""
SECRET = "urn:wardbridge:subscription-secret"  # noqa: S105
"""Extension on the channel of a request: the key of the signature. It is taken out before the resource is stored."""

JSON = ("application/fhir+json", "application/json", "application/json+fhir")
XML = ("application/fhir+xml", "application/xml", "application/xml+fhir")
CONTENT = ("empty", "id-only", "full-resource")
CHANNELS = ("rest-hook", "websocket", "email", "message")
_KNOWN = frozenset(
    f"{BACKPORT}backport-{name}"
    for name in ("filter-criteria", "heartbeat-period", "timeout", "max-count", "payload-content", "channel-type")
)
_QUERY = re.compile(r"([A-Z][A-Za-z]+)(?:\?(.*))?", re.DOTALL)
HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x20-\x7e\t]*)")
MOST_EVENTS, LONGEST_TIMEOUT = 500, 600


@dataclass(frozen=True)
class Channel:
    """``content`` '' is R4's own way (no Bundle). ``heartbeat``, ``timeout`` in seconds, ``most`` events a
    notification; 0 where nothing is asked for."""

    kind: str
    endpoint: str = ""
    payload: str = ""
    content: str = ""
    heartbeat: int = 0
    timeout: int = 0
    most: int = 0


@dataclass(frozen=True)
class Plan:
    """``topic`` is None for R4's own criteria, which are then the one of ``filters``. ``end`` in µs, 0 for never."""

    id: str
    version: int
    status: str
    criteria: str
    topic: Topic | None
    filters: tuple[Criteria, ...]
    channel: Channel
    end: int = 0
    grant: str = ""

    @property
    def types(self) -> frozenset[str]:
        """Types whose changes can be events of this subscription."""
        return self.topic.types if self.topic is not None else frozenset(found.type for found in self.filters)


def is_query(text: str) -> bool:
    """Whether ``criteria`` is a search string of R4, not the URL of a topic."""
    found = _QUERY.fullmatch(text)
    return found is not None and found[1] in resource_types()


def read_plan(
    resource: Mapping[str, Any], topics: Mapping[str, Topic], now: int, bases: tuple[str, ...], version: int = 0
) -> Plan:
    """Raises NotJudged or Invalid (both 422), with the element in ``where``."""
    try:
        return _read(resource, topics, now, bases, version)
    except Invalid as error:
        error.status = 422
        raise


def _read(
    resource: Mapping[str, Any], topics: Mapping[str, Topic], now: int, bases: tuple[str, ...], version: int
) -> Plan:
    text = str(resource.get("criteria", ""))
    extensions = [e for e in (resource.get("_criteria") or {}).get("extension", ()) if isinstance(e, dict)]
    _no_strangers(extensions, "Subscription.criteria")
    wanted = [str(e.get("valueString", "")) for e in extensions if e["url"].endswith("filter-criteria")]
    if is_query(text):
        if wanted:
            raise NotJudged("filters belong to a topic; a search string says it all", "Subscription.criteria")
        topic = None
        filters = [_criteria(text, now, bases, "Subscription.criteria")]
    else:
        topic = topics.get(text) or topics.get(text.partition("|")[0])
        if topic is None:
            raise NotJudged(
                f"{text[:200]!r} is neither a search on a type of R4 (Type?parameter=value) nor a topic of this server",
                "Subscription.criteria",
            )
        filters = [
            found
            for at, one in enumerate(wanted)
            for found in _filter(topic, one, now, bases, f"Subscription.criteria.extension[{at}]")
        ]
    return Plan(
        str(resource.get("id", "")),
        version,
        str(resource.get("status", "")),
        text,
        topic,
        tuple(filters),
        read_channel(resource.get("channel") or {}, topic is not None),
        span(resource["end"])[0] if resource.get("end") else 0,
        str(extension_of(resource.get("channel") or {}, GRANT) or ""),
    )


def _criteria(text: str, now: int, bases: tuple[str, ...], where: str) -> Criteria:
    found = _QUERY.fullmatch(text)
    if found is None:
        raise NotJudged(f"{text[:200]!r} is no search: Type?parameter=value is expected", where)
    return criteria(found[1], found[2] or "", now, bases, where)


def _filter(topic: Topic, text: str, now: int, bases: tuple[str, ...], where: str) -> list[Criteria]:
    """One filter; without a type it is for every type of the topic (R5 Subscription.filterBy)."""
    found = _QUERY.fullmatch(text)
    typed = found is not None and found[1] in resource_types() and "?" in text
    types = [text.partition("?")[0]] if typed else sorted(topic.types)
    query = text.partition("?")[2] if typed else text
    for type_name in types:
        if type_name not in topic.types:
            raise NotJudged(f"the topic {topic.url} has no events on {type_name}", where)
        for name, _ in parse_qsl(query, keep_blank_values=True):
            code, _, modifier = name.partition(":")
            if not topic.filter_by(type_name, code, modifier):
                raise NotJudged(f"the topic {topic.url} cannot be filtered by {type_name}.{name}", where)
    if not query:
        raise NotJudged("a filter needs a parameter: Type?parameter=value", where)
    return [criteria(name, query, now, bases, where) for name in types]


def read_channel(channel: Mapping[str, Any], topical: bool) -> Channel:
    """Raises NotJudged for a channel that this server does not have."""
    where = "Subscription.channel"
    kind, payload = str(channel.get("type", "")), str(channel.get("payload", ""))
    other = (channel.get("_type") or {}).get("extension", ())
    if other:
        coding: dict[str, Any] = next((e.get("valueCoding", {}) for e in other if isinstance(e, dict)), {})
        if coding.get("code") not in CHANNELS:
            raise NotJudged(f"the channel {str(coding.get('code'))[:60]!r} is not supported", f"{where}.type")
        kind = str(coding["code"])
    if kind not in CHANNELS:
        raise NotJudged(f"the channel {kind[:60]!r} is not supported; there are {', '.join(CHANNELS)}", f"{where}.type")
    _no_strangers([e for e in channel.get("extension", ()) if e.get("url") not in (GRANT, SECRET)], where)
    extensions = (channel.get("_payload") or {}).get("extension", ())
    _no_strangers(extensions, f"{where}.payload")
    content = str(next((e.get("valueCode", "") for e in extensions), ""))
    if content and content not in CONTENT:
        raise NotJudged(f"the content {content[:60]!r} is not supported", f"{where}.payload.extension")
    if topical and not content:
        content = "empty"
    _check_payload(kind, payload, content, f"{where}.payload")
    read = Channel(
        kind,
        str(channel.get("endpoint", "")),
        payload,
        content,
        _number(channel, "heartbeat-period", 0, 86_400 * 7),
        _number(channel, "timeout", 0, LONGEST_TIMEOUT),
        _number(channel, "max-count", 0, MOST_EVENTS),
    )
    _check_endpoint(read, f"{where}.endpoint")
    return read


def extension_of(element: Mapping[str, Any], url: str) -> Any:
    """The value of an extension, None where there is none."""
    for extension in element.get("extension", ()):
        if extension.get("url") == url:
            return next((value for key, value in extension.items() if key.startswith("value")), None)
    return None


def media(payload: str) -> tuple[str, dict[str, str]]:
    """(type, parameters) of a MIME type, lower case."""
    kind, *rest = [part.strip() for part in payload.split(";")]
    return kind.lower(), {k.strip().lower(): v.strip() for k, _, v in (part.partition("=") for part in rest)}


def written(body: bytes, mime: str) -> bytes:
    """FHIR JSON as the media type asks for. Raises XmlError for what has no XML form."""
    return write_xml(loads(body)) if media(mime)[0] in XML else body


def _check_payload(kind: str, payload: str, content: str, where: str) -> None:
    name, parameters = media(payload)
    version = parameters.get("fhirversion", "4.0")
    if version not in ("4.0", "4.0.1"):
        raise NotJudged(f"notifications are FHIR 4.0 here, not {version[:20]}", where)
    if kind == "email":
        attached = parameters.get("attach", "")
        if name not in ("", "text/plain", "text/html") or (attached and attached not in JSON + XML):
            raise NotJudged(
                "the body of a mail is text/plain or text/html, an attachment (;attach=) FHIR as JSON or XML", where
            )
    elif name not in JSON + XML and (name or content):
        raise NotJudged(
            f"the payload {payload[:60]!r} is not supported; application/fhir+json and application/fhir+xml are", where
        )
    if kind == "message" and not content:
        raise NotJudged("a message carries a notification: say how much (extension backport-payload-content)", where)


def _check_endpoint(channel: Channel, where: str) -> None:
    if channel.kind == "websocket":
        return
    parts = urlsplit(channel.endpoint)
    if channel.kind == "email":
        if parts.scheme != "mailto" or "@" not in parts.path or any(c in channel.endpoint for c in "\r\n,?"):
            raise NotJudged("the endpoint of a mail channel is one address: mailto:name@example.org", where)
        return
    try:
        port = parts.port
    except ValueError as error:
        raise NotJudged("the endpoint's port is no port", where) from error
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or port == 0:
        raise NotJudged("the endpoint is an http or https URL without a user name", where)


def _number(channel: Mapping[str, Any], name: str, least: int, most: int) -> int:
    value = extension_of(channel, f"{BACKPORT}backport-{name}")
    if value is None:
        return 0
    if not isinstance(value, int) or not least <= value <= most:
        raise NotJudged(f"{name} is a whole number up to {most}", "Subscription.channel.extension")
    return value


def _no_strangers(extensions: Any, where: str) -> None:
    """An extension that changes what is asked for and that we do not know is refused, never passed over."""
    for extension in extensions:
        url = str(extension.get("url", ""))
        if url not in _KNOWN:
            raise NotJudged(f"the extension {url[:200]} is not supported here", f"{where}.extension")
