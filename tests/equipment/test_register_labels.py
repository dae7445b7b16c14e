"""Labels: a code that cannot be guessed, drawn so that a scanner reads it; parts of machines with their history."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from tests.equipment.conftest import TECHNICIAN, Stocked

from wardbridge.core.errors import Conflict, Invalid, NotFound
from wardbridge.equipment.register.labels import draw, label
from wardbridge.equipment.register.labels.draw import SHEETS, Label
from wardbridge.equipment.register.parts import desk as parts
from wardbridge.equipment.register.parts import store as accessories
from wardbridge.equipment.register.parts.values import Accessory
from wardbridge.equipment.shop import Shop
from wardbridge.fhir.validate import validate
from wardbridge.fhir.validate.options import FULL


async def test_a_code_stays_and_leads_to_its_machine_until_it_is_renewed(shop: Shop, stock: Stocked) -> None:
    first, second = await stock(2)
    ids = [first.device_id, second.device_id]
    async with shop.acting(TECHNICIAN) as conn:
        made = await label.make(shop, conn, ids)
        assert await label.make(shop, conn, ids) == made
    assert len({*made.values()}) == 2
    assert all(len(token) >= 22 for token in made.values())
    assert await label.of(shop.pool, ids) == made
    assert await label.device_of(shop.pool, made[first.device_id]) == first.device_id
    assert await label.device_of(shop.pool, "guessed") == ""
    async with shop.acting(TECHNICIAN) as conn:
        fresh = await label.renew(shop, conn, first.device_id)
    assert await label.device_of(shop.pool, made[first.device_id]) == ""
    assert await label.device_of(shop.pool, fresh) == first.device_id
    assert label.url(shop, fresh) == f"http://ward.test/equipment/q/{fresh}"


@given(st.text(max_size=60), st.lists(st.text(max_size=80), max_size=5), st.sampled_from(sorted(SHEETS)))
@settings(max_examples=40, deadline=None)
def test_any_text_can_be_printed(tag: str, lines: list[str], sheet: str) -> None:
    one = Label(url="http://ward.test/equipment/q/abc", tag=tag, lines=tuple(lines))
    assert draw.pdf([one], sheet).startswith(b"%PDF")


def test_a_sheet_is_filled_from_where_it_was_left() -> None:
    many = [Label(url=f"http://ward.test/equipment/q/{n}", tag=f"A-{n}") for n in range(22)]
    assert pages(draw.pdf(many, "a4-21")) == 2
    assert pages(draw.pdf(many[:20], "a4-21", skip=1)) == 1
    assert pages(draw.pdf(many[:20], "a4-21", skip=2)) == 2
    assert pages(draw.pdf(many[:3], "roll-62")) == 3
    with pytest.raises(Invalid):
        draw.pdf(many, "napkin")


def pages(data: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b(?!s)", data))


def test_a_label_is_a_picture_with_a_name() -> None:
    text = draw.svg(Label(url="http://ward.test/equipment/q/abc", tag='<A-"1">', lines=("Flow & 3",)))
    root = etree.fromstring(text.encode())
    assert root.get("aria-label") == '<A-"1">'
    assert root.findall(".//{*}path")
    assert [one.text for one in root.findall(".//{*}text")] == ['<A-"1">', "Flow & 3"]


async def test_a_battery_is_replaced_and_both_are_known(shop: Shop, stock: Stocked) -> None:
    first, second = await stock(2)
    old = Accessory(accessory_id="b1", device_id=first.device_id, kind="battery", name="Li-ion", lot="L1", fitted=10)
    new = Accessory(accessory_id="b2", device_id=first.device_id, kind="battery", name="Li-ion", lot="L2", fitted=20,
                    replaces="b1", expires=10**15)  # fmt: skip
    async with shop.acting(TECHNICIAN) as conn:
        await parts.fit(shop, conn, [old])
        await parts.fit(shop, conn, [new])
    found = await accessories.of(shop.pool, [first.device_id])
    assert [(one.accessory_id, one.removed) for one in found] == [("b2", None), ("b1", 20)]
    assert [one.accessory_id for one in await accessories.expiring(shop.pool, 2 * 10**15)] == ["b2"]
    resource = await shop.record.current(shop.pool, "Device", "b1")
    assert resource is not None
    assert (resource["status"], resource["parent"]) == ("inactive", {"reference": f"Device/{first.device_id}"})
    assert not [issue for issue in validate(resource, FULL) if issue.severity in ("error", "fatal")]
    with pytest.raises(Conflict):
        async with shop.acting(TECHNICIAN) as conn:
            await parts.remove(shop, conn, second.device_id, "b2", 30)
    with pytest.raises(NotFound):
        async with shop.acting(TECHNICIAN) as conn:
            await parts.remove(shop, conn, first.device_id, "none", 30)
    with pytest.raises(Invalid):
        async with shop.acting(TECHNICIAN) as conn:
            await parts.fit(shop, conn, [Accessory(accessory_id="x", device_id=first.device_id, kind="toy", name="x",
                                                   fitted=1)])  # fmt: skip
