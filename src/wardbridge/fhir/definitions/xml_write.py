"""Writes the JSON dict of a resource as FHIR XML (https://hl7.org/fhir/R4/xml.html), the mirror of ``xml.py``.

The definitions give the order of elements; decimals keep their digits, narrative its characters. What JSON holds and
the definitions do not know cannot be written: that is refused, never left out.
"""

from __future__ import annotations

import re
from html.entities import html5
from typing import Any

from wardbridge.fhir.definitions.table import Type, known, type_of
from wardbridge.fhir.definitions.xml import FHIR, XHTML, XmlError, well_formed

_SPECIAL = re.compile('[&<>"\t\n\r\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]')
_ESCAPED = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "\t": "&#x9;",
    "\n": "&#xA;",
    "\r": "&#xD;",
}
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
_XML_ENTITIES = ("amp", "lt", "gt", "quot", "apos")


def write_xml(resource: dict[str, Any], *, pretty: bool = False) -> bytes:
    """The resource as UTF-8 XML. Raises XmlError for an element or type that R4 does not define."""
    writer = _Writer(pretty)
    writer.resource(resource, 0, top=True)
    return ('<?xml version="1.0" encoding="UTF-8"?>' + ("" if pretty else "\n") + "".join(writer.out) + "\n").encode()


def escape(text: str) -> str:
    """Text for an attribute; characters that XML 1.0 has no form for become U+FFFD."""
    return _SPECIAL.sub(lambda m: _ESCAPED.get(m[0], "\ufffd"), text)


class _Writer:
    def __init__(self, pretty: bool) -> None:
        self.out: list[str] = []
        self.pretty = pretty

    def line(self, depth: int) -> None:
        if self.pretty:
            self.out.append("\n" + "  " * depth)

    def resource(self, value: Any, depth: int, *, top: bool = False) -> None:
        name = value.get("resourceType") if isinstance(value, dict) else None
        kind = type_of(name) if isinstance(name, str) else None
        if kind is None or not kind.resource:
            raise XmlError(f"{name!r} is no resource type of R4 and has no XML form")
        self.line(depth)
        self.out.append(f'<{kind.name} xmlns="{FHIR}">' if top else f"<{kind.name}>")
        self.elements(value, kind, depth + 1)
        self.line(depth)
        self.out.append(f"</{kind.name}>")

    def elements(self, value: dict[str, Any], kind: Type, depth: int) -> None:
        """The children, in the order of the definition; attributes are the caller's."""
        left = dict.fromkeys(value)
        left.pop("resourceType" if kind.resource else "", None)
        for element in kind.elements.values():
            for key, type_name in element.keys:
                inner = known(type_name)
                shadow = f"_{key}" if inner.primitive else ""
                if key in value or shadow in value:
                    left.pop(key, None)
                    left.pop(shadow, None)
                    if not _attribute(kind, key):
                        self.element(key, value.get(key), value.get(shadow), inner, type_name, depth)
        for strange in left:
            raise XmlError(f"{kind.name} has no element {strange[:60]!r}: it cannot be written as XML")

    def element(self, key: str, found: Any, shadow: Any, inner: Type, type_name: str, depth: int) -> None:
        values = found if isinstance(found, list) else [] if found is None else [found]
        if not inner.primitive or inner.name == "xhtml":
            for value in values:
                self.one(key, value, inner, type_name, depth)
            return
        extras = shadow if isinstance(shadow, list) else [] if shadow is None else [shadow]
        for at in range(max(len(values), len(extras))):
            value = values[at] if at < len(values) else None
            extra = extras[at] if at < len(extras) else None
            self.primitive(key, value, extra, depth)

    def one(self, key: str, value: Any, inner: Type, type_name: str, depth: int) -> None:
        self.line(depth)
        if inner.name == "xhtml":
            self.out.append(narrative(str(value)))
        elif type_name == "Resource":
            self.out.append(f"<{key}>")
            self.resource(value, depth + 1)
            self.line(depth)
            self.out.append(f"</{key}>")
        else:
            self.complex(key, value, inner, "", depth)

    def complex(self, key: str, value: Any, kind: Type, attribute: str, depth: int) -> None:
        if not isinstance(value, dict):
            raise XmlError(f"{key} is no object and cannot be written as XML")
        text, count = _attributes(value, kind)
        if count == len(value):
            self.out.append(f"<{key}{text}{attribute}/>")
            return
        self.out.append(f"<{key}{text}{attribute}>")
        self.elements(value, kind, depth + 1)
        self.line(depth)
        self.out.append(f"</{key}>")

    def primitive(self, key: str, value: Any, extra: Any, depth: int) -> None:
        if value is None and extra is None:
            return
        if isinstance(value, dict | list):
            raise XmlError(f"{key} is no primitive value and cannot be written as XML")
        text = "true" if value is True else "false" if value is False else str(value)
        attribute = "" if value is None else f' value="{escape(text)}"'
        self.line(depth)
        self.complex(key, extra or {}, known("Element"), attribute, depth)


def _attribute(kind: Type, key: str) -> bool:
    """Ids of elements and URLs of extensions are attributes (R4 xml.html)."""
    return not kind.resource and (key == "id" or (key == "url" and kind.name == "Extension"))


def _attributes(value: dict[str, Any], kind: Type) -> tuple[str, int]:
    if kind.resource:
        return "", 0
    found = [key for key in ("id", "url") if key in value and _attribute(kind, key)]
    return "".join(f' {key}="{escape(str(value[key]))}"' for key in found), len(found)


def narrative(div: str) -> str:
    """The XHTML as it is where it is well-formed by itself; else its text, so that the document stays XML."""
    text = _ENTITY.sub(_numeric, div.strip())
    if text.startswith("<div") and well_formed(text.encode("utf-8", "replace")):
        return text
    return f'<div xmlns="{XHTML}">{escape(div)}</div>'


def _numeric(found: re.Match[str]) -> str:
    """Entities of HTML have no meaning in XML without a document type."""
    meant = html5.get(found[1] + ";")
    return found[0] if found[1] in _XML_ENTITIES or meant is None else "".join(f"&#{ord(sign)};" for sign in meant)
