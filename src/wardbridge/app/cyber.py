"""What ``wardbridge register load-…`` does for cyber, beside a running server or without one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from wardbridge.app.register import opened, read_file
from wardbridge.core.errors import NotFound
from wardbridge.core.settings import Settings
from wardbridge.equipment.cyber import desk, load
from wardbridge.equipment.cyber.sbom.limits import SIZE
from wardbridge.equipment.register import store as register
from wardbridge.equipment.shop import Shop
from wardbridge.fhir.json import dumps
from wardbridge.security.principal import SYSTEM

_SHOWN = 50


async def load_sbom(settings: Settings, path: Path, model: str, version: str = "") -> str:
    """A bill of materials of a model; one line of JSON on what came of it. Raises NotFound, Invalid."""
    sent = read_file(path, SIZE)
    async with opened(settings) as shop:
        ident = await model_id(shop, model)
        async with shop.acting(SYSTEM, f"register load-sbom {path.name}") as conn:
            return _line(await desk.add_sbom(shop, conn, ident, sent, SYSTEM, version=version))


async def load_vex(settings: Settings, path: Path) -> str:
    """A maker's statements; one line of JSON. Raises Invalid."""
    sent = read_file(path, SIZE)
    async with opened(settings) as shop, shop.acting(SYSTEM, f"register load-vex {path.name}") as conn:
        return _line(await desk.add_vex(shop, conn, sent, SYSTEM))


async def load_mds2(settings: Settings, path: Path, model: str, version: str = "") -> str:
    """The disclosure statement of a model; one line of JSON. Raises NotFound, Invalid."""
    sent = read_file(path, SIZE)
    async with opened(settings) as shop:
        ident = await model_id(shop, model)
        async with shop.acting(SYSTEM, f"register load-mds2 {path.name}") as conn:
            return _line(await desk.add_mds2(shop, conn, ident, sent, SYSTEM, version=version))


async def load_epss(settings: Settings, path: Path) -> str:
    """A day's EPSS scores; one line of JSON. Raises Invalid."""
    sent = read_file(path, SIZE)
    async with opened(settings) as shop:
        return _loaded(await load.load_epss(shop, sent, SYSTEM, path.name))


async def load_cve(settings: Settings, paths: Sequence[Path]) -> str:
    """CVE records, NVD answers and OSV records of files and folders; one line of JSON. Raises NotFound."""
    for path in paths:
        if not path.exists():
            raise NotFound(f"{path}: there is no such file or folder")
    async with opened(settings) as shop:
        return _loaded(await load.load_flaws(shop, files(paths), SYSTEM, ", ".join(path.name for path in paths)))


def files(paths: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    """Files, and those in folders that may be records: .json, .ndjson, .jsonl, also as .gz."""
    for path in paths:
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        for one in inside:
            name = one.name.removesuffix(".gz")
            if one.is_file() and (one == path or name.endswith((".json", ".ndjson", ".jsonl"))):
                yield str(one), read_file(one, SIZE * 16 if not path.is_dir() else SIZE)


async def model_id(shop: Shop, text: str) -> str:
    """A model by its id, or by "manufacturer name". Raises NotFound."""
    found = await register.models(shop.pool)
    wanted = " ".join(text.lower().split())
    for one in found:
        if one.model_id == text or wanted == f"{one.manufacturer} {one.name}".lower():
            return one.model_id
    raise NotFound("there is no such model in the register", text)


def _line(put: desk.Put) -> str:
    said: dict[str, Any] = {
        "id": put.ident, "kind": put.kind, "components": put.components, "services": put.services,
        "statements": put.statements, "answers": put.answers, "again": put.again,
        "findings": put.matched.findings if put.matched else None,
        "refused": [{"where": one.where, "reason": one.reason} for one in put.refused[:_SHOWN]],
        "refused_count": len(put.refused),
    }  # fmt: skip
    return dumps(said).decode()


def _loaded(done: load.Loaded) -> str:
    said: dict[str, Any] = {
        "read": done.read, "changed": done.changed, "findings": done.matched.findings if done.matched else None,
        "refused": [{"where": one.where, "reason": one.reason} for one in done.refused[:_SHOWN]],
        "refused_count": len(done.refused),
    }  # fmt: skip
    return dumps(said).decode()
