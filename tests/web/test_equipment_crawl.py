"""Every page of the room that can be reached by a link, as every role: none breaks, and no technical one names a
patient."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest

from tests.web.test_equipment_pages import PATIENT, pump  # noqa: F401 - a fixture

LIMIT = 400
SHAPE = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|id-\d+|(?<=/)\d+(?=/|$)")


class Links(HTMLParser):
    """The links and form targets of GET forms on a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag == "a" and said.get("href"):
            self.found.append(said["href"] or "")
        if tag == "form" and said.get("method", "get") == "get" and said.get("action"):
            self.found.append(said["action"] or "")


async def walked(browser, start: str) -> dict[str, tuple[int, bytes]]:
    """Every page below ``/equipment`` that links lead to: status and body. At most three of each shape of path."""
    waiting, seen, shapes = [start], {}, {}
    while waiting and len(seen) < LIMIT:
        path = waiting.pop(0)
        if path in seen:
            continue
        parts = urlsplit(path)
        shape = (SHAPE.sub("*", parts.path), tuple(sorted(piece.partition("=")[0] for piece in parts.query.split("&"))))
        shapes[shape] = shapes.get(shape, 0) + 1
        if shapes[shape] > 3:
            continue
        answer = await browser.get(path)
        seen[path] = (answer.status_code, answer.content)
        if "html" not in answer.headers.get("content-type", ""):
            continue
        links = Links()
        links.feed(answer.text)
        for link in links.found:
            target = urlsplit(urljoin(path, link))
            if not target.netloc and target.path.startswith("/equipment"):
                waiting.append(target.path + (f"?{target.query}" if target.query else ""))
    return seen


@pytest.mark.parametrize("role", ["nurse", "physician", "technician", "operator", "administrator"])
async def test_no_page_breaks_and_no_technical_role_learns_who_lies_there(house, enter, pump, role) -> None:  # noqa: F811
    async with enter(role) as browser:
        pages = await walked(browser, "/equipment")
    assert len(pages) > 5
    broken = {path: status for path, (status, _) in pages.items() if status not in (200, 303, 403)}
    assert broken == {}
    if role in ("technician", "operator", "administrator"):
        telling = [path for path, (_, body) in pages.items() if b"pat-z" in body or PATIENT.encode() in body]
        assert telling == []


async def test_every_page_is_refused_without_a_session(house, enter) -> None:
    from wardbridge.web.pages.equipment.every import EQUIPMENT

    async with enter("") as browser:
        for path, methods, _handler, _page, _feature in EQUIPMENT:
            plain = re.sub(r"{[^}]*}", "x", path)
            answer = await browser.request(methods[0], plain)
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith("/sign-in"), path
