"""Bearer tokens: JWTs (RFC 9068 in shape) signed with a key that lives in the data folder.

Whoever may read the data folder may issue tokens; nobody else can. Keys rotate by adding a file
``keys/token-<n>.key``: the newest signs, all verify.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections import OrderedDict
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey

from wardbridge.core.clock import SECOND, Clock
from wardbridge.core.errors import Invalid, Unauthenticated
from wardbridge.security.principal import ROLES, Principal
from wardbridge.security.scopes import valid

ISSUER = "wardbridge"
MAX_TTL_SECONDS = 366 * 86_400
_CACHE = 4096


def default_scopes(role: str) -> tuple[str, ...]:
    """What a token grants when nothing is asked for: everything that its role may."""
    return ("system/*.cruds",) if role == "service" else ("user/*.cruds",)


class Tokens:
    """Issues and verifies tokens with the keys of one data folder."""

    def __init__(self, keys: Path, clock: Clock) -> None:
        self._clock = clock
        self._keys = _load(keys)
        self._seen: OrderedDict[bytes, tuple[Principal, int]] = OrderedDict()

    def issue(
        self, *, role: str, scopes: tuple[str, ...] = (), ttl_seconds: int = 3600, subject: str = "", display: str = ""
    ) -> str:
        """A signed token. Raises Invalid for an unknown role, scope or lifetime."""
        if role not in ROLES:
            raise Invalid(f"no role {role!r}; roles are {', '.join(sorted(ROLES))}", "role")
        for scope in scopes:
            if not valid(scope):
                raise Invalid(f"{scope!r} is not a SMART v2 scope that can be granted", "scope")
        if not 0 < ttl_seconds <= MAX_TTL_SECONDS:
            raise Invalid("a token lives between one second and 366 days", "ttl")
        now = self._clock.now() // SECOND
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "sub": subject or f"token-{role}",
            "iat": now,
            "exp": now + ttl_seconds,
            "jti": secrets.token_urlsafe(12),
            "role": role,
            "name": display or f"{role} token",
            "scope": " ".join(scopes or default_scopes(role)),
        }
        key = self._keys.keys[-1]
        return jwt.encode({"alg": "HS256", "kid": key.kid, "typ": "at+jwt"}, claims, key)

    def verify(self, token: str, address: str = "") -> Principal:
        """The principal of a token. Raises Unauthenticated when it is forged, expired or malformed."""
        now = self._clock.now() // SECOND
        digest = sha256(token.encode()).digest()
        known = self._seen.get(digest)
        if known is None:
            known = self._decode(token)
            self._seen[digest] = known
            if len(self._seen) > _CACHE:
                self._seen.popitem(last=False)
        principal, expires = known
        if now >= expires:
            raise Unauthenticated("the token has expired")
        return principal if principal.address == address else _at(principal, address)

    def mark(self, purpose: str, text: str) -> str:
        """A keyed digest of ``text`` (HMAC-SHA-256, hex): to count by, of no use to find the text again."""
        key = self._keys.keys[-1]
        assert isinstance(key, OctKey)
        return hmac.new(key.raw_value, f"{purpose}\n{text}".encode(), sha256).hexdigest()

    def _decode(self, token: str) -> tuple[Principal, int]:
        try:
            claims = jwt.decode(token, self._keys, algorithms=["HS256"]).claims
            if claims["iss"] != ISSUER or claims["role"] not in ROLES:
                raise Unauthenticated("the token was issued for something else")
            kind = "service" if claims["role"] == "service" else "user"
            return Principal(
                str(claims["sub"]),
                str(claims["name"]),
                kind,
                frozenset({claims["role"]}),
                tuple(str(claims["scope"]).split()),
            ), int(claims["exp"])
        except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Unauthenticated("the token is not valid") from error


def _at(principal: Principal, address: str) -> Principal:
    return Principal(principal.id, principal.display, principal.kind, principal.roles, principal.scopes, address)


def _load(folder: Path) -> KeySet:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = sorted(folder.glob("token-*.key"), key=lambda file: (len(file.name), file.name))
    if not files:
        path = folder / "token-1.key"
        fresh = path.with_suffix(f".{os.getpid()}.{secrets.token_hex(4)}")
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "w") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # the first of two racing processes wins, both then read the same key
            os.link(fresh, path)
        fresh.unlink()
        files = [path]
    return KeySet([OctKey.import_key(bytes.fromhex(file.read_text().strip()), {"kid": file.stem}) for file in files])


def same(left: str, right: str) -> bool:
    """Compare secrets in constant time."""
    return hmac.compare_digest(left.encode(), right.encode())
