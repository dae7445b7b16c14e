"""A code system in memory and one in tables must answer alike, whatever the hierarchy and the question."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardbridge.core.db import transaction
from wardbridge.core.errors import Invalid
from wardbridge.terminology.expression import (
    Active,
    Both,
    Codes,
    Either,
    Every,
    Expression,
    Has,
    Leaf,
    Not,
    Under,
    Words,
    both,
    either,
    holds,
)
from wardbridge.terminology.store.concepts import StoredSystem, matching, systems
from wardbridge.terminology.store.load import Row, load_concepts, row_of
from wardbridge.terminology.systems.memory import MemorySystem
from wardbridge.terminology.values import Concept, Designation, Head, Property

HEAD = Head("http://example.org/many", "1", case_sensitive=False)


def concepts(seed: int, size: int = 60) -> list[Concept]:
    """A graph of many parents, with properties, flags and designations."""
    choose = random.Random(seed)
    out = []
    for n in range(size):
        parents = tuple(f"C{p}" for p in sorted(choose.sample(range(n), min(n, choose.choice([0, 1, 1, 2])))))
        out.append(
            Concept(
                f"C{n}",
                choose.choice(["Red blood cell", "White cell", "Blood pressure"]) + f" {n}",
                number=n,
                inactive=choose.random() < 0.2,
                parents=parents,
                designations=(Designation("Zelle", "de"),) if n % 3 == 0 else (),
                properties=(Property("kind", "valueCode", choose.choice("ab")),) if n % 2 else (),
            )
        )
    return out


async def both_of(pool: Any, seed: int) -> tuple[MemorySystem, StoredSystem]:
    made = concepts(seed)
    async with transaction(pool) as conn:
        total = await load_concepts(conn, HEAD, map(row_of, made), now=1)
    assert total == len(made)
    [(key, head, hierarchical, _, _)] = await systems(pool)
    assert head == HEAD
    return MemorySystem(HEAD, made), StoredSystem(pool, key, head, hierarchical)


def questions(choose: random.Random, depth: int = 0) -> Expression:
    code = f"C{choose.randrange(60)}"
    simple: list[Expression] = [
        Every(),
        Codes(tuple(f"C{choose.randrange(70)}" for _ in range(4))),
        Under(code),
        Under(code, itself=True),
        Under(code, direct=True),
        Leaf(),
        Active(),
        Has("kind", ("a",)),
        Has("kind", ("a", "b")),
        Has("kind"),
        Has("nothing"),
        Has("inactive", ("true",)),
        Has("parent"),
        Words(("red", "ce")),
        Words(("zelle",)),
        Words(("5",)),
    ]
    if depth < 2 and choose.random() < 0.5:
        parts = tuple(questions(choose, depth + 1) for _ in range(2))
        return choose.choice([Both(parts), Either(parts), Not(parts[0])])
    return choose.choice(simple)


async def test_memory_and_tables_agree(database: Any) -> None:
    small, large = await both_of(database.pool, 1)
    assert small.hierarchical
    assert large.hierarchical
    choose = random.Random(7)
    for _ in range(150):
        question = questions(choose)
        one, other = await small.select(question, 0, 100), await large.select(question, 0, 100)
        assert one.total == other.total, question
        # What was listed comes in the order of the list, without what came before.
        wanted = list(dict.fromkeys(c.code for c in one.concepts))
        assert wanted == [c.code for c in other.concepts], question
        part = await large.select(question, 3, 5)
        assert part.total == one.total
        assert [c.code for c in part.concepts] == wanted[3:8]


async def test_concepts_are_the_same(database: Any) -> None:
    small, large = await both_of(database.pool, 2)
    asked = ["C0", "c7", "C59", "C60"]
    one, other = await small.find(asked), await large.find(asked)
    assert set(one) == set(other) == {"C0", "c7", "C59"}
    for code, concept in one.items():
        stored = other[code]
        assert (stored.code, stored.display, stored.ancestors, stored.leaf) == (
            concept.code,
            concept.display,
            concept.ancestors,
            concept.leaf,
        )
        assert set(stored.parents) <= set(concept.parents)
        assert stored.designations == concept.designations
        assert stored.properties == concept.properties
    assert [c.code for c in await large.children("C0")] == [c.code for c in await small.children("C0")]
    assert sorted(await large.values("kind", 10)) == sorted(await small.values("kind", 10)) == ["a", "b"]


async def test_a_load_replaces_its_forerunner_and_a_bad_one_changes_nothing(database: Any) -> None:
    await both_of(database.pool, 3)
    async with transaction(database.pool) as conn:
        await load_concepts(conn, HEAD, [Row("A", "Alpha"), Row("B", "Beta", ("A",))], now=2)
    [(key, head, hierarchical, _, _)] = await systems(database.pool)
    assert set(await StoredSystem(database.pool, key, head, hierarchical).find(["A", "B", "C0"])) == {"A", "B"}
    assert await database.pool.fetchval("SELECT count(*) FROM term_concept") == 2
    with pytest.raises(Invalid, match="twice"):
        async with transaction(database.pool) as conn:
            await load_concepts(conn, HEAD, [Row("A", "Alpha"), Row("A", "again")], now=3)
    with pytest.raises(Invalid, match="parent"):
        async with transaction(database.pool) as conn:
            await load_concepts(conn, HEAD, [Row("A", "Alpha", ("Z",))], now=3)
    assert await database.pool.fetchval("SELECT count(*) FROM term_concept") == 2


async def test_a_circle_of_parents_ends(database: Any) -> None:
    rows = [Row("A", "", ("C",)), Row("B", "", ("A",)), Row("C", "", ("B",))]
    async with transaction(database.pool) as conn:
        await load_concepts(conn, HEAD, rows, now=1)
    made = MemorySystem(HEAD, [Concept(r.code, parents=r.parents) for r in rows])
    assert made.one("A") is not None
    assert await database.pool.fetchval("SELECT count(*) FROM term_closure WHERE steps > 0") == 6


async def test_a_regular_expression_cannot_run_for_ever(database: Any) -> None:
    values = ["a" * 60, "a" * 60 + "!"]
    assert await matching(database.pool, "((a+)+)+", values) == ["a" * 60]
    assert await matching(database.pool, "[^ \\t]{4}[0-9]", ["code1", "code12", " ode1"]) == ["code1"]


@given(st.integers(0, 10_000))
@settings(max_examples=60)
def test_both_and_either_keep_the_meaning(seed: int) -> None:
    choose = random.Random(seed)
    made = MemorySystem(HEAD, concepts(5))
    one, other = questions(choose, 2), questions(choose, 2)
    for n in range(60):
        concept = made.one(f"C{n}")
        assert concept is not None
        assert holds(both(one, other), concept) == (holds(one, concept) and holds(other, concept))
        assert holds(either(one, other), concept) == (holds(one, concept) or holds(other, concept))
