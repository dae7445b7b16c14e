"""Reads FHIR XML into the same JSON dict that the JSON form gives (https://hl7.org/fhir/R4/xml.html). Reading only.

The definitions say what repeats, what is a number and what a primitive; decimals keep their text.  Expat fetches
nothing; a document type declaration is refused.
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
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")


class XmlError(Invalid):
    """The bytes are no FHIR XML; the message says the line where it is known."""


class _Tag:
    __slots__ = ("attributes", "children", "line", "name", "space", "text")

    def __init__(self, space: str, name: str, attributes: dict[str, str], line: int) -> None:
        self.space = space
        self.name = name
        self.attributes = attributes
        self.line = line
        self.children: list[_Tag | str] = []


def _tree(data: bytes) -> _Tag:
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    top = _Tag("", "", {}, 0)
    open_ = [top]

    def start(name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        if len(open_) > MAX_DEPTH:
            raise XmlError("XML is nested too deeply")
        tag = _Tag(space, local, attributes, parser.CurrentLineNumber)
        open_[-1].children.append(tag)
        open_.append(tag)

    def end(name: str) -> None:
        open_.pop()

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
            out[child.name] = _xhtml(child, top=True)
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
    for key in [k for k in out if k.startswith("_") and isinstance(out[k], list) and not any(out[k])]:
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
