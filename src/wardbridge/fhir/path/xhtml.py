"""What a narrative's xhtml may hold (https://hl7.org/fhir/R4/narrative.html#rules: txt-1, txt-2).

Read with expat, which fetches nothing; a document type declaration, and so every entity of one's own, is refused.
"""

from __future__ import annotations

import re
from html.entities import html5
from typing import Any
from xml.parsers import expat

XHTML = "http://www.w3.org/1999/xhtml"
MAX_DEPTH = 200

# Chapters 7 to 11 (less section 4 of chapter 9) and 15 of HTML 4.0, a and img.
ELEMENTS = frozenset(
    """p br div h1 h2 h3 h4 h5 h6 a span b em i strong small big tt dfn q var abbr acronym cite blockquote hr address
    bdo kbd img table caption colgroup col thead tr tfoot tbody th td code samp ul ol li dl dt dd pre sub sup
    u s strike font center map area""".split()  # noqa: SIM905
)
ATTRIBUTES = frozenset(
    """title style class id lang xml:lang xml:space dir accesskey tabindex span width align valign char charoff abbr
    axis headers scope rowspan colspan rules frame border cellpadding cellspacing summary bgcolor color size face
    href name target rel rev hreflang charset type src alt longdesc height usemap ismap shape coords cite datetime
    compact start value hspace vspace nowrap clear noshade alink link vlink text background xmlns""".split()  # noqa: SIM905
)
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
_XML_ENTITIES = frozenset({"lt", "gt", "amp", "quot", "apos"})


def _numbered(match: re.Match[str]) -> str:
    name = match[1]
    if name in _XML_ENTITIES or f"{name};" not in html5:
        return match[0]
    return "".join(f"&#{ord(c)};" for c in html5[f"{name};"])


class _Reader:
    """Collects the first problem and whether there is content."""

    def __init__(self) -> None:
        self.problem: str | None = None
        self.depth = 0
        self.content = False

    def fail(self, text: str) -> None:
        if self.problem is None:
            self.problem = text

    def start(self, name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ValueError("too deeply nested")
        if self.depth == 1 and local != "div":
            self.fail(f"the narrative must be a div, not {local}")
        if space != XHTML:
            self.fail(f"element {local} is not in the namespace {XHTML}")
        elif local not in ELEMENTS:
            self.fail(f"element {local} is not allowed in a narrative")
        if local == "img":
            self.content = True
        for key, value in attributes.items():
            attribute = key.rpartition(" ")[2].lower()
            if attribute not in ATTRIBUTES or attribute.startswith("on"):
                self.fail(f"attribute {attribute} of {local} is not allowed in a narrative")
            elif attribute in ("href", "src") and value.strip().lower().startswith(("javascript:", "vbscript:")):
                self.fail(f"attribute {attribute} of {local} holds a script")

    def end(self, name: str) -> None:
        self.depth -= 1

    def text(self, data: str) -> None:
        if not self.content and data.strip():
            self.content = True

    def doctype(self, *_: Any) -> None:
        raise ValueError("a document type declaration is not allowed")

    def instruction(self, target: str, data: str) -> None:
        self.fail(f"processing instruction {target} is not allowed in a narrative")


def _problem(text: str) -> str | None:
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = reader.doctype
    parser.ProcessingInstructionHandler = reader.instruction
    try:
        parser.Parse(_ENTITY.sub(_numbered, text).encode("utf-8", "surrogatepass"), True)
    except expat.ExpatError as error:
        return f"the narrative is not well-formed: {expat.ErrorString(error.code)} at line {error.lineno}"
    except ValueError as error:
        return str(error)
    if reader.problem is None and not reader.content:
        return "the narrative has no content"
    return reader.problem


def html_problem(value: Any) -> str | None:
    """What is wrong with a narrative's div, or None."""
    if not isinstance(value, str):
        return "the narrative is no text"
    return _problem(value)
