"""Secrets of channels, encrypted with a key of the data folder: a copy of the database does not give them away."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

_HEADER = {"alg": "dir", "enc": "A256GCM"}


class Seal:
    """``folder`` holds ``subscription.key`` (made when first needed, 0600)."""

    def __init__(self, folder: Path) -> None:
        self._key = OctKey.import_key(_load(folder))

    def close(self, text: str) -> str:
        """``text`` encrypted (RFC 7516, A256GCM)."""
        return jwe.encrypt_compact(_HEADER, text, self._key)

    def open(self, sealed: str) -> str:
        """Raises ValueError for what another key has sealed."""
        try:
            plain = jwe.decrypt_compact(sealed, self._key).plaintext
        except JoseError as error:
            raise ValueError("the secret was sealed with another key") from error
        return (plain or b"").decode()


def _load(folder: Path) -> bytes:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "subscription.key"
    if not path.exists():
        fresh = path.with_suffix(f".{os.getpid()}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # of two racing processes the first wins, both then read the same key
            os.link(fresh, path)
        fresh.unlink()
    return bytes.fromhex(path.read_text().strip())
