"""What the terminology service offers, as ``TerminologyCapabilities`` (R4 terminologycapabilities.html)."""

from __future__ import annotations

from typing import Any

from wardbridge import __version__
from wardbridge.core.clock import iso
from wardbridge.terminology import base, inputs
from wardbridge.terminology.holding import COMPUTED, Holding, usable
from wardbridge.terminology.service import Service
from wardbridge.terminology.systems import computed


async def statement(service: Service, url: str) -> dict[str, Any]:
    """``url`` is the base of the API. Code systems of the record, of release files, by grammar and of the standard."""
    library = await service.library()
    found = [h for h in library.shelf.all("CodeSystem") if usable(h)]
    own = {h.url for h in found}
    found += [h for h in base.all_holdings("CodeSystem") if h.url not in own]
    found += [h for name in computed.urls() for h in computed.holdings("CodeSystem", name) if name not in own]
    versions: dict[str, list[Holding]] = {}
    for holding in found:
        versions.setdefault(holding.url, []).append(holding)
    return {
        "resourceType": "TerminologyCapabilities",
        "status": "active",
        "date": iso(service.clock.now()),
        "kind": "instance",
        "software": {"name": "Wardbridge", "version": __version__},
        "implementation": {"description": "Wardbridge", "url": url},
        "lockedDate": False,
        "codeSystem": [_system(name, versions[name]) for name in sorted(versions)],
        "expansion": {
            "hierarchical": True,
            "paging": True,
            "incomplete": False,
            "parameter": [{"name": name} for name in sorted({p.name for p in inputs.EXPAND})],
            "textFilter": "Each word of the filter must begin a word of the code, the display or a designation.",
        },
        "codeSearch": "all",
        "validateCode": {"translations": True},
        "translation": {"needsMap": True},
        "closure": {"translation": False},
    }


def _system(url: str, held: list[Holding]) -> dict[str, Any]:
    out: dict[str, Any] = {"uri": url}
    named = [{"code": h.version} for h in held if h.version]
    if named:
        out["version"] = named
    out["subsumption"] = held[0].rank != COMPUTED
    return out
