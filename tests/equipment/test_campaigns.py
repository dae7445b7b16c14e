"""Campaigns: every machine comes to an end, those on patients first; nothing closes with an open one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.equipment.conftest import NURSE, OPERATOR, TECHNICIAN, Stocked
from tests.equipment.feeds import csaf
from tests.equipment.test_advisory_rematch import A1, bring, change, of, put_on_patient

from wardbridge.core.errors import Conflict, Forbidden, Invalid, NotFound
from wardbridge.equipment.advisories.rematch import rematch
from wardbridge.equipment.advisories.store.now import affected_now
from wardbridge.equipment.campaigns import about, close, follow, resources, run, start, store, watch
from wardbridge.equipment.campaigns.values import Campaign
from wardbridge.equipment.register.store import assets
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work import desk as work


async def opened(shop: Shop, **fields: Any) -> Campaign:
    async with shop.acting(TECHNICIAN) as conn:
        wanted = start.Start(**{"kind": "recall", "title": "Flow 3 speaks to anyone", "advisory_id": A1} | fields)
        return await start.start(shop, conn, wanted, TECHNICIAN)


async def states(shop: Shop, campaign: Campaign) -> dict[str, str]:
    return {one.device_id: one.state for one in await store.items(shop.pool, campaign.campaign_id)}


async def decided(shop: Shop, campaign: Campaign, *ids: str, affected: bool, reason: str = "") -> None:
    async with shop.acting(TECHNICIAN) as conn:
        await run.decide(shop, conn, campaign.campaign_id, ids, affected, reason, TECHNICIAN)


async def test_the_whole_story_of_a_recall(shop: Shop, stock: Stocked) -> None:
    first, second, third = await stock(3, firmware="2.0")
    await change(shop, third.device_id, firmware="2.1")
    await put_on_patient(shop, second.device_id)
    await bring(shop, csaf("A-1", range_="< 2.1"))
    campaign = await opened(shop, target=">= 2.1", remedy="Update to 2.1", security=True)
    ident = campaign.campaign_id
    assert await states(shop, campaign) == {first.device_id: "candidate", second.device_id: "candidate",
                                            third.device_id: "not-affected"}  # fmt: skip
    row = next(one for one in await store.items(shop.pool, ident) if one.device_id == third.device_id)
    assert (row.reason, row.decided_by) == ("firmware 2.1 is not within < 2.1", "matching")
    assert (await affected_now(shop.pool, campaign_id=ident))[0].device_id == second.device_id
    await decided(shop, campaign, first.device_id, second.device_id, affected=True)
    assert (await of(shop))[first.device_id].decision == "affected"

    async with shop.acting(TECHNICIAN) as conn:
        assert await run.order(shop, conn, ident, [first.device_id, second.device_id], TECHNICIAN) == 2
        assert await run.ask(shop, conn, ident, [first.device_id, second.device_id], "Please free it", TECHNICIAN) == 1
        assert await run.verify_wire(shop, conn, ident, TECHNICIAN) == []
        with pytest.raises(Conflict, match="still missing: work, verify, off the patient"):
            await run.finish(shop, conn, ident, [second.device_id], TECHNICIAN)
        with pytest.raises(Forbidden):
            await run.free(shop, conn, ident, second.device_id, TECHNICIAN)
    async with shop.acting(NURSE) as conn:
        await run.free(shop, conn, ident, second.device_id, NURSE, replaced_by=third.tag, note="swapped at 09:40")
        task = await shop.record.current(conn, "Task", f"free-{resources.short(ident, second.device_id)}")
    assert task is not None
    assert (task["status"], task["owner"]["display"]) == ("completed", "ICU")
    step = next(one for one in await store.steps(shop.pool, ident) if one.step == "free")
    assert (step.person_id, step.detail["replaced_by"]) == (NURSE.id, third.device_id)
    assert not (await affected_now(shop.pool, campaign_id=ident))[0].in_use

    for asset in (first, second):
        item = next(one for one in await store.items(shop.pool, ident) if one.device_id == asset.device_id)
        async with shop.acting(TECHNICIAN) as conn:
            await work.take(shop, conn, item.work_id, TECHNICIAN)
            await work.resolve(shop, conn, item.work_id, "updated", TECHNICIAN)
    with pytest.raises(Invalid, match=r"runs 2\.0, not >= 2\.1"):
        async with shop.acting(TECHNICIAN) as conn:
            await run.record(shop, conn, ident, first.device_id, "verify", "looked", TECHNICIAN)
    await change(shop, first.device_id, firmware="2.1", source="wire")
    await change(shop, second.device_id, firmware="2.1")
    async with shop.acting(TECHNICIAN) as conn:
        assert await run.verify_wire(shop, conn, ident, TECHNICIAN) == sorted([first.device_id, second.device_id])
        notes = {one.device_id: one.note for one in await store.steps(conn, ident) if one.step == "verify"}
        assert notes[first.device_id] == "on the wire: firmware is 2.1"
        assert notes[second.device_id] == "in the register: firmware is 2.1"
        with pytest.raises(Conflict, match="2 machines are still open"):
            await close.close(shop, conn, ident, TECHNICIAN)
        await run.finish(shop, conn, ident, [first.device_id, second.device_id], TECHNICIAN)
        with pytest.raises(Conflict, match="signature of biomed and of it"):
            await close.close(shop, conn, ident, TECHNICIAN)
        await close.sign(shop, conn, ident, "biomed", TECHNICIAN)
    async with shop.acting(OPERATOR) as conn:
        await close.sign(shop, conn, ident, "it", OPERATOR)
        done = await close.close(shop, conn, ident, OPERATOR)
        issue = await shop.record.current(conn, "DetectedIssue", f"campaign-{resources.short(ident)}")
        task = await shop.record.current(conn, "Task", f"item-{resources.short(ident, third.device_id)}")
    assert done.proof is not None
    assert done.proof["counts"] == {"total": 3, "done": 2, "not_affected": 1}
    assert {one["side"] for one in done.proof["signatures"]} == {"biomed", "it"}
    ends = [one["end"] for one in done.proof["content"]["machines"]]
    assert ends == ["affected-done", "affected-done", "not-affected"]
    assert issue is not None
    assert (issue["status"], len(issue["implicated"]), issue["reference"]) == ("final", 3, "https://example.org/A-1")
    assert task is not None
    assert (task["status"], task["businessStatus"]["text"]) == ("rejected", "not affected")
    shown = await about.about(shop.pool, first.device_id)
    assert (len(shown.concerns), len(shown.campaigns)) == (1, 1)
    kinds = [one.text for one in await about.events(shop.pool, second.device_id)]
    assert any("taken off the patient" in text for text in kinds)
    # What was remedied no longer matches, and the campaign stays closed.
    found = await rematch(shop, TECHNICIAN)
    assert await follow.follow(shop, found.advisories, TECHNICIAN) <= 1
    again = await store.get(shop.pool, ident)
    assert again is not None
    assert again.state == "closed"


async def test_new_machines_join_while_it_is_open_and_open_it_again(shop: Shop, stock: Stocked) -> None:
    (first,) = await stock(1, firmware="2.0")
    await bring(shop, csaf("A-1"))
    campaign = await opened(shop)
    await decided(shop, campaign, first.device_id, affected=False, reason="not connected")
    async with shop.acting(TECHNICIAN) as conn:
        await close.close(shop, conn, campaign.campaign_id, TECHNICIAN)
    with pytest.raises(Conflict):
        await decided(shop, campaign, first.device_id, affected=True)
    (other,) = await stock(1, model_id="model-2", name="Flow 3 S", firmware="1.0")
    found = await bring(shop, csaf("A-1", version="2", released="2024-09-09"))
    assert await follow.follow(shop, found.advisories, TECHNICIAN) == 1
    assert await states(shop, campaign) == {first.device_id: "not-affected", other.device_id: "candidate"}
    now = await store.get(shop.pool, campaign.campaign_id)
    assert now is not None
    assert (now.state, now.proof, now.digest) == ("open", None, "")
    assert {"opened", "closed", "reopened", "joined", "document"} <= {
        one.kind for one in await store.notes(shop.pool, campaign.campaign_id)
    }


async def test_changed_facts_open_a_machine_again_and_void_its_steps(shop: Shop, stock: Stocked) -> None:
    (first,) = await stock(1, firmware="2.0")
    await bring(shop, csaf("A-1", range_="< 2.1"))
    campaign = await opened(shop, steps=("verify",))
    await decided(shop, campaign, first.device_id, affected=True)
    async with shop.acting(TECHNICIAN) as conn:
        await run.record(shop, conn, campaign.campaign_id, first.device_id, "verify", "seen", TECHNICIAN)
        await run.finish(shop, conn, campaign.campaign_id, [first.device_id], TECHNICIAN)
    found = await bring(shop, csaf("A-1", range_="< 3.0", version="2", released="2024-09-09"))
    await follow.follow(shop, found.advisories, TECHNICIAN)
    (item,) = await store.items(shop.pool, campaign.campaign_id)
    assert (item.state, "< 3.0" in item.reopened) == ("candidate", True)
    assert await store.steps(shop.pool, campaign.campaign_id) == []
    assert len(await store.steps(shop.pool, campaign.campaign_id, void=True)) == 1


async def test_a_machine_in_use_is_not_done_and_a_replacement_is_not_one_of_them(shop: Shop, stock: Stocked) -> None:
    first, second = await stock(2, firmware="2.0")
    await put_on_patient(shop, first.device_id)
    await bring(shop, csaf("A-1"))
    campaign = await opened(shop, steps=("verify",))
    await decided(shop, campaign, first.device_id, affected=True)
    async with shop.acting(NURSE) as conn:
        with pytest.raises(Invalid):
            await run.free(shop, conn, campaign.campaign_id, first.device_id, NURSE, replaced_by=second.tag)
        with pytest.raises(Invalid):
            await run.free(shop, conn, campaign.campaign_id, first.device_id, NURSE, replaced_by="no such number")
        with pytest.raises(NotFound):
            await run.free(shop, conn, campaign.campaign_id, "nobody", NURSE)
    async with shop.acting(TECHNICIAN) as conn:
        await run.record(shop, conn, campaign.campaign_id, first.device_id, "verify", "seen", TECHNICIAN)
        with pytest.raises(Conflict, match="off the patient"):
            await run.finish(shop, conn, campaign.campaign_id, [first.device_id], TECHNICIAN)


async def test_quarantine_and_back(shop: Shop, stock: Stocked) -> None:
    (first,) = await stock(1, firmware="2.0")
    await bring(shop, csaf("A-1"))
    campaign = await opened(shop, steps=("quarantine", "verify"))
    await decided(shop, campaign, first.device_id, affected=True)
    async with shop.acting(TECHNICIAN) as conn:
        assert await run.quarantine(shop, conn, campaign.campaign_id, [first.device_id], TECHNICIAN) == 1
        assert [one.state for one in await assets(conn, [first.device_id])] == ["recalled"]
        await run.record(shop, conn, campaign.campaign_id, first.device_id, "verify", "seen", TECHNICIAN,
                         ("photo.png", "image/png", b"\x89PNG data"))  # fmt: skip
        await run.finish(shop, conn, campaign.campaign_id, [first.device_id], TECHNICIAN)
        assert [one.state for one in await assets(conn, [first.device_id])] == ["in-service"]


async def test_one_open_campaign_an_advisory_and_campaigns_by_hand(shop: Shop, stock: Stocked) -> None:
    first, second = await stock(2, firmware="2.0")
    await bring(shop, csaf("A-1"))
    await opened(shop)
    with pytest.raises(Conflict):
        await opened(shop)
    by_hand = await opened(shop, kind="hand", advisory_id=None, devices={first.device_id: ("same batch",)})
    async with shop.acting(TECHNICIAN) as conn:
        more = {first.device_id: ("again",), second.device_id: ("same batch",)}
        assert await start.add(shop, conn, by_hand.campaign_id, more, TECHNICIAN) == 1
        with pytest.raises(NotFound):
            await opened(shop, kind="hand", advisory_id=None, devices={"nobody": ()})
        with pytest.raises(Invalid):
            await opened(shop, kind="hand", advisory_id=None)
    assert len(await store.listed(shop.pool, "open")) == 2


async def test_the_database_itself_refuses_to_close_with_an_open_machine(shop: Shop, stock: Stocked) -> None:
    first, second = await stock(2, firmware="2.0")
    await bring(shop, csaf("A-1"))
    campaign = await opened(shop)
    forced = "UPDATE campaign SET state = 'closed', closed_at = 1, closed_by = 'x', proof = '{}', digest = 'x'"
    with pytest.raises(Exception, match="open machines"):
        async with shop.acting(TECHNICIAN) as conn:
            await conn.execute(forced)
    await decided(shop, campaign, first.device_id, second.device_id, affected=False, reason="not connected")
    async with shop.acting(TECHNICIAN) as conn:
        await close.close(shop, conn, campaign.campaign_id, TECHNICIAN)
    for statement in ("UPDATE campaign_item SET state = 'candidate', decided_by = ''", "DELETE FROM campaign_item",
                      "UPDATE campaign_item SET campaign_id = campaign_id || 'x'"):  # fmt: skip
        with pytest.raises(Exception, match=r"closed|leaves a campaign"):
            async with shop.acting(TECHNICIAN) as conn:
                await conn.execute(statement)


async def test_closing_and_joining_at_the_same_time(shop: Shop, stock: Stocked) -> None:
    first, second = await stock(2, firmware="2.0")
    campaign = await opened(shop, kind="hand", advisory_id=None, devices={first.device_id: ("x",)})
    await decided(shop, campaign, first.device_id, affected=False, reason="not connected")

    async def end() -> None:
        async with shop.acting(TECHNICIAN) as conn:
            await close.close(shop, conn, campaign.campaign_id, TECHNICIAN)

    async def join() -> None:
        async with shop.acting(OPERATOR) as conn:
            await start.add(shop, conn, campaign.campaign_id, {second.device_id: ("late",)}, OPERATOR)

    await asyncio.gather(end(), join(), return_exceptions=True)
    now, count = await store.get(shop.pool, campaign.campaign_id), await store.account(shop.pool, campaign.campaign_id)
    assert now is not None
    assert now.state == "open" or (count.candidate == count.open == 0)


async def test_the_watch_matches_only_when_something_that_matters_changed(shop: Shop, stock: Stocked) -> None:
    (first,) = await stock(1, firmware="2.0")
    await bring(shop, csaf("A-1", range_="< 2.1"))
    campaign = await opened(shop, target=">= 2.1")
    await decided(shop, campaign, first.device_id, affected=True)
    keeper = watch.Watch(shop)
    assert [await keeper.look(), await keeper.look()] == [True, False]
    await change(shop, first.device_id, note="dusty")
    assert not await keeper.look()
    await change(shop, first.device_id, firmware="2.1", source="wire")
    assert await keeper.look()
    assert (await of(shop))[first.device_id].verdict == "excluded"
    (step,) = await store.steps(shop.pool, campaign.campaign_id)
    assert (step.step, step.note) == ("verify", "on the wire: firmware is 2.1")
    assert await states(shop, campaign) == {first.device_id: "affected-open"}


async def test_a_campaign_for_a_cve_over_machines_that_others_found(shop: Shop, stock: Stocked) -> None:
    first, second = await stock(2)
    why = {one.device_id: ("openssl 1.0.2 in its SBOM",) for one in (first, second)}
    fields = {"kind": "cve", "cve": "CVE-2024-1000", "advisory_id": None, "devices": why, "security": True}
    campaign = await opened(shop, **fields)
    with pytest.raises(Conflict):
        await opened(shop, **fields)
    rows = await affected_now(shop.pool, campaign_id=campaign.campaign_id)
    assert [row.why for row in rows] == [("openssl 1.0.2 in its SBOM",)] * 2
    await decided(shop, campaign, first.device_id, second.device_id, affected=True)
    async with shop.acting(TECHNICIAN) as conn:
        await run.order(shop, conn, campaign.campaign_id, [first.device_id, second.device_id], TECHNICIAN)
        await run.order(shop, conn, campaign.campaign_id, [first.device_id], TECHNICIAN)
    orders = await shop.pool.fetch("SELECT source, kind, side FROM work WHERE source_id = $1", campaign.campaign_id)
    assert [tuple(row) for row in orders] == [("cve", "security", "both")] * 2
