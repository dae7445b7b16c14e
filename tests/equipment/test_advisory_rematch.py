"""Candidates in the database: kept, explained, decided, opened again when their facts change; who is on them now."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.equipment.conftest import NURSE, OPERATOR, TECHNICIAN, Stocked
from tests.equipment.feeds import csaf, kev, recall

from wardbridge.app import advisories as commands
from wardbridge.core.errors import Invalid, NotFound
from wardbridge.devices import binding, fleet
from wardbridge.devices.values import Identity
from wardbridge.equipment.advisories import letters, load, parse
from wardbridge.equipment.advisories.decide import decide
from wardbridge.equipment.advisories.pieces import Piece
from wardbridge.equipment.advisories.rematch import Rematched, rematch
from wardbridge.equipment.advisories.store import candidates, documents
from wardbridge.equipment.advisories.store.now import affected_now
from wardbridge.equipment.advisories.values import Candidate
from wardbridge.equipment.campaigns import watch
from wardbridge.equipment.register import desk
from wardbridge.equipment.shop import Shop

A1 = "csaf-cisa.gov-a-1"


async def bring(shop: Shop, *values: dict[str, Any]) -> Rematched:
    """Load documents and match."""
    pieces = [Piece(file="t", place=str(at), raw=json.dumps(value).encode()) for at, value in enumerate(values)]
    found = [one for piece in pieces for one in parse.of_piece(piece)]
    done = await load.load(shop, found, TECHNICIAN)
    assert not done.refused, done.refusals
    return await rematch(shop, TECHNICIAN)


async def of(shop: Shop, advisory_id: str = A1) -> dict[str, Candidate]:
    return {one.device_id: one for one in await candidates.of(shop.pool, [advisory_id])}


async def change(shop: Shop, device_id: str, **fields: Any) -> None:
    async with shop.acting(TECHNICIAN) as conn:
        await desk.change(shop, conn, device_id, **fields)


async def put_on_patient(shop: Shop, device_id: str, patient: str = "pat-1") -> None:
    """The machine is heard and bound by a nurse."""
    async with shop.acting(NURSE) as conn:
        await shop.record.put(conn, [{"resourceType": "Patient", "id": patient, "name": [{"family": "Secret"}]}])
        asset = await conn.fetchrow("SELECT * FROM asset WHERE device_id = $1", device_id)
        who = Identity(key=f"wire-{device_id}", manufacturer="Acme", model="Flow 3", serial=asset["serial"])
        await fleet.first_sight(shop.parts, conn, f"wire-{device_id}", "mllp", who, shop.clock.now())
        await binding.bind(shop.parts, conn, device_id, patient, by=NURSE.id)


async def test_matching_again_writes_nothing_and_a_new_version_only_what_differs(shop: Shop, stock: Stocked) -> None:
    await stock(3, firmware="2.0")
    first = await bring(shop, csaf("A-1", range_="< 2.1"))
    assert (first.candidates, first.changed, first.advisories) == (3, 3, (A1,))
    before = await of(shop)
    again = await rematch(shop, TECHNICIAN)
    assert (again.candidates, again.changed) == (3, 0)
    assert await of(shop) == before
    async with shop.acting(TECHNICIAN) as conn:
        document = await shop.record.current(conn, "DocumentReference", f"advisory-{A1}")
    assert document is not None
    assert document["masterIdentifier"]["value"] == A1


async def test_a_decision_stands_until_its_facts_change(shop: Shop, stock: Stocked) -> None:
    first, second = await stock(2, firmware="2.0")
    await bring(shop, csaf("A-1", range_="< 2.1"))
    async with shop.acting(TECHNICIAN) as conn:
        await decide(shop, conn, A1, [first.device_id], "affected", "", TECHNICIAN)
        await decide(shop, conn, A1, [second.device_id], "not-affected", "behind a firewall", TECHNICIAN)
    await bring(shop, csaf("A-1", range_="< 2.1", version="2", released="2024-05-05", title="Other words"))
    rows = await of(shop)
    assert (rows[first.device_id].decision, rows[second.device_id].decision) == ("affected", "not-affected")
    await change(shop, first.device_id, firmware="2.0.1")
    await bring(shop, csaf("A-1", range_="< 2.2", version="3", released="2024-06-05"))
    rows = await of(shop)
    assert rows[first.device_id].decision == rows[second.device_id].decision == "open"
    assert "firmware is 2.0.1 instead of 2.0" in rows[first.device_id].reopened
    assert "< 2.2" in rows[second.device_id].reopened
    assert "not-affected (Technician)" in rows[second.device_id].reopened


async def test_a_machine_that_is_updated_is_excluded_with_the_reason(shop: Shop, stock: Stocked) -> None:
    (asset,) = await stock(1, firmware="2.0")
    await bring(shop, csaf("A-1", range_="< 2.1"))
    await change(shop, asset.device_id, firmware="2.1")
    await rematch(shop, TECHNICIAN)
    row = (await of(shop))[asset.device_id]
    assert (row.verdict, row.reason) == ("excluded", "firmware 2.1 is not within < 2.1")


async def test_not_affected_needs_a_reason_and_a_candidate(shop: Shop, stock: Stocked) -> None:
    (asset,) = await stock(1, firmware="2.0")
    await bring(shop, csaf("A-1"))
    async with shop.acting(TECHNICIAN) as conn:
        with pytest.raises(Invalid):
            await decide(shop, conn, A1, [asset.device_id], "not-affected", " ", TECHNICIAN)
        with pytest.raises(NotFound):
            await decide(shop, conn, A1, ["nobody"], "affected", "", TECHNICIAN)


async def test_who_is_on_it_now_is_told_to_those_who_may_know(shop: Shop, stock: Stocked) -> None:
    first, second = await stock(2, firmware="2.0")
    await put_on_patient(shop, second.device_id)
    await bring(shop, csaf("A-1"))
    used, free = await affected_now(shop.pool, advisory_id=A1)
    assert (used.device_id, used.in_use, used.patient_id, used.bed) == (second.device_id, True, "", "02")
    assert (free.device_id, free.in_use, free.bound_since) == (first.device_id, False, 0)
    seen = (await affected_now(shop.pool, advisory_id=A1, patients=True))[0]
    assert (seen.patient_id, seen.bound_since) == ("pat-1", shop.clock.now())


async def test_lines_of_the_command_name_machines_places_and_use_but_no_patient(shop: Shop, stock: Stocked) -> None:
    first, second = await stock(2, firmware="2.0", os="Windows 10")
    await put_on_patient(shop, first.device_id)
    await bring(shop, csaf("A-1", cve="CVE-2024-1001"), recall("Z-1", code_info="Lot 55512"), kev("CVE-2024-1001"),
                recall("Z-2", recalling_firm="Other", product_description="Chair"))  # fmt: skip
    await watch.update(shop, TECHNICIAN)
    lines = {line["number"]: line async for line in commands.lines(shop)}
    assert set(lines) == {"A-1", "Z-1", "CVE-2024-1001"}
    used = next(row for row in lines["A-1"]["devices"] if row["device"] == first.device_id)
    assert (used["in_use"], used["ward"], used["bed"], used["certainty"]) == (True, "ICU", "01", "likely")
    assert (bool(used["why"]), lines["A-1"]["kev"]) == (True, True)
    assert {row["device"] for row in lines["CVE-2024-1001"]["devices"]} == {first.device_id, second.device_id}
    assert lines["CVE-2024-1001"]["devices"][0]["why"] == ["it runs Windows 10"]
    text = "".join(commands.line_of(line, as_json=True) for line in lines.values())
    assert "pat-1" not in text
    assert "patient" not in text.casefold().replace("patient monitor", "")
    assert "in use" in commands.line_of(lines["A-1"], as_json=False)


async def test_a_letter_is_kept_with_its_file_and_matched_by_what_was_typed(shop: Shop, stock: Stocked) -> None:
    first, second = await stock(2)
    typed = letters.Letter(publisher="Acme Medical Inc.", title="Batteries of Flow 3", number="FSN-7", product="Flow 3",
                           serials=first.serial, remedy="Change the battery")  # fmt: skip
    async with shop.acting(TECHNICIAN) as conn:
        ident = await letters.add(shop, conn, typed, ("letter.pdf", b"%PDF-1.7 text"), TECHNICIAN)
        with pytest.raises(Invalid):
            await letters.add(shop, conn, typed, ("letter.pdf", b"MZ"), TECHNICIAN)
    await rematch(shop, TECHNICIAN)
    rows = await of(shop, ident)
    assert (rows[first.device_id].verdict, rows[first.device_id].certainty) == ("candidate", "certain")
    other = rows[second.device_id]
    assert (other.verdict, other.reason) == ("excluded", f"serial number {second.serial} not listed")
    found = await documents.one(shop.pool, ident)
    assert found is not None
    async with shop.acting(OPERATOR) as conn:
        reference = await shop.record.current(conn, "DocumentReference", f"advisory-{ident}")
        assert reference is not None
        url = reference["content"][0]["attachment"]["url"]
        assert await shop.record.current(conn, "Binary", url.removeprefix("Binary/"))


async def test_the_sites_own_names_of_makers_count(shop: Shop, stock: Stocked) -> None:
    await stock(1, firmware="2.0")
    assert (await bring(shop, csaf("A-1", vendor="Flowtech Holdings"))).candidates == 0
    async with shop.acting(TECHNICIAN) as conn:
        await documents.put_alias(conn, "flowtech", "acme")
    assert (await rematch(shop, TECHNICIAN)).candidates == 1
