"""What a page of the common knowledge is. Times are µs since the epoch (UTC), 0 for none."""

from __future__ import annotations

import msgspec

from wardbridge.security.principal import Principal

KINDS = ("concept", "procedure", "lesson", "fault-guide")
AUDIENCES = ("clinical", "biomed", "it")
STATES = ("draft", "review", "published", "retired")
LINKS = ("device-kind", "device-class", "model", "fault", "runbook", "term")
SIDES: dict[str, frozenset[str]] = {
    "clinical": frozenset({"nurse", "physician"}),
    "biomed": frozenset({"technician"}),
    "it": frozenset({"operator"}),
}
"""Department -> roles. Administrators stand beside the departments: their side is ''."""


def side_of(roles: frozenset[str]) -> str:
    """The department that somebody speaks for, '' for none."""
    return next((side for side, of in SIDES.items() if roles & of), "")


class Question(msgspec.Struct, frozen=True):
    """A single-choice question; ``right`` is the index of the one right choice."""

    text: str
    choices: tuple[str, ...]
    right: int


class Link(msgspec.Struct, frozen=True):
    """What a page is about: ``kind`` of LINKS, ``target`` a name, id, code or slug."""

    kind: str
    target: str


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What people write. ``body`` is Markdown, ``pass_percent`` what a quiz needs."""

    title: str
    summary: str = ""
    keywords: str = ""
    audiences: tuple[str, ...] = AUDIENCES
    body: str = ""
    questions: tuple[Question, ...] = ()
    pass_percent: int = 80


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a page; never changed once written."""

    version: int
    content: Content
    author: str
    display: str
    side: str
    at: int
    note: str = ""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A move of a page's life: written, proposed, published, returned, confirmed, retired."""

    version: int
    step: str
    person_id: str
    display: str
    side: str
    at: int
    note: str


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A question that somebody asked on a page, with its answer once there is one."""

    question_id: str
    display: str
    at: int
    text: str
    answer: str
    answered_display: str
    answered_at: int


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page as it stands: the newest version, and the one in force (``agreed``)."""

    page_id: str
    slug: str
    kind: str
    state: str
    latest: int
    published: int
    review_months: int
    review_due: int
    example: bool
    created: int
    changed: int
    newest: Version
    agreed: Version | None
    links: tuple[Link, ...]
    steps: tuple[Step, ...]

    @property
    def shown(self) -> Version:
        """What readers see."""
        return self.agreed or self.newest


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """A page in a list. ``marked`` is safe HTML: escaped text with ``<mark>`` around what was looked for."""

    slug: str
    kind: str
    state: str
    title: str
    summary: str
    audiences: tuple[str, ...]
    review_due: int
    example: bool
    changed: int
    marked: str = ""
    why: str = ""


def forbids_review(author: str, author_side: str, audiences: tuple[str, ...], by: Principal) -> str:
    """Why somebody cannot review this version, '' when they can.

    Two pairs of eyes always; where a page concerns more than one department, the second pair is another
    department's that the page concerns.
    """
    if by.id == author:
        return "you wrote this version: somebody else reviews it"
    side = side_of(by.roles)
    if len(audiences) > 1:
        others = [name for name in audiences if name != author_side]
        if side not in others:
            return f"this page concerns {', '.join(audiences)}: it is reviewed by {' or '.join(others)}"
    return ""
