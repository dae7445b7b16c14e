"""The common knowledge in table, record and log: written, reviewed by another department, found, asked about."""

from __future__ import annotations

import base64

import msgspec
import pytest
from tests.equipment.conftest import ADMINISTRATOR, NURSE, OPERATOR, TECHNICIAN, Stocked, person
from tests.equipment.test_account import differences

from wardbridge.core.clock import DAY
from wardbridge.core.errors import Conflict, Forbidden, Invalid, NotFound
from wardbridge.equipment.learning import pages, seed
from wardbridge.equipment.learning.about import about
from wardbridge.equipment.learning.store import pages as store
from wardbridge.equipment.learning.values import Content, Link, Question
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work import desk as workshop
from wardbridge.security import store as security
from wardbridge.terminology.glossary.values import Text
from wardbridge.terminology.glossary.words import WORDS

VLAN = Content(title="What a VLAN is", summary="Lanes of a switch.", keywords="virtual LAN, 802.1Q",
               audiences=("biomed", "it"), body="A **VLAN** separates <b>traffic</b> of monitors.",
               questions=(Question("What?", ("traffic", "power"), 0),))  # fmt: skip


async def written(shop: Shop, content: Content = VLAN, *, agreed: bool = True, **given: object) -> str:
    """A page by the operator, put in force by the technician."""
    async with shop.acting(OPERATOR) as conn:
        slug = await pages.draft(shop, conn, "concept", content, by=OPERATOR, **given)  # type: ignore[arg-type]
        if agreed:
            await pages.propose(shop, conn, slug, by=OPERATOR)
    if agreed:
        async with shop.acting(TECHNICIAN) as conn:
            await pages.publish(shop, conn, slug, by=TECHNICIAN)
    return slug


async def test_a_page_of_two_departments_needs_the_other_ones_eyes(shop: Shop) -> None:
    slug = await written(shop, agreed=False)
    async with shop.acting(OPERATOR) as conn:
        with pytest.raises(Conflict):
            await pages.publish(shop, conn, slug, by=TECHNICIAN)  # nobody proposed it
        await pages.propose(shop, conn, slug, by=OPERATOR)
        for who in (OPERATOR, person("operator", "Second"), NURSE, ADMINISTRATOR):
            with pytest.raises(Forbidden):
                await pages.publish(shop, conn, slug, by=who)
        with pytest.raises(Invalid):
            await pages.send_back(shop, conn, slug, " ", by=TECHNICIAN)
    async with shop.acting(TECHNICIAN) as conn:
        await pages.publish(shop, conn, slug, by=TECHNICIAN, note="tried with a trainee")
    page = await pages.read(shop.pool, slug)
    assert (page.state, page.published, page.newest.author) == ("published", 1, OPERATOR.id)
    assert page.review_due > shop.clock.now() + 360 * DAY
    assert [(step.step, step.side) for step in reversed(page.steps)] == [
        ("written", "it"), ("proposed", "it"), ("published", "biomed")]  # fmt: skip


async def test_a_page_of_one_department_needs_a_second_person_only(shop: Shop) -> None:
    content = msgspec.structs.replace(VLAN, audiences=("it",))
    async with shop.acting(OPERATOR) as conn:
        slug = await pages.draft(shop, conn, "concept", content, by=OPERATOR)
        await pages.propose(shop, conn, slug, by=OPERATOR)
        with pytest.raises(Forbidden):
            await pages.publish(shop, conn, slug, by=OPERATOR)
        await pages.publish(shop, conn, slug, by=person("operator", "Second"))
    assert (await pages.read(shop.pool, slug)).state == "published"


async def test_what_is_in_force_stays_while_a_newer_version_is_written(shop: Shop) -> None:
    slug = await written(shop)
    newer = msgspec.structs.replace(VLAN, body="Better words.")
    async with shop.acting(TECHNICIAN) as conn:
        assert await pages.write(shop, conn, slug, 1, "concept", newer, by=TECHNICIAN) == 2
        with pytest.raises(Conflict):
            await pages.write(shop, conn, slug, 1, "concept", VLAN, by=OPERATOR)  # read before version 2
        page = await pages.read(conn, slug)
    assert (page.state, page.shown.version, page.newest.version) == ("draft", 1, 2)
    assert [hit.slug for hit in await pages.search(shop, "separates")] == [slug]
    assert await pages.search(shop, "better") == []
    assert [hit.slug for hit in await pages.search(shop, "better", state="draft")] == [slug]
    async with shop.acting(TECHNICIAN) as conn:
        await pages.propose(shop, conn, slug, by=TECHNICIAN)
    async with shop.acting(OPERATOR) as conn:
        await pages.publish(shop, conn, slug, by=OPERATOR)
    assert [hit.slug for hit in await pages.search(shop, "better")] == [slug]
    old = await store.version(shop.pool, (await pages.read(shop.pool, slug)).page_id, 1)
    assert old is not None
    assert old.content == VLAN


