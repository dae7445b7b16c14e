"""One release into the terminology tables, in one transaction: all of it is there, or nothing has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from wardbridge.core.clock import Clock
from wardbridge.core.db import Pool, transaction
from wardbridge.core.errors import Invalid
from wardbridge.terminology.loaders import icd10cm, loinc, rtmms, rxnorm, snomed
from wardbridge.terminology.loaders.release import Release
from wardbridge.terminology.store.load import Row, load_concepts
from wardbridge.terminology.values import Head

FORMATS: dict[str, Callable[[Release, str], tuple[Head, Iterator[Row]]]] = {
    "loinc": loinc.read,
    "snomed": snomed.read,
    "rxnorm": rxnorm.read,
    "icd10cm": icd10cm.read,
    "rtmms": rtmms.read,
}


async def load(pool: Pool, clock: Clock, name: str, path: Path, version: str = "") -> tuple[Head, int]:
    """The head and the number of concepts. Raises Invalid for an unknown format or a release that cannot be read."""
    if name not in FORMATS:
        raise Invalid(f"no format {name!r}; there are {', '.join(sorted(FORMATS))}", "format")
    try:
        head, rows = FORMATS[name](Release(path), version)
        async with transaction(pool) as conn:
            total = await load_concepts(conn, head, rows, now=clock.now())
            if not total:
                raise Invalid(f"{path} holds no concept", str(path))
    except KeyError as error:
        raise Invalid(f"{path}: a table has no column {error}", str(path)) from error
    except UnicodeDecodeError as error:
        raise Invalid(f"{path}: not UTF-8: {error}", str(path)) from error
    return head, total
