"""One interaction on its way through the API: an HTTP request, or an entry of a batch or transaction."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from wardbridge.core.errors import Invalid
from wardbridge.fhir.definitions.xml import read_xml
from wardbridge.fhir.json import loads
from wardbridge.fhir.rest.formats import XML, media_of
from wardbridge.security.principal import Principal

_ETAG = re.compile(r'\s*(?:W/)?"([^"]*)"\s*|\s*([0-9A-Za-z.\-]+)\s*')
ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


@dataclass(frozen=True)
class Call:
    """``path`` below the base; ``headers`` lower case; ``parameters`` decoded, those of a form included.

    ``base`` is our URL without a final slash. ``resource`` is given for entries, whose body is parsed already.
    """

    method: str
    path: tuple[str, ...]
    parameters: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    base: str
    principal: Principal
    body: bytes = b""
    resource: dict[str, Any] | None = None
    query: str = ""

    @property
    def lenient(self) -> bool:
        """``Prefer: handling=lenient``. Raises Invalid for another word than strict or lenient."""
        handling = self.prefer("handling") or "strict"
        if handling not in ("strict", "lenient"):
            raise Invalid("Prefer: handling must be strict or lenient", "Prefer")
        return handling == "lenient"

    def prefer(self, name: str) -> str:
        """One preference of the Prefer header (RFC 7240), '' where it is absent."""
        header = self.headers.get("prefer", "")
        for part in re.split(r"[;,]", header) if header else ():
            key, _, value = part.strip().partition("=")
            if key.lower() == name:
                return value.strip('"')
        return ""

    def versions(self, header: str) -> list[str] | None:
        """The versions ('*' for any) of If-Match or If-None-Match; None where the header is absent. Raises Invalid."""
        text = self.headers.get(header)
        if text is None:
            return None
        out = []
        for part in text.split(","):
            found = _ETAG.fullmatch(part)
            if part.strip() == "*":
                out.append("*")
            elif found is None:
                raise Invalid(f'{header}: expected W/"version"', header)
            else:
                out.append(found[1] if found[1] is not None else found[2])
        return out

    def if_match(self) -> str | None:
        """The version that must be current; None where none is named. Raises Invalid."""
        return self._version("If-Match")

    def if_none_match(self) -> str | None:
        """The version, ``*`` for any, that must not be current. Raises Invalid."""
        return self._version("If-None-Match")

    def _version(self, header: str) -> str | None:
        versions = self.versions(header.lower())
        if versions is None:
            return None
        if len(versions) != 1:
            raise Invalid(f"{header} takes one version here", header)
        return versions[0]

    def unchanged(self, version: int, updated: int) -> bool:
        """Whether a conditional read ends with 304 (R4 http.html#cread)."""
        versions = self.versions("if-none-match")
        if versions is not None:
            return "*" in versions or str(version) in versions
        since = self.headers.get("if-modified-since")
        if since:
            try:
                return updated // 1_000_000 <= int(parsedate_to_datetime(since).timestamp())
            except (ValueError, TypeError):
                return False
        return False

    @property
    def media(self) -> str:
        """The media type of the body, without parameters."""
        return media_of(self.headers.get("content-type", ""))

    @property
    def xml(self) -> bool:
        """Whether the body is XML."""
        return self.media in XML

    def json(self) -> dict[str, Any]:
        """The resource that was sent, as JSON whether it came as JSON or as XML. Raises Invalid."""
        if self.resource is not None:
            return self.resource
        if not self.body:
            raise Invalid("the request has no body; a resource is expected")
        return read_xml(self.body) if self.xml else loads(self.body, unique=True)


def check_id(text: str) -> None:
    """Raises Invalid for what cannot be a logical id (R4 datatypes.html#id)."""
    if not ID.fullmatch(text):
        raise Invalid("an id has 1 to 64 letters, digits, '-' and '.'", "id")