async def test_a_page_is_a_library(shop: Shop) -> None:
    slug = await written(shop, links=(Link("device-kind", "monitor"),), slug="vlan")
    page = await pages.read(shop.pool, slug)
    async with shop.acting(TECHNICIAN) as conn:
        found = await shop.record.current(conn, "Library", page.page_id)
        assert found is not None
        assert (found["status"], found["version"], found["title"]) == ("active", "1", VLAN.title)
        assert base64.b64decode(found["content"][0]["data"]).decode() == VLAN.body
        assert found["reviewer"] == [{"name": "Technician"}]
        assert found["relatedArtifact"][0]["display"] == "monitor"
        await pages.retire(shop, conn, slug, "replaced by another", by=TECHNICIAN)
        found = await shop.record.current(conn, "Library", page.page_id)
    assert found is not None
    assert found["status"] == "retired"
    assert await pages.search(shop, "VLAN") == []


async def test_search_finds_beginnings_ranks_titles_and_marks_safely(shop: Shop) -> None:
    vlan = await written(shop)
    body = "Which socket is in which VLAN? <script>x</script> See wardbridge.org."
    other = msgspec.structs.replace(VLAN, title="Sockets", keywords="", summary="", body=body)
    sockets = await written(shop, other)
    assert [hit.slug for hit in await pages.search(shop, "vla")] == [vlan, sockets]
    assert [hit.slug for hit in await pages.search(shop, "org wardb")] == [sockets]
    assert [hit.slug for hit in await pages.search(shop, "802")] == [vlan]
    (hit,) = await pages.search(shop, "socket script")
    assert "<mark>socket</mark>" in hit.marked
    assert "<script" not in hit.marked
    assert await pages.search(shop, "&|!:*()' ") == []
    assert await pages.search(shop, "vlan", audience="clinical") == []
    assert len(await pages.search(shop, "", kind="concept")) == 2
    assert await pages.search(shop, "\x00vlan\x02") != []


async def test_what_is_looked_for_in_vain_is_counted_without_who(shop: Shop) -> None:
    for text in ("Defib batteries", "batteries  DEFIB", "patient 12345678", "x"):
        await pages.not_found(shop, text)
    assert [(words, asked) for words, asked, _ in await pages.missing(shop)] == [("batteries defib", 2)]
    rows = await security.changes_of(shop.pool, table="knowledge_miss")
    assert {row["actor"] for row in rows} == {"wardbridge"}
    assert not [row for row in rows if "1234" in row["key"]]


async def test_pages_that_help_come_by_model_fault_kind_and_class(shop: Shop) -> None:
    class_ = await written(shop, msgspec.structs.replace(VLAN, title="Class"), links=(Link("device-class", "therapy"),))
    content = msgspec.structs.replace(VLAN, title="Kind")
    kind = await written(shop, content, links=(Link("device-kind", "Infusion pump"),))
    fault = await written(shop, msgspec.structs.replace(VLAN, title="Fault"), links=(Link("fault", "E42"),))
    model = await written(shop, msgspec.structs.replace(VLAN, title="Model"),
                          links=(Link("model", "model-1"), Link("fault", "E42")))  # fmt: skip
    content = msgspec.structs.replace(VLAN, title="Draft")
    await written(shop, content, links=(Link("model", "model-1"),), agreed=False)
    found = await pages.helps(shop.pool, "infusion pump", "model-1", ["E42", "E42"], 10, "therapy")
    assert [hit.slug for hit in found] == [model, fault, kind, class_]
    assert found[0].why == "model-1"
    assert [hit.slug for hit in await pages.helps(shop.pool, codes=["e42"], limit=1)] == [fault]
    assert await pages.helps(shop.pool) == []


