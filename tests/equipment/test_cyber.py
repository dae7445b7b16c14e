"""SBOMs, feeds and judgements in the database: who is exposed now, and what people and makers say of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.equipment.conftest import OPERATOR, TECHNICIAN, Stocked
from tests.equipment.test_account import differences

from wardbridge.core.clock import DAY, FakeClock
from wardbridge.core.errors import Conflict, Forbidden, Invalid, NotFound
from wardbridge.equipment.cyber import desk, load
from wardbridge.equipment.cyber.exposure import Exposed, exposed_now, named, overview
from wardbridge.equipment.cyber.rematch import keep, rematch
from wardbridge.equipment.cyber.store import sboms, zones
from wardbridge.equipment.cyber.store.zones import Zone
from wardbridge.equipment.register import desk as register
from wardbridge.equipment.register.values import Interface
from wardbridge.equipment.shop import Shop

LIB = "pkg:maven/org.example/parser@1.4.0"
CVE = "CVE-2024-10001"


def bom(version: str = "1.4.0", **more: Any) -> bytes:
    """A bill of a pump with two parts."""
    return json.dumps({
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "serialNumber": "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79",
        "metadata": {"component": {"type": "firmware", "name": "Flow 3", "version": "2.1", "bom-ref": "top"}},
        "components": [
            {"type": "library", "bom-ref": "lib", "name": "parser", "group": "org.example", "version": version,
             "purl": f"pkg:maven/org.example/parser@{version}", "hashes": [{"alg": "SHA-1", "content": "00" * 20}]},
            {"type": "operating-system", "name": "linux_kernel", "version": "4.9.1",
             "cpe": "cpe:2.3:o:linux:linux_kernel:4.9.1:*:*:*:*:*:*:*",
             "properties": [{"name": "fda:supportLevel", "value": "abandoned"},
                            {"name": "fda:endOfSupport", "value": "2023-01-31"}]},
            {"type": "library", "version": "1"},
        ], **more,
    }).encode()  # fmt: skip


def osv(cve: str = CVE, fixed: str = "1.4.2") -> tuple[str, bytes]:
    record = {
        "id": f"GHSA-{cve}", "aliases": [cve], "modified": "2024-05-01T00:00:00Z", "schema_version": "1.6.0",
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        "affected": [{"package": {"ecosystem": "Maven", "name": "org.example:parser"},
                      "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "1.0"}, {"fixed": fixed}]}]}],
    }  # fmt: skip
    return "osv.json", json.dumps(record).encode()


async def exposed(shop: Shop, cve: str = CVE, **more: Any) -> list[Exposed]:
    return await exposed_now(shop.pool, cve, shop.clock.now(), **more)


async def loaded(shop: Shop, cve: str = CVE) -> None:
    await load.load_flaws(shop, [osv(cve)], OPERATOR)


async def with_bom(shop: Shop, sent: bytes | None = None, version: str = "") -> desk.Put:
    async with shop.acting(TECHNICIAN) as conn:
        return await desk.add_sbom(shop, conn, "model-1", sent or bom(), TECHNICIAN, version=version)


async def test_a_bill_is_read_kept_and_served(shop: Shop, stock: Stocked) -> None:
    await stock(1)
    put = await with_bom(shop)
    assert (put.components, [one.where for one in put.refused]) == (2, ["components[2].name"])
    root, parser, kernel = await sboms.components(shop.pool, put.ident)
    assert (root.n, root.name, parser.more["hashes"][0]["alg"]) == (0, "Flow 3", "SHA-1")
    assert (kernel.support, kernel.support_ends) == ("abandoned", 1_675_123_200_000_000)
    assert [row["name"] for row in await sboms.ending(shop.pool, shop.clock.now())] == ["linux_kernel"]
    async with shop.acting(TECHNICIAN) as conn:
        reference = await shop.record.current(conn, "DocumentReference", put.ident)
        binary = await shop.record.current(conn, "Binary", put.ident)
    assert reference is not None
    assert binary is not None
    assert reference["context"]["related"] == [{"reference": "DeviceDefinition/model-1"}]
    assert (await with_bom(shop)).again


async def test_a_new_bill_takes_the_place_of_the_old_one_which_stays(shop: Shop, stock: Stocked) -> None:
    await stock(1)
    first = await with_bom(shop)
    await loaded(shop)
    assert len(await exposed(shop)) == 1
    second = await with_bom(shop, bom("1.4.2"))
    new, old = await sboms.of_model(shop.pool, "model-1")
    assert (new.sbom_id, new.superseded_by, old.superseded_by) == (second.ident, None, second.ident)
    assert await exposed(shop) == []
    async with shop.acting(TECHNICIAN) as conn:
        reference = await shop.record.current(conn, "DocumentReference", first.ident)
    assert reference is not None
    assert reference["status"] == "superseded"


@pytest.mark.parametrize("bill_first", [True, False])
async def test_it_does_not_matter_what_comes_first(shop: Shop, stock: Stocked, bill_first: bool) -> None:
    await stock(2)
    if bill_first:
        await with_bom(shop)
        await loaded(shop)
    else:
        await loaded(shop)
        await with_bom(shop)
    found = await exposed(shop)
    assert {one.device_id for one in found} == {"model-1-dev-1", "model-1-dev-2"}
    why = found[0].verdict.row.why[0]
    assert (found[0].verdict.row.via, found[0].verdict.row.fixed, why["range"]) == ("purl", "1.4.2", "≥ 1.0, < 1.4.2")
    assert "parser 1.4.0" in why["item"]
    by_alias = await exposed(shop, f"GHSA-{CVE}")
    assert len(by_alias) == 2


async def test_a_machines_own_version_is_matched_and_followed(shop: Shop, stock: Stocked) -> None:
    first, second = await stock(2, firmware="2.0")
    async with shop.acting(TECHNICIAN) as conn:
        await desk.name_model(shop, conn, "model-1", "cpe:2.3:h:acme:flow_3:-:*:*:*:*:*:*:*")
    node = {"operator": "AND", "nodes": [
        {"operator": "OR", "cpeMatch": [{"vulnerable": True, "versionEndExcluding": "2.1",
                                         "criteria": "cpe:2.3:o:acme:flow_3_firmware:*:*:*:*:*:*:*:*"}]},
        {"operator": "OR", "cpeMatch": [{"vulnerable": False, "criteria": "cpe:2.3:h:acme:flow_3:-:*:*:*:*:*:*:*"}]},
    ]}  # fmt: skip
    record = {"vulnerabilities": [{"cve": {"id": "CVE-2024-2", "configurations": [node]}}]}
    done = await load.load_flaws(shop, [("nvd.json", json.dumps(record).encode())], OPERATOR)
    assert done.matched is not None
    assert done.matched.findings == 1
    async with shop.acting(TECHNICIAN) as conn:
        await register.change(shop, conn, first.device_id, firmware="2.1")
    # The new build was not looked at yet, and the old one is that of the other machine alone.
    assert {one.device_id for one in await exposed(shop, "CVE-2024-2")} == {second.device_id}
    matched = await keep(shop)
    assert matched is not None
    assert await keep(shop) is None
    assert {one.device_id for one in await exposed(shop, "CVE-2024-2")} == {second.device_id}


async def test_a_statement_that_comes_before_everything_hides_what_is_found_later(shop: Shop, stock: Stocked) -> None:
    await stock(1)
    vex = {"@context": "https://openvex.dev/ns/v0.2.0", "@id": "urn:x", "author": "Acme", "version": 1,
           "timestamp": "2024-06-01T00:00:00Z", "statements": [
               {"vulnerability": {"name": CVE}, "products": [{"@id": LIB}], "status": "not_affected",
                "justification": "vulnerable_code_not_present"}]}  # fmt: skip
    async with shop.acting(OPERATOR) as conn:
        assert (await desk.add_vex(shop, conn, json.dumps(vex).encode(), OPERATOR)).statements == 1
    await loaded(shop)
    await with_bom(shop)
    assert await exposed(shop) == []
    (hidden,) = await exposed(shop, everything=True)
    assert (hidden.verdict.state, hidden.verdict.words, hidden.verdict.by) == (
        "not_affected", "vulnerable_code_not_present", "Acme")  # fmt: skip


async def test_triage_outlives_a_new_bill_until_its_range_is_left(shop: Shop, stock: Stocked) -> None:
    await stock(1)
    await with_bom(shop)
    await loaded(shop)
    async with shop.acting(OPERATOR) as conn:
        await desk.judge(shop, conn, OPERATOR, cve=CVE, model_id="model-1", family="org.example/parser",
                         state="not_affected", justification="code_not_reachable",
                         versions="vers:maven/<1.4.1")  # fmt: skip
    assert await exposed(shop) == []
    await with_bom(shop, bom("1.3.9"))
    assert await exposed(shop) == []
    await with_bom(shop, bom("1.4.1"))
    (again,) = await exposed(shop)
    assert "outside" in again.verdict.standing.reopened


async def test_an_accepted_risk_needs_both_sides_and_ends(shop: Shop, stock: Stocked, clock: FakeClock) -> None:
    await stock(1)
    await with_bom(shop)
    await loaded(shop)
    until = clock.now() + 30 * DAY
    async with shop.acting(OPERATOR) as conn:
        one = await desk.judge(shop, conn, OPERATOR, cve=CVE, model_id="model-1", family="org.example/parser",
                               state="accepted", note="behind the firewall", until=until)  # fmt: skip
    (waiting,) = await exposed_now(shop.pool, CVE, clock.now())
    assert waiting.verdict.standing.waiting == ("biomed",)
    async with shop.acting(TECHNICIAN) as conn:
        with pytest.raises(Forbidden):
            await desk.sign_triage(shop, conn, one.triage_id, "it", TECHNICIAN)
        await desk.sign_triage(shop, conn, one.triage_id, "biomed", TECHNICIAN)
    assert await exposed_now(shop.pool, CVE, clock.now()) == []
    (ended,) = await exposed_now(shop.pool, CVE, until)
    assert ended.verdict.standing.reopened == "its time is over"


async def test_a_known_exploit_opens_an_old_judgement_again(shop: Shop, stock: Stocked) -> None:
    await stock(1)
    await with_bom(shop)
    await loaded(shop)
    async with shop.acting(OPERATOR) as conn:
        await desk.judge(shop, conn, OPERATOR, cve=CVE, model_id="model-1", family="org.example/parser",
                         state="not_affected", justification="code_not_reachable")  # fmt: skip
    assert await exposed(shop) == []
    async with shop.acting(OPERATOR) as conn:
        await conn.execute(
            """INSERT INTO advisory (advisory_id, kind, number, publisher, title, digest, loaded_at)
               VALUES ('kev-1', 'kev', $1, 'CISA', 'x', '', 0)""", CVE)  # fmt: skip
        await conn.execute(
            "INSERT INTO advisory_cve (advisory_id, cve, kev, due, ransomware) VALUES ('kev-1', $1, true, 5, true)", CVE
        )
    (again,) = await exposed(shop)
    assert "exploited" in again.verdict.standing.reopened
    (line,) = await overview(shop.pool, shop.clock.now())
    assert (line.fact.kev, line.fact.due, line.fact.ransomware, line.devices) == (True, 5, True, 1)


async def test_scores_of_an_older_day_and_older_records_change_nothing(shop: Shop, stock: Stocked) -> None:
    await stock(1)
    await with_bom(shop)
    await loaded(shop)
    text = "#model_version:v2025.03.14,score_date:2026-11-{}T00:00:00+0000\ncve,epss,percentile\n{},{},0.9\nnonsense\n"
    new = await load.load_epss(shop, text.format("20", CVE, "0.5").encode(), OPERATOR)
    assert (new.read, new.changed, new.refused[0].where) == (1, 1, "line 4")
    assert (await load.load_epss(shop, text.format("19", CVE, "0.1").encode(), OPERATOR)).changed == 0
    (line,) = await overview(shop.pool, shop.clock.now())
    assert line.fact.epss == pytest.approx(0.5)
    assert line.fact.cvss == pytest.approx(9.8)
    older = json.loads(osv()[1]) | {"modified": "2020-01-01T00:00:00Z", "affected": []}
    assert (await load.load_flaws(shop, [("old.json", json.dumps(older).encode())], OPERATOR)).changed == 0
    with pytest.raises(Invalid, match="#model_version"):
        await load.load_epss(shop, b"cve,epss,percentile\n", OPERATOR)


async def test_a_withdrawn_record_takes_its_findings_away(shop: Shop, stock: Stocked) -> None:
    await stock(1)
    await with_bom(shop)
    await loaded(shop)
    gone = json.loads(osv()[1]) | {"modified": "2026-01-01T00:00:00Z", "withdrawn": "2026-01-01T00:00:00Z"}
    done = await load.load_flaws(shop, [("gone.json", json.dumps(gone).encode())], OPERATOR)
    assert done.matched is not None
    assert done.matched.gone == 1
    assert await exposed(shop, everything=True) == []


async def test_zone_and_control_change_the_exposure(shop: Shop, stock: Stocked) -> None:
    (asset,) = await stock(1, criticality="high")
    await with_bom(shop)
    await loaded(shop)
    (plain,) = await exposed(shop)
    async with shop.acting(OPERATOR) as conn:
        await desk.put_zone(shop, conn, Zone(zone="infusion", level=3, exposure="clinical"))
        await register.connect(shop, conn, [Interface(interface_id="i", device_id=asset.device_id, zone="infusion")])
    (zoned,) = await exposed(shop)
    async with shop.acting(OPERATOR) as conn:
        control = await desk.add_control(shop, conn, OPERATOR, name="deny inbound", effect="blocks", zone="infusion",
                                         owner="network team", evidence="rule 17",
                                         until=shop.clock.now() + DAY)  # fmt: skip
    (behind,) = await exposed(shop)
    assert plain.priority.value > zoned.priority.value > behind.priority.value
    assert "a control blocks it" in [term.name for term in behind.priority.terms]
    (row,) = await zones.exposure(shop.pool)
    assert (row["zone"], row["devices"], row["critical"]) == ("infusion", 1, 1)
    async with shop.acting(OPERATOR) as conn:
        await desk.end_control(shop, conn, control.control_id)
        with pytest.raises(Conflict):
            await desk.end_control(shop, conn, control.control_id)
    (open_again,) = await exposed(shop)
    assert open_again.priority.value == zoned.priority.value
    (seat,) = await zones.seats(shop.pool)
    assert (seat.zone, seat.devices, seat.answers) == ("infusion", 1, None)


async def test_what_an_advisory_says_in_words_counts_where_no_identity_matched(shop: Shop, stock: Stocked) -> None:
    first, second = await stock(2)
    async with shop.acting(OPERATOR) as conn:
        await conn.execute(
            """INSERT INTO advisory (advisory_id, kind, number, publisher, title, digest, loaded_at)
               VALUES ('a', 'csaf', 'ICSMA-1', 'CISA', 'x', '', 0)"""
        )
        await conn.execute("INSERT INTO advisory_cve (advisory_id, cve, cvss) VALUES ('a', $1, 9.1)", CVE)
        await conn.executemany(
            """INSERT INTO advisory_candidate (advisory_id, device_id, verdict, certainty, why, since, decision,
                                               decided_why) VALUES ('a', $1, 'candidate', 'likely', $2, 5, $3, $4)""",
            [(first.device_id, ["Acme Flow 3"], "open", ""), (second.device_id, [], "not-affected", "other lot")],
        )
    (one,) = await exposed(shop)
    assert (one.device_id, one.verdict.row.via, one.verdict.row.sure) == (first.device_id, "advisory", False)
    assert one.verdict.row.why == [{"advisory": "ICSMA-1", "words": "Acme Flow 3"}]
    (line,) = await named(shop.pool, await overview(shop.pool, shop.clock.now(), text="flow"))
    assert (line.fact.cve, line.devices, line.models, line.fact.cvss) == (CVE, 1, ("Acme Flow 3",), pytest.approx(9.1))
    assert await overview(shop.pool, shop.clock.now(), text="nothing") == []
    assert await overview(shop.pool, shop.clock.now(), device_id=second.device_id) == []
    async with shop.acting(OPERATOR) as conn:
        await desk.judge(shop, conn, OPERATOR, cve=CVE, model_id="model-1", family="product", state="resolved",
                         note="patched in May")  # fmt: skip
    assert await exposed(shop) == []
    (line,) = await overview(shop.pool, shop.clock.now())
    assert (line.open, line.closed, line.states) == (False, 1, ("resolved",))
    await with_bom(shop)
    await loaded(shop)
    assert {one.verdict.row.via for one in await exposed(shop)} == {"purl"}


async def test_a_full_match_changes_nothing_when_nothing_changed(shop: Shop, stock: Stocked) -> None:
    await stock(2)
    await with_bom(shop)
    await loaded(shop)
    async with shop.acting(OPERATOR) as conn:
        done = await rematch(shop, conn)
    assert (done.findings, done.written, done.gone) == (1, 0, 0)


async def test_every_change_of_its_tables_is_in_the_account(shop: Shop, stock: Stocked) -> None:
    (asset,) = await stock(1, firmware="2.0")
    vex = {"@context": "https://openvex.dev/ns/v0.2.0", "@id": "urn:x", "author": "Acme", "version": 1, "statements": [
        {"vulnerability": {"name": CVE}, "products": [{"@id": LIB}], "status": "affected"}]}  # fmt: skip
    await with_bom(shop)
    await loaded(shop)
    async with shop.acting(OPERATOR, "a busy day") as conn:
        await desk.add_vex(shop, conn, json.dumps(vex).encode(), OPERATOR)
        await desk.add_mds2(shop, conn, "model-1", b"id,answer\nMPII-2.2,Yes\n", OPERATOR)
        await desk.name_model(shop, conn, "model-1", "cpe:2.3:h:acme:flow_3:-:*:*:*:*:*:*:*")
        await desk.put_zone(shop, conn, Zone(zone="a", level=1, exposure="clinical"))
        await desk.put_zone(shop, conn, Zone(zone="b", level=2, exposure="hospital"))
        way = await desk.put_conduit(shop, conn, "a", "b", service="", purpose="charts", level=1)
        await desk.drop_conduit(shop, conn, way.conduit_id)
        await desk.judge(shop, conn, OPERATOR, cve=CVE, model_id="model-1", family="org.example/parser",
                         state="exploitable")  # fmt: skip
        await register.change(shop, conn, asset.device_id, firmware="2.1")
    await with_bom(shop, bom("1.4.2"))
    assert await differences(shop.pool) == []
    for table in ("epss", "vulnerability", "component"):
        with pytest.raises(Exception, match="without an actor"):
            await shop.pool.execute(f"DELETE FROM {table}")


async def test_what_does_not_exist_is_said(shop: Shop, stock: Stocked) -> None:
    await stock(1)
    async with shop.acting(OPERATOR) as conn:
        with pytest.raises(NotFound):
            await desk.add_sbom(shop, conn, "nobody", bom(), OPERATOR)
        with pytest.raises(Invalid, match="vendor and product"):
            await desk.name_model(shop, conn, "model-1", "cpe:2.3:a:*:flow:*:*:*:*:*:*:*:*")
        with pytest.raises(NotFound):
            await desk.unname_model(shop, conn, "model-1", "cpe:2.3:a:a:b:*:*:*:*:*:*:*:*")
        with pytest.raises(Invalid, match="justification"):
            await desk.judge(shop, conn, OPERATOR, cve=CVE, model_id="model-1", family="f", state="not_affected")
        with pytest.raises(Invalid, match="end in the future"):
            await desk.judge(shop, conn, OPERATOR, cve=CVE, model_id="model-1", family="f", state="accepted",
                             note="some reason")  # fmt: skip
    assert await exposed(shop, "CVE-1999-0001") == []
