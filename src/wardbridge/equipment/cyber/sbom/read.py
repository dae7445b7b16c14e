"""Any document of components or statements, by what is in it: CycloneDX JSON and XML, SPDX 2 JSON and tags, SPDX 3."""

from __future__ import annotations

import gzip
import io
import zlib
from typing import Any

import orjson

from wardbridge.core.errors import Invalid
from wardbridge.equipment.cyber.sbom import cyclonedx, spdx, spdx3, xml
from wardbridge.equipment.cyber.sbom.limits import SIZE
from wardbridge.equipment.cyber.values import Bom


def read(sent: bytes) -> Bom:
    """Raises Invalid, with the place where it can be named, for what is none of them, broken, or too large."""
    sent = unpacked(sent)
    start = sent[:200].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"<"):
        return cyclonedx.read(xml.parse(sent))
    if start.startswith(b"{"):
        return of_json(parsed(sent))
    if b"SPDXVersion:" in sent[:20_000]:
        return spdx.read(spdx.from_tags(sent.decode("utf-8", "replace")))
    raise Invalid("this is neither CycloneDX (JSON, XML) nor SPDX (JSON, tag-value)", "document")


def of_json(sent: dict[str, Any]) -> Bom:
    """A parsed JSON document of either standard. Raises Invalid."""
    if "bomFormat" in sent or ("specVersion" in sent and "components" in sent):
        return cyclonedx.read(sent)
    if "spdxVersion" in sent:
        return spdx.read(sent)
    if "@graph" in sent:
        return spdx3.read(sent)
    raise Invalid("this JSON is neither CycloneDX (bomFormat) nor SPDX (spdxVersion, @graph)", "document")


def unpacked(sent: bytes) -> bytes:
    """The document, unzipped where it came as .gz. Raises Invalid for one that is too large."""
    if sent.startswith(b"\x1f\x8b"):
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(sent)) as file:
                sent = file.read(SIZE + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise Invalid("this .gz file is damaged", "document") from error
    if len(sent) > SIZE:
        raise Invalid(f"a document has at most {SIZE // 1024 // 1024} MiB", "document")
    return sent


def parsed(sent: bytes) -> dict[str, Any]:
    """A JSON object. Raises Invalid with the line of the fault."""
    try:
        found = orjson.loads(sent.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise Invalid(f"this is no JSON: {error.msg}", f"line {error.lineno} column {error.colno}") from error
    if not isinstance(found, dict):
        raise Invalid("the document is not an object", "document")
    return found
