"""Feeds of every kind come in once, are updated, merged, refused with a reason, and go out as they came."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

from tests.equipment.conftest import TECHNICIAN
from tests.equipment.feeds import csaf, enforcement, kev, recall

from wardbridge.equipment.advisories import load, parse
from wardbridge.equipment.advisories.load import Report
from wardbridge.equipment.advisories.store import documents
from wardbridge.equipment.advisories.values import Document
from wardbridge.equipment.shop import Shop
from wardbridge.security import store as security


async def read(shop: Shop, *paths: Path) -> Report:
    return await load.load(shop, parse.of_paths(paths), TECHNICIAN)


def put(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


async def test_every_shape_of_a_feed_gives_the_same_documents(shop: Shop, tmp_path: Path) -> None:
    records = [recall(f"Z-{n:04d}-2024") for n in range(1, 8)]
    api = put(tmp_path / "api.json", {"meta": {"results": {"skip": 0}}, "results": records})
    packed = tmp_path / "device-recall.json.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("device-recall-0001.json", json.dumps({"meta": {}, "results": records}, indent=2))
    lines = tmp_path / "recalls.ndjson.gz"
    lines.write_bytes(gzip.compress("\n".join(json.dumps(one) for one in records).encode()))
    plain = put(tmp_path / "list.json", records)
    files = (api, packed, lines, plain)
    found = [[one.advisory_id for one in parse.of_paths([file]) if isinstance(one, Document)] for file in files]
    assert found[0] == [f"recall-z-{n:04d}-2024" for n in range(1, 8)]
    assert found[1] == found[2] == found[3] == found[0]
    done = await read(shop, api, packed, lines, plain)
    assert done.kinds == {"recall": {"new": 7, "updated": 0, "unchanged": 21, "older": 0}}


async def test_the_same_again_changes_nothing_and_a_newer_version_does(shop: Shop, tmp_path: Path) -> None:
    first = put(tmp_path / "a.json", csaf("ICSMA-1", version="1", released="2024-01-01"))
    await read(shop, first)
    changes = len(await security.changes_of(shop.pool, table="advisory"))
    await read(shop, put(tmp_path / "spaced.json", json.loads(first.read_text())))
    assert len(await security.changes_of(shop.pool, table="advisory")) == changes
    newer = csaf("ICSMA-1", version="2", released="2024-02-01", title="Now with a fix")
    done = await read(shop, put(tmp_path / "b.json", newer))
    assert done.kinds["csaf"]["updated"] == 1
    (one,) = await documents.listed(shop.pool)
    assert (one.title, one.version) == ("Now with a fix", "2")
    again = await read(shop, first)
    assert again.kinds["csaf"] == {"new": 0, "updated": 0, "unchanged": 0, "older": 1}
    (one,) = await documents.listed(shop.pool)
    assert one.version == "2"
    history = await documents.kept(shop.pool, [one.advisory_id], current=False)
    assert {(row.version, row.current) for row in history} == {("1", False), ("2", True)}
    assert json.loads(await load.export(shop, one.advisory_id)) == newer


async def test_bad_records_are_kept_with_a_reason_and_cost_nothing_else(shop: Shop, tmp_path: Path) -> None:
    good, bad = recall("Z-1-2024"), {"product_res_number": "Z-2-2024", "product_description": "x"}
    file = tmp_path / "cut.json"
    file.write_bytes(json.dumps({"results": [good, bad, recall("Z-3-2024"), recall("Z-4-2024")]}).encode()[:-40])
    (tmp_path / "broken.ndjson").write_bytes(json.dumps(good).encode() + b'\n{"cveID": \n[]\n')
    done = await read(shop, file, tmp_path / "broken.ndjson", tmp_path / "absent.json")
    assert done.kinds["recall"]["new"] == 2
    reasons = {(one.file, one.place): one.reason for one in done.refusals}
    assert "recalling_firm is missing" in reasons["cut.json", "record 2"]
    assert reasons["cut.json", "record 4"] == "the file ends too early"
    assert "no JSON" in reasons["broken.ndjson", "line 2"]
    assert "neither CSAF" in reasons["broken.ndjson", "line 3"]
    assert "No such file" in reasons["absent.json", ""]
    assert len(await documents.refused(shop.pool)) == done.refused == 5
    await read(shop, file)
    assert len(await documents.refused(shop.pool)) == 5


async def test_a_folder_is_read_and_what_is_not_a_feed_is_passed_over(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "2024").mkdir()
    put(tmp_path / "2024" / "a.json", csaf("A-1"))
    put(tmp_path / "index.json", [{"id": "A-1"}])
    (tmp_path / "README.md").write_text("words")
    done = await read(shop, tmp_path)
    assert (done.kinds["csaf"]["new"], done.refused, done.passed) == (1, 0, ["index.json"])


async def test_both_records_of_a_recall_are_one_advisory_whatever_comes_first(shop: Shop, tmp_path: Path) -> None:
    one = put(tmp_path / "r.json", {"results": [recall("Z-9-2024", code_info="Lot 111, 112")]})
    other = put(
        tmp_path / "e.json", {"results": [enforcement("Z-9-2024", classification="Class I", code_info="Lot 111")]}
    )
    await read(shop, other)
    await read(shop, one)
    (found,) = await documents.listed(shop.pool)
    assert (found.class_, found.summary) == ("Class I", "It may stop")
    (product,) = (await documents.products(shop.pool))[found.advisory_id]
    assert product.codes.lots == ("111", "112")
    done = await read(shop, one, other)
    assert done.kinds["recall"] == {"new": 0, "updated": 0, "unchanged": 2, "older": 0}


async def test_kev_marks_the_advisories_that_tell_of_its_cves_in_any_order(shop: Shop, tmp_path: Path) -> None:
    told = put(tmp_path / "a.json", csaf("A-1", cve="CVE-2017-0144"))
    other = put(tmp_path / "b.json", csaf("A-2", cve="CVE-2020-0001"))
    listed = put(tmp_path / "k.json", {"title": "t", "catalogVersion": "1", "vulnerabilities": [kev("CVE-2017-0144")]})
    await read(shop, told, listed, other)
    rows = {one.number: one for one in await documents.listed(shop.pool)}
    assert (rows["A-1"].kev, rows["A-1"].ransomware, rows["A-2"].kev) == (True, True, False)
    assert rows["A-1"].due == rows["CVE-2017-0144"].due is not None
    assert [one.number for one in await documents.listed(shop.pool, only="kev")][-1] != "A-2"
    assert (await documents.listed(shop.pool))[-1].number == "A-2"


async def test_what_is_hostile_is_refused_not_raised(shop: Shop, tmp_path: Path) -> None:
    deep = csaf("A-1")
    branch: dict[str, Any] = {"category": "vendor", "name": "x"}
    for _ in range(100):
        branch = {"category": "product_family", "name": "x", "branches": [branch]}
    deep["product_tree"] = {"branches": [branch]}
    zero = csaf("A-2", title="nul \x00 inside", cve="CVE-2024-0001")
    wrong = csaf("A-3")
    wrong["vulnerabilities"] = [5, {"product_status": {"known_affected": 7}, "scores": "x", "remediations": [None]}]
    wrong["product_tree"] = {"branches": [None, 4, {"branches": "x"}], "relationships": [1]}
    (tmp_path / "not.zip").write_bytes(b"PK\x03\x04 no zip")
    (tmp_path / "not.json.gz").write_bytes(b"\x1f\x8b\x08 no gzip")
    files = [put(tmp_path / f"{n}.json", one) for n, one in enumerate((deep, zero, wrong))]
    done = await read(shop, *files, tmp_path / "not.zip", tmp_path / "not.json.gz")
    assert done.kinds["csaf"]["new"] == 2
    assert done.refused == 3
