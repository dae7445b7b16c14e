"""``/equipment/risks``: the risk register of the organisation, and the matrix that risks are judged by."""

from __future__ import annotations

from starlette.responses import Response

from wardbridge.core.clock import DAY
from wardbridge.core.errors import Invalid, NotFound
from wardbridge.equipment.changes import desk as changes
from wardbridge.equipment.changes import matrix
from wardbridge.equipment.changes.risks import desk, store
from wardbridge.equipment.changes.risks.values import LINKS, STATES, Risk, Score
from wardbridge.equipment.changes.values import LEVELS, PROPERTIES, Matrix
from wardbridge.web.call import Call, Pages
from wardbridge.web.pages.equipment.change_form import lines, measures, number, written
from wardbridge.web.words import _

YEAR = 365 * DAY


async def risks(call: Call) -> Response:
    """The register: overdue reviews first."""
    state, text = call.query("state"), call.query("q")
    if state not in ("", "overdue", *STATES):
        raise Invalid(_("This choice is not offered."), "state")
    now = call.shop.clock.now()
    if state == "overdue":
        found = [one for one in await store.find(call.shop.pool, due_before=now, text=text) if one.state != "closed"]
    else:
        found = await store.find(call.shop.pool, states=(state,) if state else (), text=text)
    in_force = await changes.matrix_in_force(call.shop, call.shop.pool)
    return call.page(
        "equipment/risks.html", risks=found, state=state, states=STATES, asked=text, matrix=in_force,
        level=lambda score: _level(in_force, score),
    )  # fmt: skip


def _level(in_force: Matrix, score: Score) -> str:
    inside = 1 <= score.severity <= len(in_force.severities) and 1 <= score.probability <= len(in_force.probabilities)
    return in_force.level(score.severity, score.probability) if inside else LEVELS[-1]


async def new(call: Call) -> Response:
    """A new entry; the query may name what it is about: ``about=device:ID``."""
    kind, _sign, target = call.query("about").partition(":")
    now = call.shop.clock.now()
    empty = Risk(
        risk_id="", title=call.query("title"), property="security", state="open", cause="", effect="",
        inherent=Score(severity=1, probability=1), residual=Score(severity=1, probability=1), measures=(), owner="",
        review_due=now + YEAR, links=((kind, target),) if kind in LINKS and target else (),
    )  # fmt: skip
    return await _page(call, empty)


async def risk(call: Call) -> Response:
    """One entry with its form."""
    found = await store.get(call.shop.pool, call.path("risk"))
    if found is None:
        raise NotFound(_("There is no such risk."))
    return await _page(call, found)


async def _page(call: Call, one: Risk) -> Response:
    in_force = await changes.matrix_in_force(call.shop, call.shop.pool)
    return call.page(
        "equipment/risk.html", risk=one, matrix=in_force, states=STATES, properties=PROPERTIES, kinds=LINKS,
        level=lambda score: _level(in_force, score), written=lambda many: written(call, many),
        next_year=call.shop.clock.now() + YEAR, urls=URLS,
    )  # fmt: skip


URLS = {
    "device": "/equipment/devices/", "model": "/equipment/register/models/", "change": "/equipment/changes/",
    "advisory": "/equipment/advisories/", "vulnerability": "/equipment/cyber/",
}  # fmt: skip


async def write(call: Call) -> Response:
    """Add an entry or change one."""
    ident = call.request.path_params.get("risk", "")
    links = []
    for line in lines(call, "links"):
        kind, sign, target = line.partition(":")
        if not sign:
            raise Invalid(_("Say what each link is: %(kinds)s, then a colon.") % {"kinds": ", ".join(LINKS)}, "links")
        links.append((kind.strip(), target.strip()))

    def score(name: str) -> Score:
        return Score(
            severity=number(call, f"{name}-severity", 1, 9), probability=number(call, f"{name}-probability", 1, 9)
        )

    one = Risk(
        risk_id=ident, title=call.field("title", required=True), property=call.field("property", required=True),
        state=call.field("state", required=True), cause=call.field("cause", required=True), effect=call.field("effect"),
        inherent=score("inherent"), residual=score("residual"), measures=measures(call, "measures"),
        owner=call.field("owner", required=True), review_due=call.time("review_due", required=True), links=tuple(links),
    )  # fmt: skip
    seen = number(call, "version", 0, 1_000_000) if ident else 0
    async with call.shop.acting(call.who) as conn:
        one = await desk.write(call.shop, conn, one, call.who, seen=seen)
    return call.back(f"/equipment/risks/{one.risk_id}", "written")


async def review(call: Call) -> Response:
    """Looked at again."""
    ident, due = call.path("risk"), call.time("review_due", required=True)
    async with call.shop.acting(call.who, call.field("note") or "review") as conn:
        await desk.review(call.shop, conn, ident, call.field("state", required=True), due, call.who)
    return call.back(f"/equipment/risks/{ident}", "moved")


async def done(call: Call) -> Response:
    """A measure is done."""
    ident, text = call.path("risk"), call.path("number")
    if not text.isdecimal():
        raise NotFound(_("There is no such page."))
    async with call.shop.acting(call.who) as conn:
        await desk.done(call.shop, conn, ident, int(text[:6]))
    return call.back(f"/equipment/risks/{ident}", "moved")


async def set_matrix(call: Call) -> Response:
    """Put another acceptability matrix in force: names one a line, levels as letters a, t, u, a row a severity."""
    new_one = matrix.read(
        {"severities": lines(call, "severities"), "probabilities": lines(call, "probabilities"),
         "levels": [row.strip() for row in call.text("levels", 500).split("\n") if row.strip()]},
        call.field("source", required=True),
    )  # fmt: skip
    async with call.shop.acting(call.who, "acceptability matrix") as conn:
        await changes.set_matrix(call.shop, conn, new_one, call.who)
    return call.back("/equipment/risks", "written")


GET, POST = ["GET"], ["POST"]
_AT = "/equipment/risks"
PAGES: Pages = (
    (_AT, GET, risks, "risk", ""),
    (f"{_AT}/matrix", POST, set_matrix, "risk", "risk.write"),
    (f"{_AT}/new", GET, new, "risk", "risk.write"),
    (f"{_AT}/new", POST, write, "risk", "risk.write"),
    (f"{_AT}/{{risk}}", GET, risk, "risk", ""),
    (f"{_AT}/{{risk}}", POST, write, "risk", "risk.write"),
    (f"{_AT}/{{risk}}/review", POST, review, "risk", "risk.write"),
    (f"{_AT}/{{risk}}/measures/{{number}}/done", POST, done, "risk", "risk.write"),
)
