"""How values look: site time without short dates, ages, sizes, ``--`` for what is missing."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from wardbridge.core.clock import DAY, HOUR, MINUTE, SECOND, to_datetime
from wardbridge.web.words import _, ngettext

MISSING = "--"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Show:
    """Formatting for one site zone; its methods are the filters of the templates."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone

    def local(self, micros: int) -> datetime:
        return to_datetime(micros).astimezone(self.zone)

    def moment(self, micros: int) -> str:
        """``04-Mar-2026 15:07``; ``--`` for 0."""
        if not micros:
            return MISSING
        at = self.local(micros)
        return f"{at.day:02d}-{MONTHS[at.month - 1]}-{at.year} {at:%H:%M}"

    def second(self, micros: int) -> str:
        """``04-Mar-2026 15:07:09``."""
        return f"{self.moment(micros)}:{self.local(micros):%S}" if micros else MISSING

    def day(self, micros: int) -> str:
        """``04-Mar-2026``."""
        return self.moment(micros)[:11] if micros else MISSING

    def clock(self, micros: int) -> str:
        """``15:07``."""
        return f"{self.local(micros):%H:%M}" if micros else MISSING

    def iso(self, micros: int) -> str:
        """ISO 8601 with the site's offset, for ``<time datetime>``."""
        return self.local(micros).isoformat(timespec="seconds") if micros else ""

    def field(self, micros: int) -> str:
        """The value of an ``<input type=datetime-local>`` in site time."""
        return f"{self.local(micros):%Y-%m-%dT%H:%M}" if micros else ""

    def parse(self, text: str) -> int:
        """µs of what a datetime-local field sent (site time); raises ValueError.

        An hour that a clock change repeats means its first pass.
        """
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            at = at.replace(tzinfo=self.zone)
        return int(at.astimezone(UTC).timestamp()) * SECOND


def birth(text: str) -> str:
    """A FHIR date (1952, 1952-03, 1952-03-04) as ``04-Mar-1952``; ``--`` when missing."""
    parts = text.split("-")
    try:
        names = [MONTHS[int(parts[1]) - 1]] if len(parts) > 1 else []
    except (ValueError, IndexError):
        return text or MISSING
    days = [parts[2][:2]] if len(parts) > 2 else []
    return "-".join([*days, *names, parts[0]]) or MISSING


def value(text: str) -> str:
    """A value as sent; ``--`` when missing, never 0."""
    return text or MISSING


def age(micros: int) -> str:
    """A duration in one short unit: ``2 s``, ``14 min``, ``3 h``, ``2 d``."""
    if micros < 0:
        micros = 0
    for size, sign in ((DAY, _("d")), (HOUR, _("h")), (MINUTE, _("min"))):
        if micros >= (2 if size == DAY else 1) * size:
            return f"{micros // size} {sign}"
    return f"{micros // SECOND} {_('s')}"


def seconds(micros: int | None) -> str:
    """A signed offset in seconds, ``+1.4 s``; ``--`` when unknown."""
    return MISSING if micros is None else f"{micros / SECOND:+.1f} {_('s')}"


def count(number: int) -> str:
    """Digits in groups of three, with a thin space."""
    return f"{number:,}".replace(",", " ")


def size(octets: int) -> str:
    """``812 B``, ``3.4 kB``, ``1.2 MB``."""
    if octets < 1000:
        return f"{octets} B"
    return f"{octets / 1000:.1f} kB" if octets < 1_000_000 else f"{octets / 1_000_000:.1f} MB"


def limits(low: float | None, high: float | None) -> str:
    """``50 – 120``; an open side stays blank."""
    if low is None and high is None:
        return MISSING
    return f"{'' if low is None else f'{low:g}'} – {'' if high is None else f'{high:g}'}".strip()


PRIORITY = {"high": "high", "medium": "medium", "low": "low", "info": "info"}
MARKS = {
    ("high", "technical"): "!!!", ("medium", "technical"): "!!", ("low", "technical"): "!",
    ("high", ""): "***", ("medium", ""): "**", ("low", ""): "*",
}  # fmt: skip


def mark(priority: str, kind: str) -> str:
    """The sign beside an alarm's text, so that colour is never alone: ``***``, technical ``!!!``."""
    return MARKS.get((priority, "technical" if kind == "technical" else ""), "·")


SEX = {"male": "M", "female": "F", "other": "X", "unknown": "?"}


def sex(code: str) -> str:
    """The FHIR administrative gender in one letter; empty when not recorded."""
    return SEX.get(code, "")


SEX_LONG = {"male": _("male"), "female": _("female"), "other": _("other"), "unknown": _("unknown")}


def plural(number: int, one: str, many: str) -> str:
    """``3 beds``: the number with the fitting form."""
    return f"{number} {ngettext(one, many, number)}"
