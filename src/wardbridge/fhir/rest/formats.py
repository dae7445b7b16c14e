"""Which representation comes in and which goes out: JSON or XML, pretty or not (R4 http.html#mime-type)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request

from wardbridge.fhir.definitions.xml import XmlError
from wardbridge.fhir.definitions.xml_write import write_xml
from wardbridge.fhir.json import loads
from wardbridge.fhir.rest.answer import Answer
from wardbridge.fhir.rest.outcome import Refused, refusal

JSON = frozenset({"application/fhir+json", "application/json", "text/json", "json", "application/json+fhir"})
XML = frozenset({"application/fhir+xml", "application/xml", "text/xml", "xml", "application/xml+fhir"})
ANY = frozenset({"*/*", "application/*"})
JSON_PATCH = "application/json-patch+json"


@dataclass(frozen=True)
class Format:
    """How an answer is written."""

    xml: bool = False
    pretty: bool = False

    @property
    def media(self) -> str:
        return f"application/fhir+{'xml' if self.xml else 'json'}; charset=utf-8"

    def write(self, body: bytes) -> bytes:
        """FHIR JSON in this format. Raises XmlError for what has no XML form."""
        if self.xml:
            return write_xml(loads(body), pretty=self.pretty)
        return msgspec.json.format(body, indent=2) if self.pretty else body


PLAIN = Format()


def rendered(answer: Answer, form: Format) -> Answer:
    """The answer with its media type; FHIR JSON is written in the format, anything else stays. Raises Refused (406)."""
    if answer.body is None or answer.media:
        return answer
    try:
        return replace(answer, body=answer.body if form == PLAIN else form.write(answer.body), media=form.media)
    except XmlError as error:
        raise Refused(refusal(406, "not-supported", f"{error.message}; please ask for JSON")) from error


def wanted(accept: str, body: str, parameters: Iterable[tuple[str, str]]) -> Format:
    """The format that the request asks for: by ``_format``, else by Accept, else as its own body is.

    Raises Refused (406) where neither JSON nor XML of R4 is accepted.
    """
    named, pretty = "", False
    for name, value in parameters:
        if name == "_format":
            named = value.replace(" ", "+")
        elif name == "_pretty":
            pretty = value.lower() == "true"
    if not named and (not accept or accept == "*/*"):
        return Format(media_of(body) in XML, pretty)
    best, xml = 0.0, False
    for part in (named or accept).split(","):
        media, weight = _weighted(part)
        if weight > best and media in JSON | XML | ANY:
            best, xml = weight, media in XML
    if not best:
        raise Refused(
            refusal(
                406,
                "not-supported",
                "offered are application/fhir+json and application/fhir+xml of FHIR 4.0 (_format=json, _format=xml)",
            )
        )
    return Format(xml, pretty)


def media_of(header: str) -> str:
    """The media type of a Content-Type, without its parameters."""
    return header.partition(";")[0].strip().lower()


def _weighted(part: str) -> tuple[str, float]:
    """(media type, weight) of one range of Accept; 0 for another version of FHIR (R4 http.html#version-parameter)."""
    media, *details = (piece.strip().lower() for piece in part.split(";"))
    weight = 1.0
    for detail in details:
        name, _, value = detail.partition("=")
        if name == "q":
            try:
                weight = min(max(float(value), 0.0), 1.0)
            except ValueError:
                weight = 0.0
        elif name == "fhirversion" and value.strip('"') not in ("4.0", "4.0.1"):
            weight = 0.0
    return media, weight


def format_of(request: Request) -> Format:
    """The format of the answer to a request. Raises Refused (406)."""
    query = request.scope["query_string"]
    accept = request.headers.get("accept", "")
    if accept in JSON and b"_format" not in query and b"_pretty" not in query:
        return PLAIN
    content = request.headers.get("content-type", "") if request.method in ("POST", "PUT", "PATCH") else ""
    return wanted(accept, content, parse_qsl(query.decode("latin-1"), keep_blank_values=True) if query else ())
