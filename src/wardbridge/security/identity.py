"""Signing in: people by password into a server-side session, services by client credentials.

The seam for passkeys and OIDC (issue "Trust") is :meth:`Identity.open`: whatever proves a person ends there.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256

from wardbridge.core.clock import MINUTE, SECOND, Clock
from wardbridge.core.db import Pool
from wardbridge.core.errors import Invalid, NotFound, TooMany, Unauthenticated
from wardbridge.core.ids import Ids, random_ids
from wardbridge.security import store
from wardbridge.security.passwords import hash_password, outdated, verify_password
from wardbridge.security.principal import ROLES, Principal
from wardbridge.security.scopes import grants, parse, valid
from wardbridge.security.tokens import Tokens, same

WINDOW = 15 * MINUTE
LOGIN_TRIES = 8
ADDRESS_TRIES = 60
_RECHECK = 5 * SECOND


@dataclass(frozen=True)
class Opened:
    """A new session: ``cookie`` is the only copy of its secret."""

    cookie: str
    principal: Principal


class Identity:
    """People, services and their sessions."""

    def __init__(
        self,
        pool: Pool,
        tokens: Tokens,
        clock: Clock,
        *,
        session_minutes: int = 720,
        idle_minutes: int = 60,
        ids: Ids = random_ids,
    ) -> None:
        self.pool = pool
        self.tokens = tokens
        self._clock = clock
        self._session = session_minutes * MINUTE
        self._idle = idle_minutes * MINUTE
        self._ids = ids
        self._cache: OrderedDict[bytes, tuple[int, Principal]] = OrderedDict()

    async def add_person(
        self, login: str, display: str, roles: tuple[str, ...], password: str, practitioner: str = ""
    ) -> str:
        """A new person's id. Raises Invalid for a bad login, role or password, Conflict for a taken login."""
        if not login.strip() or len(login) > 100 or login != login.strip():
            raise Invalid("a login has 1 to 100 characters and no blanks around it", "login")
        if not roles or not set(roles) <= ROLES - {"service"}:
            raise Invalid(f"roles are of: {', '.join(sorted(ROLES - {'service'}))}", "roles")
        person = self._ids()
        await store.add_person(self.pool, person, login, display or login, roles, hash_password(password), practitioner)
        return person

    async def change_person(
        self,
        person_id: str,
        *,
        password: str | None = None,
        roles: tuple[str, ...] | None = None,
        enabled: bool | None = None,
    ) -> None:
        """Change a person; their sessions end within seconds. Raises NotFound, Invalid."""
        if roles is not None and (not roles or not set(roles) <= ROLES - {"service"}):
            raise Invalid("unknown role", "roles")
        hashed = None if password is None else hash_password(password)
        async with self.pool.acquire() as conn, conn.transaction():
            if not await store.change_person(conn, person_id, password=hashed, roles=roles, enabled=enabled):
                raise NotFound("no such person")
        self._cache.clear()

    async def sign_in(self, login: str, password: str, address: str) -> Opened:
        """Check a password and open a session.

        Raises Unauthenticated (the same words for every cause) and TooMany after 8 failures of a login
        or 60 of an address within 15 minutes.
        """
        now = self._clock.now()
        keys = (f"login:{login.lower()[:100]}", f"address:{address}")
        counts = await store.failures(self.pool, keys, now - WINDOW)
        if counts.get(keys[0], 0) >= LOGIN_TRIES or counts.get(keys[1], 0) >= ADDRESS_TRIES:
            raise TooMany("too many failed sign-ins; try again in 15 minutes")
        person = await store.person_by_login(self.pool, login)
        good = verify_password(person["password"] if person else None, password)
        if not good or not person["enabled"]:
            await store.add_failure(self.pool, keys, now, now - WINDOW)
            raise Unauthenticated("the login or the password is not right")
        await store.clear_failures(self.pool, keys[0])
        if outdated(person["password"]):
            await store.rehash(self.pool, person["person_id"], hash_password(password))
        return await self.open(
            person["person_id"], person["display"], frozenset(person["roles"]), address, person["practitioner"]
        )

    async def open(
        self, person_id: str, display: str, roles: frozenset[str], address: str, practitioner: str = ""
    ) -> Opened:
        """Open a session for a person who has been proven."""
        cookie, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(24)
        digest, now = sha256(cookie.encode()).digest(), self._clock.now()
        await store.open_session(self.pool, digest, person_id, csrf, address, now, now + self._session)
        return Opened(
            cookie, Principal(person_id, display, "user", roles, (), address, digest.hex(), csrf, practitioner)
        )

    async def by_cookie(self, cookie: str, address: str = "") -> Principal:
        """The principal of a session cookie. Raises Unauthenticated when it has ended."""
        digest, now = sha256(cookie.encode()).digest(), self._clock.now()
        cached = self._cache.get(digest)
        if cached and now - cached[0] < _RECHECK:
            return cached[1]
        self._cache.pop(digest, None)
        row = await store.session(self.pool, digest)
        if row is None or now >= row["expires"] or now - row["seen"] > self._idle:
            raise Unauthenticated("the session has ended; please sign in")
        await store.touch_session(self.pool, digest, now)
        principal = Principal(
            row["person_id"],
            row["display"],
            "user",
            frozenset(row["roles"]),
            (),
            address,
            digest.hex(),
            row["csrf"],
            row["practitioner"],
        )
        self._cache[digest] = (now, principal)
        if len(self._cache) > 2000:
            self._cache.popitem(last=False)
        return principal

    async def sign_out(self, principal: Principal) -> None:
        """End the session now, here; within 5 seconds in other processes."""
        digest = bytes.fromhex(principal.session)
        self._cache.pop(digest, None)
        await store.close_session(self.pool, digest)

    async def add_service(self, client_id: str, display: str, scopes: tuple[str, ...]) -> str:
        """Register a service; returns its secret, which is not kept. Raises Invalid for a bad scope."""
        for scope in scopes:
            if not valid(scope) or not scope.startswith("system/"):
                raise Invalid(f"{scope!r} is not a system scope that can be granted", "scope")
        secret = secrets.token_urlsafe(32)
        await store.put_client(self.pool, client_id, display, sha256(secret.encode()).digest(), scopes)
        return secret

    async def client_token(
        self, client_id: str, secret: str, scope: str, address: str, ttl_seconds: int = 900
    ) -> tuple[str, str]:
        """OAuth 2.0 client credentials (RFC 6749 section 4.4): ``(token, granted scopes)``.

        Raises Unauthenticated for a wrong secret, Invalid when nothing asked for may be granted.
        """
        now = self._clock.now()
        keys = (f"client:{client_id[:100]}", f"address:{address}")
        counts = await store.failures(self.pool, keys, now - WINDOW)
        if counts.get(keys[0], 0) >= LOGIN_TRIES or counts.get(keys[1], 0) >= ADDRESS_TRIES:
            raise TooMany("too many failed requests; try again in 15 minutes")
        row = await store.client(self.pool, client_id)
        digest = sha256(secret.encode()).digest()
        if row is None or not same(digest.hex(), row["secret"].hex()):
            await store.add_failure(self.pool, keys, now, now - WINDOW)
            raise Unauthenticated("the client or its secret is not right")
        granted = tuple(scope.split()) or tuple(row["scopes"])
        for wanted in granted:
            parsed = parse(wanted)
            if parsed is None or not _covered(parsed[1], parsed[2], tuple(row["scopes"])):
                raise Invalid(f"scope {wanted!r} was not given to this client", "scope")
        token = self.tokens.issue(
            role="service", scopes=granted, ttl_seconds=ttl_seconds, subject=client_id, display=row["display"]
        )
        return token, " ".join(granted)


def _covered(type_name: str, letters: frozenset[str], scopes: tuple[str, ...]) -> bool:
    by_letter = {"c": "create", "r": "read", "u": "update", "d": "delete", "s": "search"}
    return all(grants(scopes, by_letter[letter], type_name) for letter in letters)
