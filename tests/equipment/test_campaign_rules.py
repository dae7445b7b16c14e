"""Whatever people do in whatever order: the counts add up, and a campaign closes only when every machine ended."""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.equipment.conftest import NURSE, OPERATOR, TECHNICIAN, Stocked
from tests.equipment.feeds import csaf
from tests.equipment.test_advisory_rematch import A1, bring, change

from wardbridge.core.errors import WardbridgeError
from wardbridge.equipment.advisories.rematch import merge, rematch
from wardbridge.equipment.advisories.values import Candidate
from wardbridge.equipment.campaigns import close, follow, run, start, store
from wardbridge.equipment.campaigns.values import ENDED, Campaign, Item
from wardbridge.equipment.shop import Shop

DEED = st.one_of(
    st.tuples(st.just("affected"), st.integers(0, 3)), st.tuples(st.just("not"), st.integers(0, 3)),
    st.tuples(st.just("record"), st.integers(0, 3)), st.tuples(st.just("finish"), st.integers(0, 3)),
    st.tuples(st.just("reopen"), st.integers(0, 3)), st.tuples(st.just("free"), st.integers(0, 3)),
    st.tuples(st.just("firmware"), st.integers(0, 3)), st.tuples(st.just("close"), st.just(0)),
    st.tuples(st.just("close"), st.just(0)), st.tuples(st.just("sign"), st.integers(0, 1)),
)  # fmt: skip


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(DEED, min_size=5, max_size=14))
async def test_no_course_of_events_closes_a_campaign_with_an_open_machine(
    shop: Shop, stock: Stocked, deeds: list[tuple[str, int]]
) -> None:
    machines = await stock(4, firmware="2.0")
    number = f"P-{shop.ids()}"
    await bring(shop, csaf(number, range_="< 2.1"))
    advisory_id = f"csaf-cisa.gov-{number.casefold()}"
    async with shop.acting(TECHNICIAN) as conn:
        wanted = start.Start(kind="recall", title="Flow 3", advisory_id=advisory_id, steps=("verify",), security=True)
        campaign = await start.start(shop, conn, wanted, TECHNICIAN)
    for what, which in deeds:
        with contextlib.suppress(WardbridgeError):
            await _do(shop, campaign.campaign_id, what, machines[which].device_id, which)
        found = await rematch(shop, TECHNICIAN, [advisory_id])
        await follow.follow(shop, found.advisories, TECHNICIAN)
        now, count = (
            await store.get(shop.pool, campaign.campaign_id),
            await store.account(shop.pool, campaign.campaign_id),
        )
        items = await store.items(shop.pool, campaign.campaign_id)
        assert count.total == len(items) == 4
        assert count.ended == sum(1 for one in items if one.state in ENDED)
        assert now is not None
        if now.state == "closed":
            assert all(one.state in ENDED for one in items)
            assert now.proof is not None
            assert len(now.proof["content"]["machines"]) == 4
            assert {one["side"] for one in now.proof["signatures"]} == {"biomed", "it"}


async def _do(shop: Shop, campaign_id: str, what: str, device_id: str, which: int) -> None:
    if what == "firmware":
        await change(shop, device_id, firmware=("2.0", "2.1", "1.9", "")[which])
        return
    by = OPERATOR if what == "sign" and which else NURSE if what == "free" else TECHNICIAN
    async with shop.acting(by) as conn:
        match what:
            case "affected" | "not":
                await run.decide(shop, conn, campaign_id, [device_id], what == "affected", "looked at it", by)
            case "record":
                await run.record(shop, conn, campaign_id, device_id, "verify", "looked at it", by)
            case "finish":
                await run.finish(shop, conn, campaign_id, [device_id], by)
            case "reopen":
                await run.reopen(shop, conn, campaign_id, device_id, "looked again", by)
            case "free":
                await run.free(shop, conn, campaign_id, device_id, by)
            case "sign":
                await close.sign(shop, conn, campaign_id, "it" if which else "biomed", by)
            case "close":
                await close.close(shop, conn, campaign_id, by)


CANDIDATES = st.builds(
    lambda n, verdict, decision, reopened: Candidate(
        advisory_id=A1, device_id=f"d{n}", verdict=verdict, certainty="likely", since=1, reason="why",
        decision=decision,
        decided_why="said", decided_by="Somebody" if decision != "open" else "",
        reopened="was affected" if reopened else "",
    ),
    st.integers(0, 5), st.sampled_from(["candidate", "excluded", "gone"]),
    st.sampled_from(["open", "affected", "not-affected"]), st.booleans(),
)  # fmt: skip
ITEMS = st.builds(
    lambda n, state, by: Item(campaign_id="c", device_id=f"d{n}", state=state, joined_at=1, reason="because",
                              decided_by=by),
    st.integers(0, 5), st.sampled_from(["candidate", "affected-open", "affected-done", "not-affected"]),
    st.sampled_from(["Somebody", "matching"]),
)  # fmt: skip


@given(st.lists(CANDIDATES, unique_by=lambda one: one.device_id), st.lists(ITEMS, unique_by=lambda one: one.device_id))
def test_following_loses_no_machine_and_ends_where_it_began(known: list[Candidate], items: list[Item]) -> None:
    campaign = Campaign(campaign_id="c", kind="recall", title="t", created_at=1, created_by="x", advisory_id=A1)
    before: dict[str, Any] = {one.device_id: one for one in items}
    changed = follow.changes(campaign, known, before, 5)
    after = before | {one.device_id: one for one in changed}
    assert set(before) <= set(after)
    assert {one.device_id for one in known if one.verdict != "gone"} <= set(after)
    assert follow.changes(campaign, known, after, 5) == []
    for one in after.values():
        assert one.state != "not-affected" or one.reason


@given(st.lists(CANDIDATES, unique_by=lambda one: one.device_id))
def test_matching_nothing_forgets_nothing(known: list[Candidate]) -> None:
    left = {one.device_id: one for one in known} | {one.device_id: one for one in merge({}, known, 9)}
    assert all(one.verdict == "gone" for one in left.values())
    assert {one.device_id: one.decision for one in known} == {ident: one.decision for ident, one in left.items()}
