"""What people do with a change: write its file, sign it, schedule it, do it, close it.

Every move is judged by :mod:`wardbridge.equipment.changes.rules` on the row that is locked for it. An edit voids every
signature on the earlier content and takes the change back to draft.
"""

from __future__ import annotations

import msgspec

from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Forbidden, Invalid, NotFound
from wardbridge.equipment.changes import matrix, rules, store
from wardbridge.equipment.changes.calendar import Freeze
from wardbridge.equipment.changes.resources import resources
from wardbridge.equipment.changes.values import KINDS, Change, Matrix, RiskFile
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.signing import sign as signing
from wardbridge.equipment.signing import store as signatures
from wardbridge.equipment.signing.values import Signature
from wardbridge.security.principal import Principal

SUBJECT = "change"
"""What signatures of changes are filed under."""
SAYS_WHY = frozenset({"verify", "roll-back", "reject", "cancel"})


async def matrix_in_force(shop: Shop, source: store.Source) -> Matrix:
    """The site's matrix, or the one that comes with Wardbridge."""
    return await store.matrix(source, shop.clock.now()) or matrix.default()


async def set_matrix(shop: Shop, conn: Connection, new: Matrix, by: Principal) -> None:
    """Put a new matrix in force; files that were judged by another keep theirs."""
    await store.put_matrix(conn, shop.ids(), shop.clock.now(), new, by.id)


async def draft(shop: Shop, conn: Connection, kind: str, file: RiskFile, by: Principal) -> Change:
    """Begin a change. Raises Invalid for an unknown kind, a file without a title, or machines nobody knows."""
    if kind not in KINDS:
        raise Invalid(f"a change is one of: {', '.join(KINDS)}", "kind")
    now = shop.clock.now()
    change = Change(
        change_id=shop.ids(), kind=kind, state="draft", state_at=now, version=1, title=file.title,
        file=await _judged(shop, conn, file), author=by.id, author_name=by.display, created=now, start=file.start,
        stop=file.stop,
    )  # fmt: skip
    return await save(shop, conn, change, "draft", by)


async def edit(shop: Shop, conn: Connection, change_id: str, file: RiskFile, by: Principal, *, seen: int) -> Change:
    """Write the file anew; ``seen`` is the version that the writer had before them.

    Raises Conflict when it changed meanwhile or runs already, Invalid and NotFound.
    """
    change = await locked(conn, change_id)
    if change.version != seen:
        raise Conflict("somebody else has changed this file meanwhile: load it again", "version")
    refused = rules.may(change, "edit", ())
    if refused:
        raise Conflict(refused, "state")
    file = await _judged(shop, conn, file)
    if file == change.file:
        return change
    voided = len(rules.standing(change, await signatures.of(conn, SUBJECT, change_id))[0])
    change = msgspec.structs.replace(
        change, file=file, title=file.title, start=file.start, stop=file.stop, version=change.version + 1,
        state="draft", state_at=shop.clock.now(),
    )  # fmt: skip
    note = f"{voided} signatures are void: sign again" if voided else ""
    return await save(shop, conn, change, "edit", by, note)


async def _judged(shop: Shop, conn: Connection, file: RiskFile) -> RiskFile:
    if not file.title.strip():
        raise Invalid("a change has a title", "title")
    devices, models = await store.unknown(conn, file)
    if devices or models:
        raise Invalid(f"not in the register: {', '.join([*devices, *models][:5])}", "touched")
    return msgspec.structs.replace(
        file, matrix=await matrix_in_force(shop, conn), devices=tuple(dict.fromkeys(file.devices))
    )


async def sign(shop: Shop, conn: Connection, change_id: str, side: str, by: Principal, *, digest: str = "",
               note: str = "") -> Change:  # fmt: skip
    """Sign the file as one side; ``digest`` is that of the content which the signer saw.

    When all sides have signed, the change is signed. Raises Conflict when the content is another by now, when it is
    not assessed, or a person signs twice; Forbidden for a role that cannot speak for the side.
    """
    change = await locked(conn, change_id)
    if change.state != "assessed":
        raise Conflict(f"a change that is {change.state} is not signed: it must be assessed", "state")
    if digest and digest != signing.digest(change.content):
        raise Conflict("the file is no longer what you saw: read it again", "digest")
    if side not in rules.sides(change.file):
        raise Invalid(f"this file is signed by: {', '.join(rules.sides(change.file))}", "side")
    if side == "clinical" and "physician" not in by.roles:
        raise Forbidden("an unacceptable residual risk is signed by a physician", "side")
    await signing.sign(
        shop, conn, SUBJECT, change_id, change.content, meaning=rules.MEANING, side=side, by=by, note=note
    )
    await store.add_step(conn, change, f"sign {side}", shop.clock.now(), (by.id, by.display), note)
    if rules.may(change, "complete", await signatures.of(conn, SUBJECT, change_id)):
        return change
    return await _to(shop, conn, change, "complete", by)


