"""The form of a risk file: what was sent becomes the file, line by line where a field holds several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wardbridge.core.errors import Invalid
from wardbridge.equipment.changes import store
from wardbridge.equipment.changes.values import PROPERTIES, Hazard, Measure, Patch, RiskFile
from wardbridge.equipment.register.store import models
from wardbridge.web.call import Call
from wardbridge.web.words import _

HAZARDS = 20
SPARE = 2
"""So many empty rows for hazards a form has beside those that are filled in."""


def lines(call: Call, name: str) -> list[str]:
    """A field with one entry a line or comma, without repeats."""
    parts = call.text(name, 20_000).replace(",", "\n").split("\n")
    return list(dict.fromkeys(part.strip() for part in parts if part.strip()))


def number(call: Call, name: str, low: int, high: int) -> int:
    """A whole number within bounds. Raises Invalid."""
    text = call.field(name, required=True)
    if not text.isascii() or not text.isdigit() or not low <= int(text[:9]) <= high:
        raise Invalid(_("This is no number from %(low)s to %(high)s.") % {"low": low, "high": high}, name)
    return int(text)


def measures(call: Call, name: str) -> tuple[Measure, ...]:
    """One measure a line: ``what | who | until (YYYY-MM-DD)``; a leading ``x`` says that it is done. Raises Invalid."""
    found = []
    for at, line in enumerate(call.text(name, 8000).split("\n"), 1):
        if not line.strip():
            continue
        done = line.strip().lower().startswith("x ")
        cells = [cell.strip() for cell in (line.strip()[2:] if done else line).split("|")]
        text, owner, until = (*cells, "", "")[:3]
        try:
            due = call.room.show.parse(until) if until else None
        except ValueError as error:
            raise Invalid(_("Line %(n)s: this is not a date (YYYY-MM-DD).") % {"n": at}, name) from error
        found.append(Measure(text=text, owner=owner, due=due, done=call.room.clock.now() if done else None))
    return tuple(found)


def written(call: Call, many: Sequence[Measure]) -> str:
    """Measures as the form shows them."""
    return "\n".join(
        f"{'x ' if one.done else ''}{one.text} | {one.owner} | {call.room.show.field(one.due or 0)[:10]}"
        for one in many
    )


async def file_of(call: Call) -> RiskFile:
    """The risk file that was sent. Raises Invalid naming the field, or the machine that nobody knows."""
    texts = lines(call, "devices")
    known = await store.named(call.shop.pool, texts)
    for text in texts:
        if text not in known:
            raise Invalid(_("%(text)s is no machine, or several.") % {"text": text}, "devices")
    hazards = tuple(one for one in (_hazard(call, at) for at in range(1, HAZARDS + 1)) if one is not None)
    target = call.field("patch_version")
    patch = None
    if target or call.field("patch_model"):
        patch = Patch(
            model_id=call.field("patch_model"), version=target, component=call.field("patch_component") or "firmware",
            fixes=tuple(lines(call, "fixes")), campaign_id=call.field("campaign"),
        )  # fmt: skip
    return RiskFile(
        title=call.field("title", required=True), purpose=call.field("purpose"),
        devices=tuple(known[text] for text in texts), models=tuple(call.fields("models")),
        zones=tuple(lines(call, "zones")), wards=tuple(lines(call, "wards")), hazards=hazards,
        considered={name: call.field(f"considered-{name}") for name in PROPERTIES if call.field(f"considered-{name}")},
        rollback=call.field("rollback"), tests=call.field("tests"), communication=call.field("communication"),
        start=call.time("start") or None, stop=call.time("stop") or None, patch=patch,
    )  # fmt: skip


def _hazard(call: Call, at: int) -> Hazard | None:
    def said(name: str) -> str:
        return call.field(f"h{at}-{name}")

    if not any(said(name) for name in ("cause", "situation", "harm")):
        return None
    scores = {name: number(call, f"h{at}-{name}", 1, 9) for name in ("severity", "probability", "severity_after",
                                                                    "probability_after")}  # fmt: skip
    return Hazard(property=said("property"), cause=said("cause"), situation=said("situation"), harm=said("harm"),
                  measures=measures(call, f"h{at}-measures"), **scores)  # fmt: skip


async def choices(call: Call) -> dict[str, Any]:
    """What the form offers."""
    return {"models": await models(call.shop.pool), "properties": PROPERTIES, **await store.offered(call.shop.pool)}
