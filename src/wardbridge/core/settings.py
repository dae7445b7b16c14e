"""Settings: one TOML file and the environment; the environment wins.

Every setting is listed in ``docs/settings.md``. ``WARDBRIDGE_DATA=/srv/wb`` sets ``data``;
``wardbridge.toml`` in the data folder (or ``WARDBRIDGE_CONFIG``) holds the same names in lower case,
and the tables ``links`` (device connections) and ``destinations`` (outbound feeds).
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from wardbridge.core.errors import SettingsError


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings with their defaults. Durations are in the unit that the name says."""

    data: str = "data"
    database: str = ""
    host: str = "127.0.0.1"
    port: int = 8080
    mllp_host: str = "127.0.0.1"
    mllp_port: int = 2575
    mllp_connections: int = 500
    mllp_frame_bytes: int = 16 * 1024 * 1024
    mllp_allow: tuple[str, ...] = ()
    tls_cert: str = ""
    tls_key: str = ""
    mllp_tls_cert: str = ""
    mllp_tls_key: str = ""
    mllp_tls_client_ca: str = ""
    site: str = "Wardbridge"
    zone: str = "UTC"
    web_workers: int = 1
    log_level: str = "info"
    log_format: str = "json"
    raw_days: int = 30
    sample_days: int = 30
    audit_days: int = 3650
    disk_reserve_mb: int = 512
    expunge: bool = False
    referential_integrity: str = "off"
    cascade_delete: bool = False
    bulk_hours: int = 24
    import_folder: str = ""
    database_shared_mb: int = 256
    charting_minutes: int = 15
    session_minutes: int = 720
    session_idle_minutes: int = 60
    public_url: str = ""
    search_text: bool = True
    subscription_hosts: tuple[str, ...] = ()
    subscription_days: int = 30
    subscription_retry_hours: int = 24
    smtp_host: str = ""
    smtp_port: int = 25
    smtp_from: str = ""
    smtp_user: str = ""
    smtp_password: str = ""
    smtp_tls: str = "starttls"
    links: dict[str, dict[str, Any]] = {}
    destinations: dict[str, dict[str, Any]] = {}
    charting: dict[str, dict[str, Any]] = {}

    @property
    def folder(self) -> Path:
        """The data folder, absolute."""
        return Path(self.data).resolve()

    @property
    def site_zone(self) -> ZoneInfo:
        """The hospital's time zone (IANA)."""
        return ZoneInfo(self.zone)

    @property
    def url(self) -> str:
        """Where browsers reach the pages."""
        if self.public_url:
            return self.public_url.rstrip("/")
        host = self.host if self.host not in {"0.0.0.0", "::"} else "127.0.0.1"  # noqa: S104
        return f"{'https' if self.tls_cert else 'http'}://{host}:{self.port}"


LEVELS = ("debug", "info", "warning", "error")
_WORDS = {
    "log_level": LEVELS,
    "log_format": ("json", "text"),
    "referential_integrity": ("off", "write", "full"),
    "smtp_tls": ("starttls", "tls", "none"),
}
_TABLES = {"links", "destinations", "charting"}
_LISTS = {"mllp_allow", "subscription_hosts"}
_COUNTS = (
    "raw_days",
    "sample_days",
    "audit_days",
    "bulk_hours",
    "subscription_days",
    "subscription_retry_hours",
    "web_workers",
    "mllp_connections",
    "charting_minutes",
)


def load(environ: Mapping[str, str], **overrides: Any) -> Settings:
    """Read the file, then the environment, then ``overrides`` that are not None (command line).

    Raises SettingsError that names the file or variable and what is wrong with it.
    """
    values: dict[str, Any] = {}
    given = {name: value for name, value in overrides.items() if value is not None}
    data = given.get("data") or environ.get("WARDBRIDGE_DATA") or "data"
    named = environ.get("WARDBRIDGE_CONFIG")
    path = Path(named) if named else Path(data) / "wardbridge.toml"
    if path.exists():
        try:
            values.update(tomllib.loads(path.read_text("utf-8")))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
            raise SettingsError(f"{path}: {error}", str(path)) from error
    elif named:
        raise SettingsError(f"WARDBRIDGE_CONFIG names {path}, which does not exist", str(path))
    for field in Settings.__struct_fields__:
        if field in _TABLES:
            continue
        text = environ.get(f"WARDBRIDGE_{field.upper()}")
        if text is not None:
            values[field] = list(filter(None, map(str.strip, text.split(",")))) if field in _LISTS else text
    values.update({name: str(v) if isinstance(v, Path) else v for name, v in given.items()})
    try:
        settings = msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"settings: {error}", str(path)) from error
    return _checked(settings)


def _checked(settings: Settings) -> Settings:
    try:
        ZoneInfo(settings.zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise SettingsError(f"zone: {settings.zone!r} is not an IANA time zone", "zone") from error
    for name in ("tls", "mllp_tls"):
        cert, key = getattr(settings, f"{name}_cert"), getattr(settings, f"{name}_key")
        if bool(cert) != bool(key):
            raise SettingsError(f"{name}_cert and {name}_key belong together", name)
        for file in filter(None, (cert, key)):
            if not os.access(file, os.R_OK):
                raise SettingsError(f"{name}: {file} cannot be read", name)
    for name in ("port", "mllp_port"):
        if not 1 <= getattr(settings, name) <= 65535:
            raise SettingsError(f"{name} must be between 1 and 65535", name)
    if settings.port == settings.mllp_port and settings.host == settings.mllp_host:
        raise SettingsError("port and mllp_port must differ", "mllp_port")
    for name, words in _WORDS.items():
        if getattr(settings, name) not in words:
            raise SettingsError(f"{name} is one of: {', '.join(words)}", name)
    for name in _COUNTS:
        if getattr(settings, name) < 1:
            raise SettingsError(f"{name} must be at least 1", name)
    return settings
