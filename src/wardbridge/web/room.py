"""What every page needs: sources, people, clock, looks and templates; made once a process."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.types import Scope

from wardbridge.core.clock import Clock
from wardbridge.core.db import Pool
from wardbridge.equipment.shop import Shop
from wardbridge.security.audit import Audit
from wardbridge.security.identity import Identity
from wardbridge.terminology.glossary.book import Book
from wardbridge.web import show
from wardbridge.web.sources import Sources
from wardbridge.web.words import CATALOGUE

Api = Callable[[Scope, str, list[tuple[str, str]]], Awaitable[tuple[int, bytes]]]
"""Ask the FHIR API for a path below its base, as the person whose request this is: status and JSON."""

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"


@lru_cache(maxsize=256)
def static_url(name: str) -> str:
    """``/static/<name>`` with the start of its content hash, so that browsers may keep it for long."""
    data = (STATIC / name).read_bytes()
    return f"/static/{name}?v={hashlib.sha256(data).hexdigest()[:12]}"


def environment(zone: ZoneInfo) -> Environment:
    """The templates' environment: everything escaped, unknown names raise, texts through gettext."""
    env = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    env.install_gettext_translations(CATALOGUE, newstyle=True)  # type: ignore[attr-defined]
    looks = show.Show(zone)
    env.filters |= {
        "moment": looks.moment, "second": looks.second, "day": looks.day, "clock": looks.clock,
        "iso": looks.iso, "field": looks.field, "birth": show.birth, "value": show.value, "age": show.age,
        "offset": show.seconds, "count": show.count, "size": show.size, "sex": show.sex,
    }  # fmt: skip
    env.globals |= {"static": static_url, "mark": show.mark, "limits": show.limits, "sex_long": show.SEX_LONG}
    return env


@dataclass(frozen=True, kw_only=True)
class Room:
    """The web room's surroundings. ``secure`` says that browsers come by TLS."""

    sources: Sources
    identity: Identity
    audit: Audit
    pool: Pool
    clock: Clock
    zone: ZoneInfo
    site: str = "Wardbridge"
    secure: bool = False
    api: Api | None = None
    book: Book | None = None
    shop: Shop | None = None
    templates: Environment = field(init=False)
    show: show.Show = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "templates", environment(self.zone))
        object.__setattr__(self, "show", show.Show(self.zone))

    def render(self, template: str, **context: Any) -> str:
        return self.templates.get_template(template).render(**context)
