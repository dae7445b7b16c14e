"""Published devices: read in both shapes, found by every spelling of every identifier."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from tests.equipment.conftest import TECHNICIAN

from wardbridge.core.errors import Invalid
from wardbridge.equipment.register.catalogue import gudid, store
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.udi.hibcc import mod43

PLAIN: dict[str, Any] = {
    "deviceId": "09506000117843", "brandName": "Flow", "companyName": "Acme", "versionModelNumber": "Flow 3",
    "catalogNumber": "F-3", "gmdn": ["Infusion pump"], "productCodes": ["FRN"], "pi": {"lot": False, "serial": True},
    "identifiers": [
        {"id": "09506000117843", "type": "Primary", "agency": "GS1"},
        {"id": "19506000117840", "type": "Package", "agency": "GS1", "contains": "09506000117843", "quantity": "10"},
    ],
}  # fmt: skip
OPENFDA: dict[str, Any] = {
    "meta": {}, "results": [{
        "public_device_record_key": "k-1", "brand_name": "Old", "company_name": "Other", "has_serial_number": "true",
        "version_or_model_number": "O1", "gmdn_terms": [{"name": "Ventilator", "code": "12345"}],
        "product_codes": [{"code": "CBK", "name": "x"}], "catalog_number": "O-1",
        "identifiers": [{"id": "B066000325011", "type": "Primary", "issuing_agency": "HIBCC"}],
    }],
}  # fmt: skip


async def loaded(shop: Shop, data: bytes) -> tuple[int, int, int]:
    async with shop.acting(TECHNICIAN) as conn:
        return await gudid.load(conn, data, 2026, "test")


async def test_an_identifier_of_any_package_and_spelling_finds_its_device(shop: Shop) -> None:
    lines = gzip.compress((json.dumps(PLAIN) + "\n\n").encode())
    assert await loaded(shop, lines) == (1, 2, 0)
    assert await loaded(shop, json.dumps(OPENFDA).encode()) == (1, 1, 1)
    for text, level in (("09506000117843", "Primary"), ("9506000117843", "Primary"), ("19506000117840", "Package"),
                        ("(01)09506000117843(21)S5", "Primary")):  # fmt: skip
        ((entry, package),) = await gudid.find(shop.pool, text, 2026)
        assert (entry.manufacturer, entry.kind, entry.label, package.level) == (
            "Acme",
            "Infusion pump",
            ("serial",),
            level,
        )
    body = "B066000325011"
    for text in (body, body + mod43("+" + body), "+" + body + mod43("+" + body)):
        ((entry, _),) = await gudid.find(shop.pool, text, 2026)
        assert (entry.model, entry.gmdn, entry.product_code) == ("O1", "12345", "CBK")
    assert await gudid.find(shop.pool, "nothing", 2026) == []
    assert [entry.entry_id for entry in await store.by_name(shop.pool, "flow", "f-3")] == ["09506000117843"]
    model = gudid.model(entry, body)
    assert (model.manufacturer, model.name, model.catalogue, model.di) == ("Other", "O1", "O-1", (body,))


async def test_loading_again_changes_nothing(shop: Shop) -> None:
    data = json.dumps(PLAIN).encode()
    await loaded(shop, data)
    count = await shop.pool.fetchval("SELECT count(*) FROM change")
    await loaded(shop, data)
    assert await shop.pool.fetchval("SELECT count(*) FROM change") == count


@pytest.mark.parametrize("data", [b"hello", b"\x1f\x8bxx", b'{"results": [', b"[" * 5000])
async def test_what_is_no_catalogue_is_answered_clearly(shop: Shop, data: bytes) -> None:
    with pytest.raises(Invalid):
        await loaded(shop, data)