async def test_a_machine_finds_the_pages_of_its_kind_and_of_its_open_fault(shop: Shop, stock: Stocked) -> None:
    (asset,) = await stock(1)
    kind = await written(shop, links=(Link("device-kind", "infusion pump"),), slug="kind")
    fault = await written(shop, links=(Link("fault", "E42"),), slug="fault")
    assert [hit.slug for hit in await about(shop, asset.device_id)] == [kind]
    async with shop.acting(TECHNICIAN) as conn:
        await workshop.report(shop, conn, asset.device_id, "it beeps", TECHNICIAN, code="E42")
    assert [hit.slug for hit in await about(shop, asset.device_id)] == [fault, kind]
    assert await about(shop, "unknown") == []


async def test_questions_votes_and_reviews_that_fall_due(shop: Shop) -> None:
    slug = await written(shop, review_months=1)
    async with shop.acting(NURSE) as conn:
        question = await pages.ask(shop, conn, slug, "Which socket is ours?", by=NURSE)
        await pages.vote(shop, conn, slug, False, by=NURSE)
        await pages.vote(shop, conn, slug, True, by=NURSE)
    assert [(name, one.text) for name, one in await store.waiting(shop.pool, 5)] == [(slug, "Which socket is ours?")]
    async with shop.acting(OPERATOR) as conn:
        await pages.answer(shop, conn, slug, question, "The blue one.", by=OPERATOR)
        with pytest.raises(Conflict):
            await pages.answer(shop, conn, slug, question, "No, the red one.", by=OPERATOR)
    page = await pages.read(shop.pool, slug)
    assert (await pages.questions(shop.pool, page.page_id))[0].answer == "The blue one."
    assert await store.votes(shop.pool, page.page_id) == (1, 0)
    assert await pages.search(shop, state="due") == []
    shop.clock.set(page.review_due)  # type: ignore[attr-defined]
    assert [hit.slug for hit in await pages.search(shop, state="due")] == [slug]
    async with shop.acting(TECHNICIAN) as conn:
        with pytest.raises(Forbidden):
            await pages.confirm(shop, conn, slug, by=OPERATOR)  # wrote it
        await pages.confirm(shop, conn, slug, by=TECHNICIAN)
    assert (await store.counts(shop.pool, shop.clock.now()))["due"] == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [("title", "?"), ("title", "x" * 121), ("body", " "), ("body", "x" * 12_001), ("audiences", ()),
     ("audiences", ("board",)), ("pass_percent", 0)],
)  # fmt: skip
async def test_what_cannot_be_a_page_says_why(shop: Shop, field: str, value: object) -> None:
    with pytest.raises(Invalid) as caught:
        pages.checked("concept", msgspec.structs.replace(VLAN, **{field: value}), (), 12)
    assert caught.value.where == field


async def test_links_are_typed_one_a_line(shop: Shop) -> None:
    assert pages.links_from("device-kind  infusion   pump\n\nterm vlan\nterm vlan") == (
        Link("device-kind", "infusion pump"), Link("term", "vlan"))  # fmt: skip
    with pytest.raises(Invalid, match="line 2"):
        pages.links_from("term vlan\nmachine x")
    with pytest.raises(NotFound):
        await pages.read(shop.pool, "none")


async def test_every_house_starts_with_pages_once(shop: Shop) -> None:
    first = await seed.seed(shop)
    assert first >= len(seed.every()) >= 12
    assert await seed.seed(shop) == 0
    assert await differences(shop.pool) == []
    hits = await pages.search(shop, "vlan port")
    assert hits[0].slug == "what-a-vlan-is"
    assert hits[0].example
    page = await pages.read(shop.pool, "what-a-vlan-is")
    assert [(step.step, step.display) for step in reversed(page.steps)] == [
        ("written", "Wardbridge"), ("published", "Wardbridge")]  # fmt: skip
    async with shop.acting(TECHNICIAN) as conn:  # a house makes it its own
        await pages.write(shop, conn, page.slug, 1, page.kind, page.newest.content, by=TECHNICIAN)
    assert await seed.seed(shop) == 0


def test_seed_pages_name_terms_that_exist() -> None:
    known: set[str] = {pages.slug_of(text.title) for _, text in WORDS if isinstance(text, Text)}
    named = {link.target for one in seed.every() for link in one.links if link.kind == "term"}
    assert named <= known, named - known
