"""How long a manufacturer supports a model: "supported, end not known" is a state of its own. Pure but for saving."""

from __future__ import annotations

import msgspec

from wardbridge.core.clock import DAY
from wardbridge.core.db import Connection
from wardbridge.core.errors import Invalid, NotFound
from wardbridge.equipment.register import desk
from wardbridge.equipment.register.store import models
from wardbridge.equipment.register.values import Model
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.store.rows import Source, put, value
from wardbridge.equipment.vendors.store import plan as store
from wardbridge.equipment.vendors.values import Support
from wardbridge.security.principal import Principal

SOON = 365 * DAY
SAYS = ("unknown", "open", "dated")


class State(msgspec.Struct, frozen=True, kw_only=True):
    """``state``: ended, ends (within a year), supported (end known and later), open (supported, end not known) or
    unknown."""

    state: str
    ends: int | None = None


def state(says: str, ends: int | None, now: int, soon: int = SOON) -> State:
    """Where support stands. A date in the model counts, whatever was said."""
    if ends is not None:
        word = "ended" if ends <= now else ("ends" if ends <= now + soon else "supported")
        return State(state=word, ends=ends)
    return State(state="open" if says == "open" else "unknown")


async def say(
    shop: Shop, conn: Connection, model_id: str, by: Principal, *, support: str, support_ends: int | None,
    security: str, security_ends: int | None, source: str,
) -> Model:  # fmt: skip
    """Write down what the manufacturer says, and where.

    Raises NotFound, Invalid without a source, for "dated" without a date, or a date with another word.
    """
    found = await models(conn, [model_id])
    if not found:
        raise NotFound("there is no such model", f"model/{model_id}")
    if not source.strip():
        raise Invalid("say where this is written", "source")
    for name, word, ends in (("support", support, support_ends), ("security", security, security_ends)):
        if word not in SAYS or (word == "dated") != (ends is not None):
            raise Invalid("support is unknown, open (end not known), or dated with its date", name)
    model = msgspec.structs.replace(found[0], support_ends=support_ends, security_ends=security_ends)
    await desk.add_models(shop, conn, [model])
    said = Support(model_id=model_id, support=support, security=security, source=source.strip(),
                   checked_at=shop.clock.now(), checked_by=by.display)  # fmt: skip
    await put(conn, "model_support", ("model_id",), [said])
    return model


async def of_model(source: Source, model_id: str) -> Support | None:
    """What was written down for a model."""
    row = await store.support(source, model_id)
    return value(row, Support) if row else None
