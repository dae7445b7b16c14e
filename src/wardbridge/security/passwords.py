"""Passwords: Argon2id with the library's present parameters, rehashed when these grow."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from wardbridge.core.errors import Invalid

MIN_LENGTH = 10
MAX_LENGTH = 1024
_hasher = PasswordHasher()
_absent = _hasher.hash("nobody has this password")


def hash_password(password: str) -> str:
    """Raises Invalid for a password below 10 or above 1024 characters (NIST SP 800-63B: length, no rules)."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise Invalid(f"a password has {MIN_LENGTH} to {MAX_LENGTH} characters", "password")
    return _hasher.hash(password)


def verify_password(stored: str | None, password: str) -> bool:
    """Takes the same time whether or not the person exists (``stored`` None)."""
    try:
        return _hasher.verify(stored or _absent, password[:MAX_LENGTH]) and stored is not None
    except (Argon2Error, InvalidHashError):
        return False


def outdated(stored: str) -> bool:
    """Whether the hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(stored)
