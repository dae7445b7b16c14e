"""Sessions, tokens, client credentials and the audit record on a real database."""

from __future__ import annotations

import asyncpg
import pytest

from wardbridge.core.clock import FakeClock
from wardbridge.core.errors import Conflict, Invalid, TooMany, Unauthenticated
from wardbridge.security import store
from wardbridge.security.audit import MINOR, Access, Audit, as_fhir
from wardbridge.security.identity import LOGIN_TRIES, Identity
from wardbridge.security.principal import SYSTEM
from wardbridge.security.tokens import Tokens

PASSWORD = "correct horse battery"


@pytest.fixture
async def identity(database, clock: FakeClock, tmp_path) -> Identity:
    return Identity(database.pool, Tokens(tmp_path / "keys", clock), clock)


async def test_sign_in_out_and_idle_end(identity: Identity, clock: FakeClock) -> None:
    await identity.add_person("anna", "Anna", ("nurse",), PASSWORD)
    opened = await identity.sign_in("ANNA", PASSWORD, "10.0.0.1")
    assert (await identity.by_cookie(opened.cookie)).roles == {"nurse"}
    await identity.sign_out(opened.principal)
    with pytest.raises(Unauthenticated):
        await identity.by_cookie(opened.cookie)
    again = await identity.sign_in("anna", PASSWORD, "10.0.0.1")
    await clock.advance(61 * 60)
    with pytest.raises(Unauthenticated):
        await identity.by_cookie(again.cookie)


async def test_wrong_passwords_are_limited_and_say_nothing(identity: Identity, clock: FakeClock) -> None:
    await identity.add_person("anna", "Anna", ("nurse",), PASSWORD)
    texts = set()
    for login in ("anna", "nobody"):
        with pytest.raises(Unauthenticated) as caught:
            await identity.sign_in(login, "wrong password", "10.0.0.1")
        texts.add(caught.value.message)
    assert len(texts) == 1
    for _ in range(LOGIN_TRIES - 1):
        with pytest.raises(Unauthenticated):
            await identity.sign_in("anna", "wrong password", "10.0.0.2")
    with pytest.raises(TooMany):
        await identity.sign_in("anna", PASSWORD, "10.0.0.3")
    await clock.advance(16 * 60)
    await identity.sign_in("anna", PASSWORD, "10.0.0.3")


async def test_changing_a_person_ends_their_sessions(identity: Identity) -> None:
    person = await identity.add_person("bo", "Bo", ("operator",), PASSWORD)
    opened = await identity.sign_in("bo", PASSWORD, "")
    await identity.change_person(person, enabled=False)
    with pytest.raises(Unauthenticated):
        await identity.by_cookie(opened.cookie)
    with pytest.raises(Unauthenticated):
        await identity.sign_in("bo", PASSWORD, "")


async def test_people_are_checked(identity: Identity) -> None:
    with pytest.raises(Invalid):
        await identity.add_person("cy", "Cy", ("nurse",), "short")
    with pytest.raises(Invalid):
        await identity.add_person("cy", "Cy", ("service",), PASSWORD)
    await identity.add_person("cy", "Cy", ("nurse",), PASSWORD)
    with pytest.raises(Conflict):
        await identity.add_person("CY", "Cy", ("nurse",), PASSWORD)


async def test_tokens_expire_and_cannot_be_forged(identity: Identity, clock: FakeClock, tmp_path) -> None:
    token = identity.tokens.issue(role="physician", ttl_seconds=60)
    assert identity.tokens.verify(token).roles == {"physician"}
    stranger = Tokens(tmp_path / "other", clock).issue(role="administrator")
    for bad in (stranger, token[:-2] + "AA", "x.y.z", ""):
        with pytest.raises(Unauthenticated):
            identity.tokens.verify(bad)
    await clock.advance(61)
    with pytest.raises(Unauthenticated):
        identity.tokens.verify(token)


async def test_client_credentials_never_widen(identity: Identity) -> None:
    secret = await identity.add_service("lab", "Lab", ("system/Observation.cruds",))
    token, scope = await identity.client_token("lab", secret, "", "")
    assert scope == "system/Observation.cruds"
    assert identity.tokens.verify(token).id == "lab"
    with pytest.raises(Invalid):
        await identity.client_token("lab", secret, "system/*.rs", "")
    with pytest.raises(Unauthenticated):
        await identity.client_token("lab", "guess", "", "")


async def test_audit_is_append_only_and_searchable(database, clock: FakeClock) -> None:
    audit = Audit(database.pool, clock)
    await audit.record(Access(SYSTEM, "read", "Patient", "p1", ("p1",)))
    await audit.record(
        Access(
            SYSTEM, "search", "Observation", patients=("p1", "p2"), outcome=MINOR, reason="no", query="patient=p1\x00"
        )
    )
    rows = await audit.find(patient="p1")
    assert [row["event"] for row in rows] == ["search", "read"]
    event = as_fhir(rows[0])
    assert event["action"] == "R"
    assert event["outcome"] == "4"
    assert len(await audit.find(patient="p2")) == 1
    for statement in ("UPDATE audit_event SET actor = 'x'", "DELETE FROM audit_event", "TRUNCATE audit_event"):
        with pytest.raises(asyncpg.RaiseError):
            await database.pool.execute(statement)
    async with database.pool.acquire() as conn, conn.transaction():
        assert await store.forget_audit(conn, clock.now() + 1) == 2
