"""The text of a page: Markdown to safe HTML, to plain words for search, the difference of two versions; pure.

Raw HTML and images are off; links lead to http(s) or stay on this server.
"""

from __future__ import annotations

import difflib
import html
import re
from collections.abc import Sequence
from typing import Any

import msgspec
from markdown_it import MarkdownIt
from markdown_it.token import Token

START, STOP = "\x02", "\x03"
"""Around what a search found, in the database's answer; no text that people write holds them."""
_SCHEME = re.compile(r"[a-z][a-z0-9+.\-]*:", re.IGNORECASE)


def allowed_link(url: str) -> bool:
    """Whether a link may lead there: http, https, or a path on this server."""
    if _SCHEME.match(url):
        return url.lower().startswith(("http://", "https://"))
    return not url.startswith(("//", "\\", "/\\"))


def _open_link(self: Any, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    href = str(tokens[at].attrGet("href") or "")
    if _SCHEME.match(href):
        tokens[at].attrSet("rel", "noopener noreferrer")
    return str(self.renderToken(tokens, at, options, env))


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "maxNesting": 12})
    parser.enable("table")
    parser.disable(["html_block", "html_inline", "image", "reference"])
    parser.validateLink = allowed_link  # type: ignore[method-assign]
    parser.add_render_rule("link_open", _open_link)
    return parser


_MARKDOWN = _parser()


def render(body: str) -> str:
    """Markdown as safe HTML. Headings start at the second level: the first is the page's title."""
    tokens = _MARKDOWN.parse(clean(body))
    for token in tokens:
        if token.type in ("heading_open", "heading_close") and token.tag == "h1":
            token.tag = "h2"
        if token.type == "th_open":
            token.attrSet("scope", "col")
    return str(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))


def clean(text: str) -> str:
    """Without control characters that no text holds (NUL, the marks of a search)."""
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", "", text.replace("\r\n", "\n"))


def plain(body: str) -> str:
    """The words of a body without its signs, blocks on lines of their own."""
    lines = []
    for token in _MARKDOWN.parse(clean(body)):
        if token.type == "inline":
            parts = [" " if c.type in ("softbreak", "hardbreak") else c.content for c in token.children or ()]
            lines.append("".join(parts))
        elif token.type in ("fence", "code_block"):
            lines.append(token.content.strip())
    return "\n".join(line for line in lines if line)


def marked(text: str) -> str:
    """A search's answer as safe HTML: everything escaped, ``<mark>`` where the database found something."""
    return html.escape(text).replace(START, "<mark>").replace(STOP, "</mark>")


class Change(msgspec.Struct, frozen=True):
    """A line of a difference: ``kind`` is ``same``, ``added``, ``removed`` or ``gap`` (lines left out)."""

    kind: str
    text: str


def difference(old: str, new: str, around: int = 2) -> list[Change]:
    """The lines in which two texts differ, with some around them; empty where they are the same."""
    found: list[Change] = []
    names = {" ": "same", "+": "added", "-": "removed"}
    for line in list(difflib.unified_diff(old.splitlines(), new.splitlines(), n=around, lineterm=""))[2:]:
        if line.startswith("@@"):
            if found:
                found.append(Change("gap", ""))
        else:
            found.append(Change(names[line[0]], line[1:]))
    return found