async def move(shop: Shop, conn: Connection, change_id: str, name: str, by: Principal, note: str = "") -> Change:
    """assess, schedule, start, verify, close, roll-back, reject or cancel.

    Raises Conflict with the reason when a rule forbids it, Invalid where a reason or result must be given.
    """
    if name not in rules.MOVES or name in ("edit", "complete"):
        raise NotFound("there is no such step", name)
    change = await locked(conn, change_id)
    found = await signatures.of(conn, SUBJECT, change_id)
    refused = rules.may(change, name, found) or await _hindered(shop, conn, change, name)
    if refused:
        raise Conflict(refused, "state")
    note = note.strip()
    if name in SAYS_WHY and len(note) < 3:
        raise Invalid("say what was tested and found" if name == "verify" else "give a reason", "note")
    return await _to(shop, conn, change, name, by, note)


async def _hindered(shop: Shop, conn: Connection, change: Change, name: str) -> str:
    now = shop.clock.now()
    start, stop = change.start, change.stop
    if name == "start" and (start is None or stop is None or not start <= now < stop):
        return "a change starts within its window; move the window (and sign again) where it must be another time"
    if name == "schedule" and stop is not None and stop <= now:
        return "the window of this change has passed"
    if change.kind == "patch":
        if name in ("verify", "close") and await store.open_items(conn, change.change_id):
            return "machines of this patch are still open: each is verified, rolled back, or excepted with a reason"
        if name in ("roll-back", "cancel") and await store.running_items(conn, change.change_id):
            return "machines are being patched: verify or roll back each of them first"
    return ""


async def _to(shop: Shop, conn: Connection, change: Change, name: str, by: Principal, note: str = "") -> Change:
    change = msgspec.structs.replace(change, state=rules.MOVES[name][1], state_at=shop.clock.now())
    return await save(shop, conn, change, name, by, note)


async def save(shop: Shop, conn: Connection, change: Change, step: str, by: Principal, note: str = "") -> Change:
    """Write a change with its step and its FHIR resources."""
    await store.put(conn, change)
    await store.add_step(conn, change, step, shop.clock.now(), (by.id, by.display), note)
    await shop.record.put(conn, resources(change))
    return change


async def locked(conn: Connection, change_id: str) -> Change:
    """A change whose row stays locked until the transaction ends. Raises NotFound."""
    change = await store.get(conn, change_id, lock=True)
    if change is None:
        raise NotFound("there is no such change", f"change/{change_id}")
    return change


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """All that is said about a change: rules applied, signatures that stand and those that an edit voided."""

    change: Change
    digest: str
    problems: list[rules.Problem]
    residual: str
    sides: tuple[str, ...]
    missing: list[str]
    standing: list[Signature]
    void: list[Signature]
    possible: dict[str, str]


async def sheet(source: store.Source, change_id: str) -> Sheet:
    """A change with everything that the rules say about it. ``possible``: move → why not ('' where it can be made).

    Raises NotFound.
    """
    change = await store.get(source, change_id)
    if change is None:
        raise NotFound("there is no such change", f"change/{change_id}")
    found = await signatures.of(source, SUBJECT, change_id)
    standing, void = rules.standing(change, found)
    return Sheet(
        change=change, digest=signing.digest(change.content), problems=rules.lacks(change.file, change.kind),
        residual=rules.residual(change.file), sides=rules.sides(change.file), missing=rules.signed(change, found),
        standing=standing, void=void,
        possible={name: rules.may(change, name, found) for name, (before, _) in rules.MOVES.items()
                  if change.state in before and name != "complete"},
    )  # fmt: skip


async def freeze(shop: Shop, conn: Connection, start: int, stop: int, reason: str, *, ward: str = "",
                 zone: str = "") -> Freeze:  # fmt: skip
    """Say that nothing is changed for a time. Raises Invalid for an empty time or reason."""
    if stop <= start or not reason.strip():
        raise Invalid("a freeze has a start, a later end and a reason", "stop")
    one = Freeze(freeze_id=shop.ids(), start=start, stop=stop, reason=reason.strip(), ward=ward, zone=zone)
    await store.put_freeze(conn, one)
    return one


async def thaw(conn: Connection, freeze_id: str) -> None:
    """Lift a freeze."""
    await store.drop_freeze(conn, freeze_id)
