"""``/equipment/network``: what hangs on which switch, who talks to whom, what nobody expected."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from wardbridge.core.errors import Invalid, NotFound
from wardbridge.equipment.changes.behaviour import desk as behaviour
from wardbridge.equipment.changes.behaviour import store as findings
from wardbridge.equipment.changes.behaviour.judge import words
from wardbridge.equipment.changes.effect import store as switches
from wardbridge.equipment.changes.effect.effect import effect, silent_together
from wardbridge.equipment.changes.network import desk, export, store
from wardbridge.equipment.changes.network.values import Policy
from wardbridge.equipment.changes.store import offered
from wardbridge.equipment.signing import sign as signing
from wardbridge.equipment.signing import store as signatures
from wardbridge.web.call import Call, Pages
from wardbridge.web.pages.equipment.change_form import number
from wardbridge.web.uploads import takes_files
from wardbridge.web.words import _

FILE = 64_000_000
SHOWN = 500


async def network(call: Call) -> Response:
    """Switches by the machines on patients, a hint where several fell silent together, findings, policies, imports."""
    pool = call.shop.pool
    return call.page(
        "equipment/network.html", switches=await switches.switches(pool),
        silences=await silent_together(pool, call.shop.clock.now()), findings=await findings.find(pool), words=words,
        settled=await findings.find(pool, states=("expected", "acted"), limit=20), groups=await store.groups(pool),
        imports=await store.imports(pool), offered=await offered(pool), sides=_sides(call),
    )  # fmt: skip


def _sides(call: Call) -> list[str]:
    return [side for side in signing.sides_of(call.who) if side in signing.BOTH]


async def failing(call: Call) -> Response:
    """What a failing switch, VLAN, zone or server means, as beds and machines."""
    vlan = call.query("vlan").strip()
    if not any(call.query(name).strip() for name in ("switch", "vlan", "zone", "server", "port")):
        return call.back("/equipment/network")
    if vlan and (not vlan.isascii() or not vlan.isdigit() or not 1 <= int(vlan[:6]) <= 4094):
        raise Invalid(_("A VLAN is a number from 1 to 4094."), "vlan")
    sees = call.may("patient.see")
    found = await effect(
        call.shop.pool, call.shop.clock.now(), switch=call.query("switch").strip(), port=call.query("port").strip(),
        vlan=int(vlan) if vlan else None, zone=call.query("zone"), server=call.query("server").strip(), patients=sees,
    )  # fmt: skip
    shown = msgspec.structs.replace(found, machines=found.machines[:SHOWN])
    for one in shown.machines:
        call.about(one.patient_id)
    return call.page("equipment/network_effect.html", effect=shown, total=len(found.machines), sees=sees)


@takes_files(FILE)
async def take(call: Call) -> Response:
    """Read a file of flow records."""
    name, data = await call.upload("file", FILE)
    async with call.shop.acting(call.who, "flow records") as conn:
        found = await desk.take(call.shop, conn, name, data, call.who)
    return call.back(f"/equipment/network/imports/{found.import_id}", "imported")


async def imported(call: Call) -> Response:
    """One import with the lines that could not be understood."""
    ident = call.path("import")
    rows = [row for row in await store.imports(call.shop.pool, 1000) if row["import_id"] == ident]
    if not rows:
        raise NotFound(_("There is no such page."))
    kept = await store.kept(call.shop.pool, ident)
    return call.page("equipment/network_import.html", read=rows[0], kept=kept[:SHOWN], more=max(len(kept) - SHOWN, 0))


async def propose(call: Call) -> Response:
    """Suggest a policy from what was seen."""
    model, zone = call.field("model", required=True), call.field("zone")
    async with call.shop.acting(call.who, "network policy") as conn:
        policy = await desk.propose(call.shop, conn, model, zone, call.who, days=number(call, "days", 1, 365))
    return call.back(f"/equipment/network/policies/{policy.policy_id}", "written")


async def learn(call: Call) -> Response:
    """Begin a learning period."""
    model, zone = call.field("model", required=True), call.field("zone")
    async with call.shop.acting(call.who, "learning period") as conn:
        await desk.learn(call.shop, conn, model, zone, number(call, "days", 1, 365))
    return call.back("/equipment/network", "moved")


async def _policy(call: Call) -> Policy:
    found = await store.policy(call.shop.pool, call.path("policy"))
    if found is None:
        raise NotFound(_("There is no such policy."))
    return found


async def policy(call: Call) -> Response:
    """A policy: rules with their evidence, what it changes, signatures, exports."""
    one = await _policy(call)
    mark = signing.digest(one.content)
    given = [s for s in await signatures.of(call.shop.pool, desk.SUBJECT, one.policy_id) if s.digest == mark]
    signed = {s.side: s for s in given}
    return call.page(
        "equipment/network_policy.html", policy=one, name=await store.model_name(call.shop.pool, one.model_id),
        difference=await desk.difference(call.shop.pool, one), digest=mark, signed=signed, both=signing.BOTH,
        addresses=await store.addresses(call.shop.pool, one.model_id, one.zone), formats=tuple(export.FORMATS),
        mine=[side for side in _sides(call) if side not in signed],
    )  # fmt: skip


async def drop(call: Call) -> Response:
    """Leave a rule out."""
    ident = call.path("policy")
    async with call.shop.acting(call.who, "network policy") as conn:
        await desk.drop(conn, ident, number(call, "rule", 1, 100_000))
    return call.back(f"/equipment/network/policies/{ident}", "written")


async def sign(call: Call) -> Response:
    """Approve as one side."""
    ident, digest = call.path("policy"), call.field("digest", required=True)
    async with call.shop.acting(call.who, "approved") as conn:
        await desk.sign(call.shop, conn, ident, call.field("side", required=True), call.who, digest=digest)
    return call.back(f"/equipment/network/policies/{ident}", "signed")


async def exported(call: Call) -> Response:
    """The policy as a file."""
    one, kind = await _policy(call), call.path("kind")
    if kind not in export.FORMATS:
        raise NotFound(_("There is no such page."))
    name = await store.model_name(call.shop.pool, one.model_id)
    text = export.write(one, name, await store.addresses(call.shop.pool, one.model_id, one.zone), kind)
    return Response(text, media_type=f"{export.FORMATS[kind]}; charset=utf-8",
                    headers={"content-disposition": f'attachment; filename="policy.{kind}"'})  # fmt: skip


async def settle(call: Call) -> Response:
    """Answer a finding: expected because …, or what was done."""
    ident, reason, side = call.path("unexpected"), call.field("reason", required=True), call.field("side")
    name = call.path("move")
    async with call.shop.acting(call.who, "unexpected behaviour") as conn:
        if name == "expected":
            await behaviour.expected(call.shop, conn, ident, reason, side, call.who)
        elif name == "acted":
            await behaviour.acted(call.shop, conn, ident, reason, call.who)
        else:
            raise NotFound(_("There is no such page."))
    return call.back("/equipment/network", "moved")


GET, POST = ["GET"], ["POST"]
_AT = "/equipment/network"
PAGES: Pages = (
    (_AT, GET, network, "risk", ""),
    (f"{_AT}/effect", GET, failing, "risk", ""),
    (f"{_AT}/flows", POST, take, "risk", "cyber.triage"),
    (f"{_AT}/imports/{{import}}", GET, imported, "risk", ""),
    (f"{_AT}/learning", POST, learn, "risk", "risk.write"),
    (f"{_AT}/policies", POST, propose, "risk", "risk.write"),
    (f"{_AT}/policies/{{policy}}", GET, policy, "risk", ""),
    (f"{_AT}/policies/{{policy}}/drop", POST, drop, "risk", "risk.write"),
    (f"{_AT}/policies/{{policy}}/sign", POST, sign, "risk", "joint.sign"),
    (f"{_AT}/policies/{{policy}}/export/{{kind}}", GET, exported, "risk", ""),
    (f"{_AT}/unexpected/{{unexpected}}/{{move}}", POST, settle, "risk", "joint.sign"),
)
