"""Reads FHIR XML into the same JSON dict that the JSON form gives (https://hl7.org/fhir/R4/xml.html).

The definitions say what repeats, what is a number and what a primitive; decimals keep their text, narrative its
characters.  Expat fetches nothing; a document type declaration is refused, and with it every entity.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any
from xml.parsers import expat

from wardbridge.core.errors import Invalid
from wardbridge.fhir.definitions.table import Type, type_of
from wardbridge.fhir.json import number

FHIR = "http://hl7.org/fhir"
XHTML = "http://www.w3.org/1999/xhtml"
MAX_DEPTH = 200
_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._\-]{1,40})["']""")
_ENCODINGS = {"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "utf-16", "utf-16le", "utf-16be"}
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")


class XmlError(Invalid):
    """The bytes are no FHIR XML; the message says the line where it is known."""


class _Tag:
    __slots__ = ("attributes", "begin", "children", "line", "name", "raw", "space")

    def __init__(self, space: str, name: str, attributes: dict[str, str], line: int, begin: int) -> None:
        self.space = space
        self.name = name
        self.attributes = attributes
        self.line = line
        self.begin = begin
        self.raw = b""
        self.children: list[_Tag | str] = []


def _utf8(data: bytes) -> bytes:
    """The document in UTF-8, whatever it says it is in. Raises XmlError for bytes that are not in that encoding."""
    declared = _DECLARED.match(data)
    name = declared[1].decode().lower() if declared else "utf-8"
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        name = "utf-16"
    if name not in _ENCODINGS:
        raise XmlError(f"the encoding {name} is not supported; use UTF-8")
    try:
        return data.decode("utf-8-sig" if name in ("utf-8", "utf8") else name).encode()
    except (UnicodeDecodeError, UnicodeEncodeError):
        raise XmlError(f"the bytes are not {name}") from None


def _tree(data: bytes) -> _Tag:
    data = _utf8(data)
    parser = expat.ParserCreate(encoding="utf-8", namespace_separator=" ")
    parser.buffer_text = True
    top = _Tag("", "", {}, 0, 0)
    open_ = [top]

    def start(name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        if len(open_) > MAX_DEPTH:
            raise XmlError(f"XML is nested too deeply: more than {MAX_DEPTH} levels")
        tag = _Tag(space, local, attributes, parser.CurrentLineNumber, parser.CurrentByteIndex)
        open_[-1].children.append(tag)
        open_.append(tag)

    def end(name: str) -> None:
        tag = open_.pop()
        if tag.space == XHTML and open_[-1].space != XHTML and parser.CurrentByteIndex > tag.begin:
            tag.raw = data[tag.begin : data.index(b">", parser.CurrentByteIndex) + 1]

    def text(value: str) -> None:
        open_[-1].children.append(value)

    def doctype(*_: Any) -> None:
        raise XmlError("a document type declaration is not allowed")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise XmlError(f"XML is malformed: {expat.ErrorString(error.code)} at line {error.lineno}") from None
    root = top.children[0]
    assert isinstance(root, _Tag)
    return root


def well_formed(text: bytes) -> bool:
    """Whether these bytes are one XHTML `div` that needs nothing from around it (no prefix, no entity)."""
    parser = expat.ParserCreate(encoding="utf-8", namespace_separator=" ")
    names: list[str] = []

    def start(name: str, _: Any) -> None:
        names.append(name)

    parser.StartElementHandler = start
    try:
        parser.Parse(text, True)
    except expat.ExpatError:
        return False
    return names[0] == f"{XHTML} div"


def _narrative(tag: _Tag) -> str:
    """As it was written where it stands by itself, else written anew."""
    if tag.raw.startswith(b"<div") and well_formed(tag.raw):
        return tag.raw.decode()
    return _xhtml(tag, top=True)


def _xhtml(tag: _Tag, top: bool = False) -> str:
    space = f' xmlns="{XHTML}"' if top else ""
    attributes = "".join(
        f' {key.replace("http://www.w3.org/XML/1998/namespace ", "xml:")}="{escape(value)}"'
        for key, value in tag.attributes.items()
    )
    inner = "".join(escape(c, quote=False) if isinstance(c, str) else _xhtml(c) for c in tag.children)
    return f"<{tag.name}{space}{attributes}>{inner}</{tag.name}>" if inner else f"<{tag.name}{space}{attributes}/>"


def _primitive(text: str, kind: Type, tag: _Tag) -> Any:
    if kind.name == "boolean" and text in ("true", "false"):
        return text == "true"
    if kind.name == "decimal" and _NUMBER.fullmatch(text):
        return number(text) if not text.lstrip("-").isdigit() else int(text)
    if "integer" in kind.ancestors and re.fullmatch(r"-?(0|[1-9][0-9]{0,18})", text):
        return int(text)
    return text


def _tags(tag: _Tag) -> list[_Tag]:
    found = []
    for child in tag.children:
        if isinstance(child, _Tag):
            found.append(child)
        elif child.strip():
            raise XmlError(f"unexpected text in {tag.name} at line {tag.line}")
    return found


def _resource(tag: _Tag) -> dict[str, Any]:
    kind = type_of(tag.name)
    if kind is None or not kind.resource or tag.space != FHIR:
        raise XmlError(f"unknown resource {tag.name} at line {tag.line}")
    return {"resourceType": tag.name} | _object(tag, kind)


def _object(tag: _Tag, kind: Type) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, text in tag.attributes.items():
        if key in ("id", "url"):
            out[key] = text
        elif key != "value" and " " not in key:
            raise XmlError(f"unknown attribute {key} of {tag.name} at line {tag.line}")
        elif key == "value" and not kind.abstract:
            raise XmlError(f"{tag.name} is no primitive and has no value at line {tag.line}")
    for child in _tags(tag):
        found = kind.keys.get(child.name)
        if found is None:
            raise XmlError(f"unknown element {child.name} in {kind.name} at line {child.line}")
        element, type_name = found
        inner = type_of(type_name)
        assert inner is not None
        if inner.name == "xhtml":
            out[child.name] = _narrative(child)
        elif inner.primitive:
            _put_primitive(out, child, inner, element.many)
        else:
            if type_name == "Resource":
                inside = _tags(child)
                if len(inside) != 1:
                    raise XmlError(f"{child.name} must hold one resource at line {child.line}")
                value = _resource(inside[0])
            else:
                value = _object(child, inner)
            if element.many:
                out.setdefault(child.name, []).append(value)
            elif child.name in out:
                raise XmlError(f"{child.name} is given twice at line {child.line}")
            else:
                out[child.name] = value
    for key in [k for k, v in out.items() if type(v) is list and not any(item is not None for item in v)]:
        del out[key]
    return out


def _put_primitive(out: dict[str, Any], tag: _Tag, kind: Type, many: bool) -> None:
    value = _primitive(tag.attributes["value"], kind, tag) if "value" in tag.attributes else None
    extra: dict[str, Any] | None = _object(tag, kind_of_element()) or None
    if many:
        out.setdefault(tag.name, []).append(value)
        out.setdefault(f"_{tag.name}", []).append(extra)
        return
    if tag.name in out or f"_{tag.name}" in out:
        raise XmlError(f"{tag.name} is given twice at line {tag.line}")
    if value is not None:
        out[tag.name] = value
    if extra is not None:
        out[f"_{tag.name}"] = extra


def kind_of_element() -> Type:
    found = type_of("Element")
    assert found is not None
    return found


def read_xml(data: bytes) -> dict[str, Any]:
    """The resource in these bytes as JSON dict; XmlError for what is no FHIR R4 XML."""
    return _resource(_tree(data))
